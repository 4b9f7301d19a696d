//! A physics engine that saves with serde: a skip for each field of it and of the crate of its
//! shapes that is saved, and new fields.

use std::fs;
use std::path::Path;

use super::skips::{registry_source, skips};
use super::{Outcome, Subject, copy, copy_as};
use crate::fixtures::{build, findings, samestate, scratch, workspace};

/// The physics engine, with new fields, and the crate of its shapes, with each field skipped in
/// turn.
pub(super) fn rapier() -> Option<Subject> {
    let fixture = workspace().join("cli/tests/fixtures/rapier");
    let folder = scratch().join("mutations/rapier");
    let (engine, shapes) = (folder.join("engine"), folder.join("shapes"));
    let original = registry_source(&fixture.join("Cargo.toml"), "rapier3d")?;
    copy_as(&original, &engine, &|file, bytes| grow(file.strip_prefix(&original).unwrap(), bytes));
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

/// A new field that serde is told to skip, and one that it saves.
const FIELDS: &str = "    #[cfg_attr(feature = \"serde-serialize\", serde(skip))]\n    \
    waits: u32,\n    kept: u32,\n";

/// What is put behind which line of which file.
const NEW: &[(&str, &str, &str)] = &[
    ("dynamics/island_manager/manager.rs", "    pub(crate) free_islands: Vec<usize>,\n", FIELDS),
    (
        "dynamics/island_manager/manager.rs",
        "use parry::utils::VecMap;\n",
        "\nstatic BUMPS: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);\n",
    ),
    (
        "dynamics/island_manager/manager.rs",
        "        self.active_set_epoch = self.active_set_epoch.wrapping_add(1);\n",
        "        BUMPS.fetch_add(1, core::sync::atomic::Ordering::Relaxed);\n",
    ),
    (
        "dynamics/island_manager/persistent.rs",
        "    pub(super) removal_journal: Vec<Removal>,\n",
        FIELDS,
    ),
    (
        "geometry/broad_phase_bvh/mod.rs",
        "    pair_adjacency: Coarena<Vec<ColliderHandle>>,\n",
        FIELDS,
    ),
    (
        "dynamics/soft_body/soft_body_set/soft_body_set.rs",
        "    pub(crate) bodies: Arena<SoftBody>,\n",
        FIELDS,
    ),
    (
        "dynamics/joint/multibody_joint/multibody_joint_set.rs",
        "    pub(crate) topology_epoch: u32,\n",
        FIELDS,
    ),
    (
        "dynamics/joint/multibody_joint/multibody_joint_set.rs",
        "            topology_epoch: 0,\n",
        "            waits: 0,\n            kept: 0,\n",
    ),
];

/// What must be found of them; every other new field is saved.
const GROWN: &[&str] = &[
    "islands.waits",
    "persistent.waits",
    "broad_phase.waits",
    "soft_bodies.waits",
    "multibody_joints.waits",
    "manager::BUMPS",
];

/// A file of the engine with what is new in it.
fn grow(file: &Path, bytes: Vec<u8>) -> Vec<u8> {
    let mut text = None;
    for (_, behind, new) in NEW.iter().filter(|(of, ..)| file == Path::new("src").join(of)) {
        let known = text.unwrap_or_else(|| String::from_utf8(bytes.clone()).unwrap());
        assert_eq!(known.matches(behind).count(), 1, "{}: {behind}", file.display());
        text = Some(known.replace(behind, &format!("{behind}{new}")));
    }
    text.map_or(bytes, String::into_bytes)
}

/// What is found of the new fields: what else has to do with them is a false alarm.
pub(super) fn grown_engine(subject: &Subject) -> Outcome {
    let found = findings(&subject.report());
    let mut outcome = Outcome::new("rapier3d 0.36.1, new fields and a static", 0);
    outcome.total = GROWN.len();
    for field in GROWN {
        if !found.iter().any(|line| line.ends_with(field)) {
            outcome.survivors.push(format!("{field} is new"));
        }
    }
    outcome.others = found.iter().filter(|line| line.ends_with(".kept")).count();
    outcome
}
