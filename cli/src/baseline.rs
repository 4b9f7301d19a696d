//! Lock files of earlier revisions.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use samestate_analyzer::LockText;

use crate::failure::Failure;

/// Where git looks for a repository if not from a folder upwards. Hooks are run with these, and a
/// path in them may be relative to another folder.
const ELSEWHERE: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// The lock file as it is in a revision; `None` if the revision does not have it.
pub(crate) fn of_revision(revision: &str, lock: &Path) -> Result<Option<LockText>, Failure> {
    if revision.is_empty() || revision.starts_with('-') {
        return Err(Failure::usage(format!("`{revision}` is no revision")));
    }
    let folder = match lock.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = lock.file_name().unwrap_or_default().to_string_lossy();
    let commit = format!("{revision}^{{commit}}");
    let known = git(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
    if !known.status.success() {
        let inside = git(folder, &["rev-parse", "--git-dir"])?;
        if !inside.status.success() {
            return Err(Failure::usage(format!(
                "{} is in no repository that git can read: {}; leave out `--baseline`, or name \
                 the lock file of a clone by `--lock`",
                lock.display(),
                said(&inside)
            )));
        }
        let shallow = git(folder, &["rev-parse", "--is-shallow-repository"])?;
        if shallow.stdout.starts_with(b"true") {
            return Err(Failure::unchecked(format!(
                "the revision `{revision}` is not in {}, which is a shallow clone: fetch it (`git fetch \
                 --depth=1 origin BRANCH`), or clone all of it (`fetch-depth: 0` of the action that \
                 checks it out)",
                folder.display()
            )));
        }
        return Err(Failure::usage(format!(
            "git knows no revision `{revision}` in {}; fetch it, or name another one",
            folder.display()
        )));
    }
    let commit = String::from_utf8_lossy(&known.stdout).trim().to_owned();
    let listed = git(folder, &["ls-tree", "--name-only", &commit, "--", &name])?;
    if listed.status.success() && listed.stdout.is_empty() {
        return Ok(None);
    }
    let shown = git(folder, &["show", &format!("{commit}:./{name}")])?;
    if !shown.status.success() {
        let (lock, why) = (lock.display(), said(&shown));
        return Err(Failure::unchecked(format!("cannot read {lock} of {revision}: {why}")));
    }
    let name = PathBuf::from(format!("{revision}:{}", lock.display()));
    Ok(Some(LockText { name, bytes: shown.stdout }))
}

fn git(folder: &Path, words: &[&str]) -> Result<Output, Failure> {
    let mut command = Command::new("git");
    for name in ELSEWHERE {
        command.env_remove(name);
    }
    command.arg("-C").arg(folder).args(words);
    command.output().map_err(|error| {
        Failure::unchecked(if error.kind() == io::ErrorKind::NotFound {
            "`--baseline` needs git, and there is no `git` on the path; install it, or leave out \
             `--baseline`"
                .to_owned()
        } else {
            format!("cannot run git: {error}")
        })
    })
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().next().unwrap_or("git does not say why").trim().to_owned()
}
