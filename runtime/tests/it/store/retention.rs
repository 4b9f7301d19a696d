//! Which images stay.

use std::fs;

use samestate::{Store, StoreError};

use super::damage;

fn steps(store: &Store) -> Vec<u64> {
    store.entries().unwrap().iter().map(|entry| entry.step).collect()
}

fn save_all(store: &mut Store, steps: impl IntoIterator<Item = u64>) {
    for step in steps {
        let saved = store.save(&step, step).unwrap();
        assert!(saved.not_removed.is_empty(), "{:?}", saved.not_removed);
        assert_eq!(store.restore::<u64>().unwrap(), Some(step), "the newest one stays");
    }
}

#[test]
fn without_a_rule_everything_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    save_all(&mut store, 0..20);
    assert_eq!(steps(&store).len(), 20);
}

#[test]
fn each_rule_keeps_its_own() {
    let dir = tempfile::tempdir().unwrap();
    // Saves that never hit a multiple, a step back, and a step told twice.
    let told = [7, 17, 27, 107, 117, 205, 50, 60, 110, 110, 300];
    let kept = |store: fn(Store) -> Store| {
        let dir = dir.path().join("store");
        let mut store = store(Store::open(&dir).unwrap());
        save_all(&mut store, told);
        let kept = steps(&store);
        fs::remove_dir_all(&dir).unwrap();
        kept
    };
    assert_eq!(kept(|store| store.keep_last(3)), [110, 110, 300]);
    assert_eq!(kept(|store| store.keep_last(1)), [300]);
    assert_eq!(kept(|store| store.keep_last(0)), [300], "the newest one always stays");
    assert_eq!(kept(|store| store.keep_last(usize::MAX)), told);
    assert_eq!(kept(|store| store.keep_every(100)), [7, 107, 205, 50, 110, 300]);
    assert_eq!(kept(|store| store.keep_every(1000)), [7, 300]);
    assert_eq!(kept(|store| store.keep_every(0)), [7, 17, 27, 107, 117, 205, 50, 60, 110, 300]);
    let both = kept(|store| store.keep_last(3).keep_every(100));
    assert_eq!(both, [7, 107, 205, 50, 110, 110, 300]);
}

#[test]
fn a_later_run_with_other_rules_clears_up() {
    let dir = tempfile::tempdir().unwrap();
    save_all(&mut Store::open(dir.path()).unwrap(), 0..10);
    let mut store = Store::open(dir.path()).unwrap().keep_last(2);
    assert_eq!(steps(&store).len(), 10, "nothing goes before something is saved");
    let saved = store.save(&10_u64, 10).unwrap();
    assert_eq!((saved.removed.len(), saved.not_removed.len()), (9, 0));
    assert_eq!(steps(&store), [9, 10]);
    store.save_in_background(&11_u64, 11).unwrap();
    let written = store.finish().unwrap().unwrap();
    assert_eq!(written.saved.removed.len(), 1);
    assert_eq!(steps(&store), [10, 11]);
}

#[test]
fn a_damaged_image_counts_for_no_rule_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let saved: Vec<_> = (0..4_u64).map(|step| store.save(&step, step).unwrap()).collect();
    drop(store);
    damage(&saved[3].path, usize::try_from(saved[3].len).unwrap() - 1);
    let mut store = Store::open(dir.path()).unwrap().keep_last(2);
    let newest = store.save(&4_u64, 4).unwrap();
    assert_eq!(newest.removed, [saved[0].path.clone(), saved[1].path.clone()]);
    assert_eq!(steps(&store), [2, 3, 4], "2 is the one that counts");
}

#[test]
fn a_save_that_fails_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap().keep_last(1);
    store.save(&1_u64, 1).unwrap();
    // Where the image would be written, there is a folder.
    fs::create_dir(dir.path().join("0000000001-step-2.ckpt.tmp")).unwrap();
    let error = store.save(&2_u64, 2).unwrap_err();
    let StoreError::Io { action: "create the file", path, .. } = &error else { panic!("{error}") };
    assert!(path.ends_with("0000000001-step-2.ckpt.tmp"), "{error}");
    assert_eq!(store.restore::<u64>().unwrap(), Some(1));
}

#[test]
fn what_cannot_be_removed_is_told_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap().keep_last(1);
    let first = store.save(&1_u64, 1).unwrap();
    if !super::processes::make_immutable(&first.path, true) {
        crate::skipped("cannot make a file immutable here");
        return;
    }
    let second = store.save(&2_u64, 2);
    let third = store.save(&3_u64, 3);
    assert!(super::processes::make_immutable(&first.path, false));
    let (second, third) = (second.unwrap(), third.unwrap());
    assert_eq!(second.removed.len(), 0);
    assert_eq!(third.removed, [second.path]);
    for saved in [&second.not_removed, &third.not_removed] {
        let [StoreError::Io { action: "remove the old image", path, .. }] = &saved[..] else {
            panic!("{saved:?}")
        };
        assert_eq!(*path, first.path);
    }
    // The next save tries again.
    let fourth = store.save(&4_u64, 4).unwrap();
    assert_eq!((fourth.removed.len(), fourth.not_removed.len()), (2, 0));
    assert_eq!(steps(&store), [4]);
}
