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

/// The physics engine, and the crate of its shapes, with each field skipped in turn.
pub(super) fn rapier() -> Option<Subject> {
    let fixture = workspace().join("cli/tests/fixtures/rapier");
    let folder = scratch().join("mutations/rapier");
    let (engine, shapes) = (folder.join("engine"), folder.join("shapes"));
    copy(&registry_source(&fixture.join("Cargo.toml"), "rapier3d")?, &engine);
    copy(&registry_source(&fixture.join("Cargo.toml"), "parry3d")?, &shapes);
    copy(&fixture.join("src"), &folder.join("src"));
    let manifest = folder.join("Cargo.toml");
    let text = "[package]\nname = \"physics\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
        bincode = \"1\"\nrapier3d = { path = \"engine\", features = [\"serde-serialize\"] }\n\n\
        [patch.crates-io]\nparry3d = { path = \"shapes\" }\n\n\
        [workspace]\nexclude = [\"engine\", \"shapes\"]\n";
    if fs::read_to_string(&manifest).ok().as_deref() != Some(text) {
        fs::copy(fixture.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        fs::write(&manifest, text).unwrap();
    }
    let program = build(&manifest, &[], "mutated-rapier");
    let args = ["--root", "rapier3d::pipeline::physics_world::PhysicsWorld"].map(str::to_owned);
    let mut all = vec!["lock".to_owned(), program.display().to_string()];
    all.extend(args.iter().cloned());
    all.extend(["--output".to_owned(), "-".to_owned()]);
    let lock = samestate(all).stdout;
    let crates = [("rapier3d", engine.join("src")), ("parry3d", shapes.join("src"))];
    let crates = [(crates[0].0, &*crates[0].1), (crates[1].0, &*crates[1].1)];
    let mutations = skips(&lock, &crates);
    Some(Subject { name: "rapier3d 0.36.1 (serde)", program, args: args.to_vec(), mutations })
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
fn skips(lock: &str, crates: &[(&str, &Path)]) -> Vec<Mutation> {
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
            if let Some(mutation) = skip(inner, variant, field, folder, files) {
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
    path: &str,
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
    if text.contains(&format!("Serialize for {ident} ")) {
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
    let marked =
        line.replacen(line.trim_start(), &format!("#[serde(skip)] {}", line.trim_start()), 1);
    let changed = within.replacen(line, &marked, 1);
    let owner = variant.map_or(path.to_owned(), |variant| format!("{path}::{variant}"));
    Some(Mutation {
        what: format!("{owner}.{field} is skipped"),
        file: file.clone(),
        from: body.to_owned(),
        to: body.replacen(within, &changed, 1),
        field: format!(".{field}"),
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
