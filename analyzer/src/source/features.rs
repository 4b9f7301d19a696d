//! With which features the program's crates are built: as cargo noted it beside the program, or as
//! it resolves them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

use super::built::{self, Built};
use crate::dwarf::{Contents, CrateRoot};

/// The features of each crate by its first file; asked for when the first condition needs them.
#[derive(Debug)]
pub(crate) struct Features {
    crates: BTreeMap<String, BTreeSet<CrateRoot>>,
    binary: PathBuf,
    built: OnceCell<Built>,
    by_file: OnceCell<BTreeMap<PathBuf, BTreeSet<String>>>,
}

impl Features {
    /// Those of the crates of this program, which is this file.
    pub(crate) fn new(contents: &Contents, binary: &Path) -> Self {
        Self {
            crates: contents.crates.clone(),
            binary: binary.to_owned(),
            built: OnceCell::new(),
            by_file: OnceCell::new(),
        }
    }

    /// Whether a crate is built with this feature; `None` if that is not known.
    pub(crate) fn has(&self, crate_name: &str, feature: &str) -> Option<bool> {
        // What cargo noted at the build holds; where it says several things, or nothing, it is asked.
        let built = self.built.get_or_init(|| built::features(&self.binary));
        if let Some(sets) = built.get(crate_name) {
            let has: BTreeSet<bool> = sets.iter().map(|set| set.contains(feature)).collect();
            if let (Some(has), 1) = (has.first(), has.len()) {
                return Some(*has);
            }
        }
        let known = self.by_file.get_or_init(|| resolve(&self.crates));
        let mut answer = None;
        for root in self.crates.get(crate_name)? {
            let features = known.get(&root.folder.join(&root.file))?;
            let has = features.contains(feature);
            if answer.is_some_and(|other| other != has) {
                return None;
            }
            answer = Some(has);
        }
        answer
    }
}

/// What cargo says of the packages that the program's own crates belong to.
fn resolve(crates: &BTreeMap<String, BTreeSet<CrateRoot>>) -> BTreeMap<PathBuf, BTreeSet<String>> {
    let own = crates.values().flatten().filter(|root| root.file.is_relative());
    let manifests: BTreeSet<PathBuf> =
        own.filter_map(|root| manifest(&root.folder.join(&root.file))).collect();
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for manifest in manifests {
        if seen.contains(&manifest) {
            continue;
        }
        let mut command = MetadataCommand::new();
        command.manifest_path(&manifest).other_options(vec!["--offline".to_owned()]);
        // Without an answer the features are unknown, and what hangs on them is reported so.
        let Ok(metadata) = command.exec() else { continue };
        let resolved = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
        let features: BTreeMap<_, _> = resolved.map(|node| (&node.id, &node.features)).collect();
        for package in &metadata.packages {
            seen.insert(package.manifest_path.clone().into_std_path_buf());
            let Some(own) = features.get(&package.id) else { continue };
            for target in &package.targets {
                let own = own.iter().map(ToString::to_string).collect();
                found.insert(target.src_path.clone().into_std_path_buf(), own);
            }
        }
    }
    found
}

/// The manifest of the package that a file belongs to.
pub(super) fn manifest(file: &Path) -> Option<PathBuf> {
    file.ancestors().skip(1).map(|folder| folder.join("Cargo.toml")).find(|path| path.is_file())
}
