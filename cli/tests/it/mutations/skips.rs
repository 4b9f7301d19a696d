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
    let mutations = skips(&lock, &[("tetanes_core", &core.join("src"))]);
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

/// A source file, and its text.
type Source = (PathBuf, String);

fn sources(folder: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    let mut queue = vec![folder.to_owned()];
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
    files
}

/// A skip for each named field of a type that the lock says is saved, of the crates with these
/// names, whose sources stand there.
pub(super) fn skips(lock: &str, crates: &[(&str, &Path)]) -> Vec<Mutation> {
    let crates: Vec<(&str, &Path, Vec<Source>)> =
        crates.iter().map(|(name, folder)| (*name, *folder, sources(folder))).collect();
    let mut mutations: Vec<Mutation> = Vec::new();
    let (mut current, mut variant) = (None, None);
    for line in lock.lines() {
        let head = line.strip_prefix("struct ").or_else(|| line.strip_prefix("enum "));
        if let Some(name) = head {
            current = Some(name.trim_end_matches(" {").split('<').next().unwrap_or(""));
            variant = None;
        } else if line == "}" {
            current = None;
        } else if let Some(name) = line.strip_prefix("  variant ") {
            variant = name.strip_suffix(" {");
        } else if let (Some(path), Some(rest)) = (current, line.trim_start().strip_prefix("saved "))
        {
            let Some((field, _)) = rest.split_once(": ") else { continue };
            let (krate, inner) = path.split_once("::").unwrap_or((path, ""));
            let of_crate = crates.iter().find(|(name, ..)| *name == krate);
            let Some((_, folder, files)) = of_crate else { continue };
            if let Some(mutation) = skip((krate, inner), variant, field, folder, files) {
                // Instances of one definition are several types in the lock.
                if mutations.iter().all(|known| known.what != mutation.what) {
                    mutations.push(mutation);
                }
            }
        }
    }
    mutations
}

/// `#[serde(skip)]` on a named field of a type whose derive serde reads.
fn skip(
    (krate, path): (&str, &str),
    variant: Option<&str>,
    field: &str,
    folder: &Path,
    files: &[Source],
) -> Option<Mutation> {
    let (module, ident) = path.rsplit_once("::").unwrap_or(("", path));
    let found = |(_, text): &&Source| definition(text, ident).is_some();
    let holders: Vec<&Source> = files.iter().filter(found).collect();
    let own = [format!("{module}.rs"), format!("{module}/mod.rs")]
        .map(|file| folder.join(file.replace("::", "/")));
    let holder = match holders[..] {
        [only] => only,
        // The name is there several times: where the module is.
        _ => holders.into_iter().find(|(file, _)| own.contains(file))?,
    };
    let (file, text) = holder;
    // A hand-written impl takes no attributes.
    let is_by_hand = |behind| text.contains(&format!("Serialize for {ident}{behind}"));
    if is_by_hand(' ') || is_by_hand('<') {
        return None;
    }
    let start = definition(text, ident)?;
    let end = start + text[start..].find("\n}")?;
    let body = &text[start..end];
    let within = match variant {
        None => body,
        Some(variant) => {
            let start = body.find(&format!("\n    {variant} {{\n"))?;
            &body[start..start + body[start..].find("\n    }")?]
        }
    };
    let mut lines = within.lines().filter(|line| {
        let line = line.trim_start().trim_start_matches("pub ");
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
        line.starts_with(&format!("{field}:"))
    });
    // Of two lines, one stands behind a condition that is not met.
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let at = line.as_ptr() as usize - body.as_ptr() as usize;
    let indent = line.len() - line.trim_start().len();
    let marked = format!("{}#[serde(skip)] {}", &body[..at + indent], line.trim_start());
    let name = variant.map_or(field.to_owned(), |variant| format!("{variant}.{field}"));
    let owner = variant.map_or(path.to_owned(), |variant| format!("{path}::{variant}"));
    Some(Mutation {
        what: format!("{owner}.{field} is skipped"),
        file: file.clone(),
        from: body[..at + line.len()].to_owned(),
        to: marked,
        field: format!(".{field}"),
        owner: Some((format!("{krate}::{path}"), name)),
    })
}

/// Where a struct or enum with braces is defined, if it is defined once in this text.
fn definition(text: &str, ident: &str) -> Option<usize> {
    let mut places = Vec::new();
    for word in ["struct", "enum"] {
        let head = format!("{word} {ident}");
        for (at, _) in text.match_indices(&head) {
            let line = text[..at].rfind('\n').map_or(0, |before| before + 1);
            let is_item = text[line..at].split_whitespace().all(|word| word.starts_with("pub"));
            let behind = &text[at + head.len()..];
            let is_whole = behind.starts_with([' ', '<', '\n']);
            let opens =
                behind.find(['{', ';', '(']).is_some_and(|at| behind[at..].starts_with('{'));
            if is_item && is_whole && opens && !text[line..].starts_with(' ') {
                places.push(at);
            }
        }
    }
    let [place] = places[..] else { return None };
    Some(place)
}
