//! Programs that save with serde, with a skip for each field of theirs that is saved.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Mutation, Subject, copy};
use crate::fixtures::{build, samestate, scratch, workspace};

/// The emulator core that saves with serde, with each field skipped in turn.
pub(super) fn tetanes() -> Option<Subject> {
    let fixture = workspace().join("cli/tests/fixtures/tetanes");
    let folder = scratch().join("mutations/tetanes");
    let original = registry_source(&fixture.join("Cargo.toml"), "tetanes-core")?;
    let core = folder.join("core");
    copy(&original, &core);
    copy(&fixture.join("src"), &folder.join("src"));
    let manifest = folder.join("Cargo.toml");
    let text = "[package]\nname = \"harness-mutated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
        tetanes-core = { path = \"core\", default-features = false }\n\n[workspace]\n";
    if fs::read_to_string(&manifest).ok().as_deref() != Some(text) {
        fs::write(&manifest, text).unwrap();
    }
    let program = build(&manifest, &[], "mutated-tetanes");
    let args = vec!["--root".to_owned(), "tetanes_core::bus::Bus".to_owned()];
    let mut all = vec!["lock".to_owned(), program.display().to_string()];
    all.extend(args.iter().cloned());
    all.extend(["--output".to_owned(), "-".to_owned()]);
    let lock = samestate(all).stdout;
    let mutations = skips(&lock, &core.join("src"));
    Some(Subject { name: "tetanes-core 0.17.0 (serde)", program, args, mutations })
}

/// Where cargo keeps the source of a dependency.
pub(super) fn registry_source(manifest: &Path, package: &str) -> Option<PathBuf> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .output()
        .ok()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).ok()?;
    let packages = metadata["packages"].as_array()?;
    let found = packages.iter().find(|found| found["name"] == package)?;
    Path::new(found["manifest_path"].as_str()?).parent().map(Path::to_owned)
}

/// A skip for each field of a struct that the lock says is saved.
fn skips(lock: &str, source: &Path) -> Vec<Mutation> {
    let mut files = Vec::new();
    let mut queue = vec![source.to_owned()];
    while let Some(folder) = queue.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                queue.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files.sort();
    let mut mutations = Vec::new();
    let mut current: Option<String> = None;
    for line in lock.lines() {
        if let Some(name) = line.strip_prefix("struct ") {
            let path = name.trim_end_matches(" {").split('<').next().unwrap_or("");
            current = path.rsplit("::").next().map(str::to_owned);
        } else if line == "}" || line.starts_with("enum ") {
            current = None;
        } else if let (Some(ident), Some(rest)) = (&current, line.strip_prefix("  saved ")) {
            let Some((field, _)) = rest.split_once(": ") else { continue };
            if let Some(mutation) = skip(ident, field, &files) {
                mutations.push(mutation);
            }
        }
    }
    mutations
}

/// `#[serde(skip)]` on a named field of a struct whose derive serde reads.
fn skip(ident: &str, field: &str, files: &[(PathBuf, String)]) -> Option<Mutation> {
    let head = format!("pub struct {ident} {{");
    let holders: Vec<&(PathBuf, String)> =
        files.iter().filter(|(_, text)| text.matches(&head).count() == 1).collect();
    let [(file, text)] = holders[..] else { return None };
    let start = text.find(&head)?;
    // A hand-written impl takes no attributes.
    if text.contains(&format!("Serialize for {ident} ")) {
        return None;
    }
    let end = start + text[start..].find("\n}")?;
    let body = &text[start..end];
    let line = body.lines().find(|line| {
        let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.starts_with(&format!("{field}:"))
    })?;
    let marked =
        line.replacen(line.trim_start(), &format!("#[serde(skip)] {}", line.trim_start()), 1);
    Some(Mutation {
        what: format!("{ident}.{field} is skipped"),
        file: file.clone(),
        from: body.to_owned(),
        to: body.replacen(line, &marked, 1),
        field: format!(".{field}"),
    })
}
