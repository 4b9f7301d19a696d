//! The user's files: kept before anything runs, and put back on every way out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::entry::{Entry, Snapshot};
use super::keep::{self, Keep};
use super::state::State;
use crate::Error;

/// Puts the user's files back on every way out; also at the next start, if this one is killed.
pub(super) struct Guard {
    pub(super) state: State,
    before: Snapshot,
    keeps: Vec<Keep>,
    done: bool,
}

impl Guard {
    /// Keeps the files below `roots`; copies of later moments go to `copies`. What the report
    /// should say of it goes to `notes`.
    pub(super) fn new(
        roots: Vec<PathBuf>,
        copies: PathBuf,
        notes: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let mut keeps = Vec::new();
        for root in &roots {
            let keep = Keep::take(root)?;
            recover(&keep, notes)?;
            for other in keep::related(root)? {
                let other = Keep::take(&other)?;
                recover(&other, notes)?;
                other.done()?;
            }
            keeps.push(keep);
        }
        let mut state = State::new(roots, copies);
        let mut before = Snapshot::default();
        for keep in &keeps {
            state.take_into(&keep.root, keep.files()?, &mut before)?;
        }
        for keep in &keeps {
            keep.promise(&before)?;
        }
        notes.extend(leads_away(&before, &keeps));
        Ok(Self { state, before, keeps, done: false })
    }

    /// The state paths where there was nothing, neither before nor at one of these moments, and
    /// where there is nothing now.
    pub(super) fn nowhere<'a>(&self, moments: impl Iterator<Item = &'a Snapshot>) -> Vec<PathBuf> {
        let roots = self.keeps.iter().map(|keep| &keep.root);
        let mut nowhere: Vec<_> =
            roots.filter(|root| !root.is_symlink() && !root.exists()).collect();
        let nothing =
            |snapshot: &Snapshot, root| matches!(snapshot.0.get(root), Some(Entry::Nothing) | None);
        nowhere.retain(|root| nothing(&self.before, *root));
        for moment in moments {
            nowhere.retain(|root| nothing(moment, *root));
        }
        nowhere.into_iter().cloned().collect()
    }

    /// Makes the files what they were before anything ran, so that the original can run again.
    pub(super) fn put_back(&mut self) -> Result<(), Error> {
        self.state.put_back(&self.before)
    }

    /// Puts them back. If that fails, the copies stay for the next start.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.done = true;
        self.state.put_back(&self.before)?;
        self.keeps.drain(..).try_for_each(Keep::done)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.done {
            // We are unwinding: there is nobody to tell, and the attempt is all that can be made.
            // The journal stays.
            let _best_effort = self.state.put_back(&self.before);
        }
    }
}

/// Puts back what a verification that was killed has left.
fn recover(keep: &Keep, notes: &mut Vec<String>) -> Result<(), Error> {
    let Some(before) = keep.left_over()? else { return Ok(()) };
    // No copies are taken.
    State::new(vec![keep.root.clone()], PathBuf::new()).put_back(&before)?;
    notes.push(format!(
        "an earlier verification was killed; {} is now as it was before that",
        keep.root.display()
    ));
    Ok(())
}

/// Links to places that are not kept.
fn leads_away(before: &Snapshot, keeps: &[Keep]) -> Vec<String> {
    let mut notes = Vec::new();
    for (path, entry) in &before.0 {
        if !matches!(entry, Entry::Link { .. }) {
            continue;
        }
        let Ok(real) = fs::canonicalize(path) else { continue };
        if !keeps.iter().any(|keep| real.starts_with(&keep.root)) {
            notes.push(format!(
                "{} leads to {}, which no --state names: what is changed there stays changed",
                path.display(),
                real.display()
            ));
        }
    }
    notes
}

/// What has to be kept so that what is named can be put back: links are followed, of a path that
/// does not exist the first folder that does not, and nothing twice.
pub(super) fn roots(named: impl Iterator<Item = PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let mut all = named.map(|path| real(&path, 0)).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    let mut roots: Vec<PathBuf> = Vec::new();
    for path in all {
        if !roots.iter().any(|root| path.starts_with(root)) {
            roots.push(path);
        }
    }
    Ok(roots)
}

fn real(path: &Path, depth: usize) -> Result<PathBuf, Error> {
    /// As many as the kernel follows.
    const MOST_LINKS: usize = 40;
    let mut missing = None;
    let mut at = path;
    loop {
        match fs::canonicalize(at) {
            Ok(real) => {
                return Ok(match missing {
                    Some(name) => real.join(name),
                    None => real,
                });
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("find", at)(error));
            }
            Err(error) => {
                let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else {
                    return Err(Error::file("find", path)(error));
                };
                // A link to nothing: it is what it leads to that comes into being.
                if depth < MOST_LINKS
                    && let Ok(target) = fs::read_link(at)
                {
                    return real(&parent.join(target), depth + 1);
                }
                missing = Some(name);
                at = parent;
            }
        }
    }
}

/// What we write while we run must not be among the files that we put back.
pub(super) fn apart(work: &Path, roots: &[PathBuf]) -> Result<(), Error> {
    match roots.iter().find(|root| work.starts_with(root) || root.starts_with(work)) {
        Some(root) => Err(Error::WorkInState { work: work.to_owned(), state: root.to_owned() }),
        None => Ok(()),
    }
}
