//! Whether a program has serializers that tell fields and variants apart by their order.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cargo_metadata::MetadataCommand;

use super::features::manifest;
use crate::dwarf::Contents;

/// Crates that write fields one after the other without their names, or variants by their number;
/// `rmp-serde` writes structs so unless it is told otherwise.
const BY_ORDER: [&str; 10] = [
    "bcs",
    "bincode",
    "bincode-next",
    "bitcode",
    "borsh",
    "oxicode",
    "postcard",
    "rmp-serde",
    "serde_bare",
    "wincode",
];

/// Those of them on which the packages of these crates of the program depend, as their manifests
/// say. Without an answer of cargo there is none.
pub(crate) fn by_order(contents: &Contents, crates: &BTreeSet<String>) -> BTreeSet<String> {
    let roots = crates.iter().filter_map(|name| contents.crates.get(name)).flatten();
    let manifests: BTreeSet<PathBuf> =
        roots.filter_map(|root| manifest(&root.folder.join(&root.file))).collect();
    let mut found = BTreeSet::new();
    for manifest in manifests {
        let mut command = MetadataCommand::new();
        command.manifest_path(&manifest).no_deps().other_options(vec!["--offline".to_owned()]);
        let Ok(metadata) = command.exec() else { continue };
        let packages = metadata.packages.iter().filter(|package| package.manifest_path == manifest);
        let names = packages.flat_map(|package| &package.dependencies);
        let names = names.filter(|dependency| {
            dependency.kind == cargo_metadata::DependencyKind::Normal
                && BY_ORDER.contains(&dependency.name.as_str())
        });
        found.extend(names.map(|dependency| dependency.name.clone()));
    }
    found
}
