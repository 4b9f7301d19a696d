//! With which features the program was built, as cargo noted beside it.
//!
//! Cargo keeps a fingerprint of each build in a folder beside the program: a file of JSON with the
//! features, and in another one the number by which the fingerprints of those that use it name it.
//! What the command line of a build asked for stands there and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// How many fingerprints are read.
const MAX_FINGERPRINTS: usize = 20_000;

/// Most bytes of one fingerprint.
const MAX_LEN: u64 = 1 << 20;

/// The features of each crate by name: one set for each time that it is in the program.
pub(super) type Built = BTreeMap<String, BTreeSet<BTreeSet<String>>>;

/// What counts of a fingerprint.
#[derive(Deserialize)]
struct Fingerprint {
    /// A list, written down as Rust's `Debug` does.
    features: String,
    /// For each dependency: a number of its package, its name, whether it is public, and the
    /// number of its fingerprint.
    deps: Vec<(u64, String, bool, u64)>,
}

impl Fingerprint {
    fn read(path: &Path) -> Option<Self> {
        if fs::metadata(path).ok()?.len() > MAX_LEN {
            return None;
        }
        serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
    }

    fn features(&self) -> Option<BTreeSet<String>> {
        serde_json::from_str(&self.features).ok()
    }
}

/// The features with which the crates of this program were built; nothing where cargo left no
/// word, or not for this file.
pub(super) fn features(binary: &Path) -> Built {
    read(binary).unwrap_or_default()
}

fn read(binary: &Path) -> Option<Built> {
    let binary = binary.canonicalize().ok()?;
    let folder = binary.parent()?;
    // Tests stand in `deps`, examples in `examples`.
    let folders = [folder, folder.parent()?];
    let folder = folders.into_iter().find(|folder| folder.join(".fingerprint").is_dir())?;
    let own = own_hash(&binary, folder)?;
    let mut first = None;
    let mut by_number = BTreeMap::new();
    for entry in fs::read_dir(folder.join(".fingerprint")).ok()?.flatten().take(MAX_FINGERPRINTS) {
        let is_own = entry.file_name().to_string_lossy().ends_with(&format!("-{own}"));
        for file in fs::read_dir(entry.path()).ok().into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let Some(target) = name.strip_suffix(".json") else { continue };
            if let Some(library) = target.strip_prefix("lib-") {
                let number = fs::read_to_string(entry.path().join(target)).unwrap_or_default();
                by_number.insert(number, (library.replace('-', "_"), file.path()));
            }
            let kinds = ["bin-", "example-", "test-", "bench-"];
            if is_own && let Some(kind) = kinds.into_iter().find(|kind| target.starts_with(kind)) {
                let name =
                    target[kind.len()..].trim_start_matches("bin-").trim_start_matches("lib-");
                first = Some((name.replace('-', "_"), file.path()));
            }
        }
    }
    let mut built = Built::new();
    let mut queue = vec![first?];
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    while let Some((name, path)) = queue.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let fingerprint = Fingerprint::read(&path)?;
        built.entry(name).or_default().insert(fingerprint.features()?);
        for (_, _, _, number) in &fingerprint.deps {
            let number: String =
                number.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            // What is not there is no library, such as what runs before the build.
            queue.extend(by_number.get(&number).cloned());
        }
    }
    Some(built)
}

/// The number in the name of the file in `deps` that is this program: cargo makes a link to it.
fn own_hash(binary: &Path, folder: &Path) -> Option<String> {
    let own = fs::metadata(binary).ok()?;
    let stem = binary.file_stem()?.to_str()?.replace('-', "_");
    let mut found = None;
    for place in [folder.join("deps"), folder.join("examples")] {
        for entry in fs::read_dir(place).ok().into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some((crate_name, hash)) = name.rsplit_once('-') else { continue };
            let is_named = crate_name.replace('-', "_") == stem || binary == path;
            if is_named && path.extension().is_none() && is_same(&own, &entry.metadata().ok()?) {
                found = Some(hash.to_owned());
            }
        }
    }
    found
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}
