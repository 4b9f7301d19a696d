//! Saving while the program goes on.

use std::fs;

use samestate::{Checkpoint, Handles, Store, StoreError};

use super::{Sim, names, sim};

#[test]
fn the_image_has_the_state_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let direct = store.save(&sim(7), 7).unwrap();
    let mut state = sim(7);
    let staged = store.save_in_background(&state, 7).unwrap();
    state.step = 8;
    state.positions.fill(-1.0);
    state.speeds.clear();
    let written = store.finish().unwrap().unwrap();
    assert_eq!((&written.saved.path, written.step), (&staged.path, 7));
    assert_eq!((written.saved.id, written.saved.len), (direct.id, direct.len));
    assert!(staged.bytes > 140_000 && staged.bytes < direct.len);
    assert!(staged.waited <= staged.pause && written.pause == staged.pause);
    assert!(staged.former.is_none());
    assert_eq!(store.restore::<Sim>().unwrap(), Some(sim(7)));
    assert!(store.finish().unwrap().is_none() && store.poll().unwrap().is_none());
    assert!(!store.is_saving());
}

#[test]
fn a_store_may_be_used_by_any_thread() {
    const fn assert_send_sync<T: Send + Sync>() {}
    const { assert_send_sync::<Store>() }
}

#[derive(Checkpoint, Debug, PartialEq)]
struct Timed {
    step: u64,
    #[checkpoint(volatile)]
    nanoseconds: Vec<u64>,
}

#[test]
fn volatile_values_are_saved_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    for nanoseconds in [vec![7; 2000], vec![8; 3], vec![]] {
        let timed = Timed { step: 1, nanoseconds };
        store.save_in_background(&timed, 1).unwrap();
        store.finish().unwrap();
        assert_eq!(store.restore::<Timed>().unwrap(), Some(timed));
    }
}

#[test]
fn the_next_save_waits_for_the_former_and_tells_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap().keep_last(2);
    let mut told = Vec::new();
    for step in 1..=5 {
        let staged = store.save_in_background(&sim(step), step).unwrap();
        told.extend(staged.former.map(|written| written.step));
    }
    told.push(loop {
        if let Some(written) = store.poll().unwrap() {
            break written.step;
        }
        std::thread::yield_now();
    });
    assert!(!store.is_saving());
    assert_eq!(told, [1, 2, 3, 4, 5]);
    let steps: Vec<_> = store.entries().unwrap().iter().map(|entry| entry.step).collect();
    assert_eq!(steps, [4, 5]);
    // One in the foreground comes after one in the background.
    store.save_in_background(&sim(6), 6).unwrap();
    store.save(&sim(7), 7).unwrap();
    let steps: Vec<_> = store.entries().unwrap().iter().map(|entry| entry.step).collect();
    assert_eq!(steps, [6, 7]);
}

#[test]
fn dropping_the_store_finishes_the_save_and_gives_the_lock_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.save_in_background(&sim(1), 1).unwrap();
    let mut other = Store::open(dir.path()).unwrap();
    let error = other.save(&sim(2), 2).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "the thread has the lock: {error}");
    drop(store);
    assert_eq!(other.restore::<Sim>().unwrap(), Some(sim(1)));
    other.save(&sim(2), 2).unwrap();
}

#[test]
fn an_error_in_the_background_is_told_once_and_stops_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.save(&1_u64, 1).unwrap();
    // Where the image would be written, there is a folder.
    let blocked = dir.path().join("0000000001-step-2.ckpt.tmp");
    let fail = |store: &mut Store| {
        fs::create_dir_all(&blocked).unwrap();
        store.save_in_background(&2_u64, 2).unwrap()
    };
    let check = |error: StoreError| {
        let StoreError::Background { path, source: Some(source) } = &error else {
            panic!("{error}")
        };
        assert!(path.ends_with("0000000001-step-2.ckpt"), "{error}");
        assert!(matches!(**source, StoreError::Io { action: "create the file", .. }), "{error}");
        assert!(error.to_string().contains(&blocked.display().to_string()), "{error}");
    };
    fail(&mut store);
    check(store.finish().unwrap_err());
    assert!(store.finish().unwrap().is_none(), "told once");
    fail(&mut store);
    check(store.save_in_background(&3_u64, 3).unwrap_err());
    fail(&mut store);
    check(store.save(&3_u64, 3).unwrap_err());
    fail(&mut store);
    while store.is_saving() {
        std::thread::yield_now();
    }
    check(store.poll().unwrap_err());
    let expected = [".lock", "0000000000-step-1.ckpt", "0000000001-step-2.ckpt.tmp"];
    assert_eq!(names(dir.path()), expected, "none of the others was begun");
    assert_eq!(store.restore::<u64>().unwrap(), Some(1));
    store.save_in_background(&3_u64, 3).unwrap();
    assert_eq!(store.finish().unwrap().unwrap().step, 3);
    assert_eq!(store.restore::<u64>().unwrap(), Some(3));
}

