//! Images on disk.

use std::process::{Command, Stdio};

use samestate::{Checkpoint, Handles, Store, StoreError};

#[derive(Checkpoint, Debug, PartialEq)]
#[checkpoint(root)]
struct Sim {
    step: u64,
    positions: Vec<f64>,
    speeds: Vec<[f32; 3]>,
}

fn sim(step: u64) -> Sim {
    let positions = (0..10_000_u32).map(|n| f64::from(n) * 0.5).collect();
    Sim { step, positions, speeds: vec![[1.0, 2.0, 3.0]; 5000] }
}

#[test]
fn the_newest_image_is_restored() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    assert_eq!(store.restore::<Sim>().unwrap(), None);
    let first = store.save(&sim(1), 1).unwrap();
    let second = store.save(&sim(2), 2).unwrap();
    assert_ne!(first.id, second.id);
    let mut again = Store::open(dir.path()).unwrap();
    assert_eq!(again.latest().unwrap().unwrap().path, second.path);
    assert_eq!(again.restore::<Sim>().unwrap(), Some(sim(2)));
    assert_eq!(again.restore_from::<Sim>(&first.path, Handles::new()).unwrap(), sim(1));
    drop(store);
    let third = again.save(&sim(2), 3).unwrap();
    assert_eq!(third.id, second.id, "equal states have equal ids");
    assert_eq!(again.entries().unwrap().len(), 3);
}

#[test]
fn a_damaged_newest_image_is_an_error_and_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let first = store.save(&sim(1), 1).unwrap();
    let second = store.save(&sim(2), 2).unwrap();
    let mut bytes = std::fs::read(&second.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&second.path, bytes).unwrap();
    let error = store.restore::<Sim>().unwrap_err().to_string();
    let expected = format!("cannot restore {}: the image is damaged: ", second.path.display());
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(store.restore_from::<Sim>(first.path, Handles::new()).unwrap(), sim(1));
}

#[test]
fn two_writers_are_kept_apart() {
    let dir = tempfile::tempdir().unwrap();
    let mut one = Store::open(dir.path()).unwrap();
    let mut two = Store::open(dir.path()).unwrap();
    one.save(&sim(1), 1).unwrap();
    assert_eq!(two.restore::<Sim>().unwrap(), Some(sim(1)), "reading needs no lock");
    let error = two.save(&sim(2), 2).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(one);
    two.save(&sim(2), 2).unwrap();
}

/// A small disk of its own; `None` where that takes rights that we do not have.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success()).then(|| Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_leaves_the_image_before() {
    let Some(disk) = SmallDisk::mount() else {
        crate::skipped("cannot mount a tmpfs");
        return;
    };
    let dir = disk.0.path();
    let small = vec![1_u8; 100_000];
    let mut store = Store::open(dir).unwrap();
    let first = store.save(&small, 1).unwrap();
    let error = store.save(&vec![2_u8; 1_000_000], 2).unwrap_err();
    let StoreError::Io { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{error}");
    let names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{names:?}");
    assert_eq!(store.restore::<Vec<u8>>().unwrap(), Some(small.clone()));
    assert_eq!(store.entries().unwrap().len(), 1);
    // What fits still goes.
    let third = store.save(&small, 3).unwrap();
    assert_eq!(third.id, first.id);
}
