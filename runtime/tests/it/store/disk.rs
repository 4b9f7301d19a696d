//! Disks that are full, that cannot be written to, or that take only so much at once.

use std::path::Path;
use std::process::{Command, Stdio};

use samestate::{Store, StoreError};

use super::names;

/// A small disk of its own; `None` where that takes rights that we do not have.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = run("mount", &["-t", "tmpfs", "-o", "size=256k", "tmpfs"], dir.path());
        if !mounted {
            crate::skipped("cannot mount a tmpfs");
        }
        mounted.then_some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &[], self.path());
    }
}

fn run(program: &str, args: &[&str], dir: &Path) -> bool {
    let status = Command::new(program).args(args).arg(dir).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_leaves_the_image_before() {
    let Some(disk) = SmallDisk::mount() else { return };
    let small = vec![1_u8; 100_000];
    let mut store = Store::open(disk.path()).unwrap();
    let first = store.save(&small, 1).unwrap();
    let large = vec![2_u8; 1_000_000];
    let full = |error: &StoreError| {
        let StoreError::Io { source, path, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull, "{error}");
        assert!(path.starts_with(disk.path()), "{error}");
    };
    full(&store.save(&large, 2).unwrap_err());
    store.save_in_background(&large, 2).unwrap();
    let error = store.finish().unwrap_err();
    let StoreError::Background { source: Some(error), .. } = error else { panic!("{error}") };
    full(&error);
    let names = names(disk.path());
    assert!(!names.iter().any(|name| name.ends_with(".tmp")), "{names:?}");
    assert_eq!(store.restore::<Vec<u8>>().unwrap(), Some(small.clone()));
    assert_eq!(store.entries().unwrap().len(), 1);
    // What fits still goes.
    let third = store.save(&small, 3).unwrap();
    assert_eq!(third.id, first.id);
}

#[test]
fn a_disk_that_cannot_be_written_to_is_restored_from() {
    let Some(disk) = SmallDisk::mount() else { return };
    let state = vec![1_u8; 1000];
    let saved = Store::open(disk.path()).unwrap().save(&state, 1).unwrap();
    std::fs::remove_file(disk.path().join(".lock")).unwrap();
    std::fs::write(disk.path().join("0000000001-step-2.ckpt.tmp"), "of a killed writer").unwrap();
    let before = names(disk.path());
    assert!(run("mount", &["-o", "remount,ro"], disk.path()));
    let mut store = Store::open(disk.path()).unwrap();
    assert_eq!(store.restore::<Vec<u8>>().unwrap(), Some(state.clone()));
    store.resume(&state);
    assert_eq!(store.latest().unwrap().intact.unwrap().id, Some(saved.id));
    assert_eq!(store.contents().unwrap().unfinished.len(), 1);
    for error in
        [store.save(&state, 3).unwrap_err(), store.save_in_background(&state, 3).unwrap_err()]
    {
        let StoreError::Io { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::ReadOnlyFilesystem, "{error}");
    }
    assert_eq!(names(disk.path()), before);
}

#[test]
fn a_disk_that_becomes_unwritable_leaves_the_image_before() {
    let Some(disk) = SmallDisk::mount() else { return };
    let mut store = Store::open(disk.path()).unwrap().keep_last(1);
    store.save(&1_u64, 1).unwrap();
    // The lock is open for writing, which keeps a disk from being made read-only.
    drop(store);
    assert!(run("mount", &["-o", "remount,ro"], disk.path()));
    let mut store = Store::open(disk.path()).unwrap().keep_last(1);
    store.save(&2_u64, 2).unwrap_err();
    assert_eq!(store.restore::<u64>().unwrap(), Some(1));
    assert!(run("mount", &["-o", "remount,rw"], disk.path()));
    store.save(&3_u64, 3).unwrap();
    assert_eq!(store.restore::<u64>().unwrap(), Some(3));
    assert_eq!(store.entries().unwrap().len(), 1);
}

#[test]
fn more_arrays_than_one_call_writes() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    // Each is long enough to be written from where it is.
    let arrays: Vec<Vec<u64>> = (0..3000).map(|first| (first..first + 512).collect()).collect();
    store.save(&arrays, 1).unwrap();
    assert!(store.restore::<Vec<Vec<u64>>>().unwrap().unwrap() == arrays);
    store.save_in_background(&arrays, 2).unwrap();
    store.finish().unwrap();
    let ids: Vec<_> = store.entries().unwrap().iter().map(|entry| entry.id.unwrap()).collect();
    assert_eq!(ids[0], ids[1]);
}