#[test]
fn a_state_that_cannot_be_saved_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let cell = std::cell::RefCell::new(1_u64);
    let borrowed = cell.borrow_mut();
    let error = store.save_in_background(&cell, 1).unwrap_err();
    assert!(matches!(error, StoreError::Save(_)), "{error}");
    drop(borrowed);
    store.save_in_background(&cell, 1).unwrap();
    assert_eq!(store.finish().unwrap().unwrap().step, 1);
}

#[test]
fn restoring_waits_for_the_save_in_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.save(&sim(1), 1).unwrap();
    for step in 2..=5 {
        store.save_in_background(&sim(step), step).unwrap();
        let mut running = sim(0);
        if step % 2 == 0 {
            assert_eq!(store.restore::<Sim>().unwrap(), Some(sim(step)));
        } else {
            assert!(store.restore_in_place(&mut running, Handles::new()).unwrap());
            assert_eq!(running, sim(step));
        }
        assert!(!store.is_saving());
        // What it came to is told to whoever asks, or by the next save.
        if step < 4 {
            assert_eq!(store.finish().unwrap().unwrap().step, step);
        }
    }
    let staged = store.save_in_background(&sim(6), 6).unwrap();
    assert_eq!(staged.former.map(|written| written.step), Some(5));
    assert_eq!(store.restore_from::<Sim>(&staged.path, Handles::new()).unwrap(), sim(6));
}

#[test]
fn restoring_tells_of_a_save_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let first = store.save(&1_u64, 1).unwrap();
    let blocked = dir.path().join("0000000001-step-2.ckpt.tmp");
    fs::create_dir_all(&blocked).unwrap();
    let failed = |error: StoreError| {
        assert!(matches!(error, StoreError::Background { source: Some(_), .. }), "{error}");
    };
    let mut running = 0_u64;
    for way in 0..4 {
        store.save_in_background(&2_u64, 2).unwrap();
        failed(match way {
            0 => store.restore::<u64>().unwrap_err(),
            1 => store.restore_from::<u64>(&first.path, Handles::new()).unwrap_err(),
            2 => store.restore_in_place(&mut running, Handles::new()).unwrap_err(),
            _ => {
                store.restore_in_place_from(&first.path, &mut running, Handles::new()).unwrap_err()
            }
        });
        assert_eq!(running, 0);
        assert_eq!(store.restore::<u64>().unwrap(), Some(1), "told once");
    }
}

#[test]
fn what_a_save_in_the_background_came_to_is_kept_until_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap().keep_last(1);
    let cell = std::cell::RefCell::new(1_u64);
    let first = store.save(&cell, 1).unwrap();
    assert!(first.former.is_none());
    let staged = store.save_in_background(&cell, 2).unwrap();
    let third = store.save(&cell, 3).unwrap();
    let former = third.former.unwrap();
    assert_eq!((former.step, &former.saved.path), (2, &staged.path));
    assert_eq!(former.saved.removed, [first.path], "what it removed is not lost");
    assert_eq!(third.removed, [staged.path]);
    // A save that comes to nothing tells nothing, and loses nothing.
    store.save_in_background(&cell, 4).unwrap();
    let borrowed = cell.borrow_mut();
    store.save(&cell, 5).unwrap_err();
    store.save_in_background(&cell, 5).unwrap_err();
    drop(borrowed);
    let staged = store.save_in_background(&cell, 6).unwrap();
    assert_eq!(staged.former.map(|written| written.step), Some(4));
    let written = store.finish().unwrap().unwrap();
    assert!(written.step == 6 && written.saved.former.is_none());
}
