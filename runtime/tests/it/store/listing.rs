//! What a store tells of its images.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use samestate::{Handles, ImageError, Store};
use samestate_image::Image;

use super::{damage, names};

#[test]
fn images_are_listed_by_step_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let early = SystemTime::now();
    let first = store.save(&1_u64, 10).unwrap();
    let between = SystemTime::now();
    let second = store.save(&2_u64, 20).unwrap();
    let third = store.save(&3_u64, 10).unwrap();
    let entries = store.entries().unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry.number, entry.step)).collect();
    assert_eq!(told, [(0, 10), (1, 20), (2, 10)]);
    for (entry, saved) in entries.iter().zip([&first, &second, &third]) {
        assert_eq!((&entry.path, entry.id, entry.len), (&saved.path, Some(saved.id), saved.len));
        assert!(entry.time.unwrap() >= early && entry.fault().is_none());
        entry.check().unwrap();
    }
    let at = |step| store.at_step(step).unwrap().map(|entry| entry.path);
    assert_eq!(at(10).as_ref(), Some(&third.path), "the newest one of the step");
    assert_eq!(at(20).as_ref(), Some(&second.path));
    assert_eq!(at(30), None);
    let before = |time| store.before(time).unwrap().map(|entry| entry.path);
    assert_eq!(before(early - Duration::from_secs(1)), None);
    assert_eq!(before(between), Some(first.path));
    assert_eq!(before(entries[2].time.unwrap()), Some(third.path), "at this very time counts");
}

#[test]
fn the_newest_intact_image_is_offered_and_the_others_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let latest = store.latest().unwrap();
    assert!(latest.intact.is_none() && latest.skipped.is_empty());
    let saved: Vec<_> = (0..5).map(|n: u64| store.save(&vec![n; 2000], n).unwrap()).collect();
    let latest = store.latest().unwrap();
    assert_eq!(latest.intact.unwrap().path, saved[4].path);
    assert!(latest.skipped.is_empty());
    // Cut off, altered in the middle, and empty.
    let cut = fs::File::options().write(true).open(&saved[4].path).unwrap();
    cut.set_len(saved[4].len - 1).unwrap();
    damage(&saved[3].path, 9000);
    fs::write(&saved[2].path, "").unwrap();
    let latest = store.latest().unwrap();
    let intact = latest.intact.unwrap();
    assert_eq!((intact.path, intact.id), (saved[1].path.clone(), Some(saved[1].id)));
    let [cut, altered, empty] = &latest.skipped[..] else { panic!("{:?}", latest.skipped) };
    assert_eq!((&cut.path, cut.step), (&saved[4].path, 4));
    assert!(matches!(cut.error, ImageError::Truncated { len } if len == saved[4].len - 1));
    assert_eq!(&altered.path, &saved[3].path);
    let ImageError::Checksum { part: "block", offset, len } = altered.error else {
        panic!("{altered}")
    };
    assert!((offset..offset + len).contains(&9000), "{altered}");
    assert!(matches!(empty.error, ImageError::NotAnImage), "{empty}");
    let said = altered.to_string();
    assert!(said.starts_with(&altered.path.display().to_string()), "{said}");
    assert!(said.contains(&format!("at offset {offset}")), "{said}");
    // The listing reads the ends only, and says so by what it finds.
    let entries = store.entries().unwrap();
    let faults: Vec<_> = entries.iter().map(|entry| entry.fault().is_some()).collect();
    assert_eq!(faults, [false, false, true, false, true]);
    let checks: Vec<_> = entries.iter().map(|entry| entry.check().is_err()).collect();
    assert_eq!(checks, [false, false, true, true, true]);
    assert_eq!((entries[4].id, entries[4].time, entries[4].len), (None, None, saved[4].len - 1));
}

#[test]
fn what_is_not_the_stores_is_listed_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let others = [
        "0000000003-step-1.ckpt.bak",
        "0000000003-step-.ckpt",
        "-step-1.ckpt",
        "0000000003-step-1.ckpt.tmp.tmp",
        "99999999999999999999-step-1.ckpt",
        "notes.tmp",
        "notes.txt",
    ];
    for name in others {
        fs::write(dir.path().join(name), "mine").unwrap();
    }
    fs::create_dir(dir.path().join("0000000009-step-1.ckpt")).unwrap();
    fs::write(dir.path().join("0000000004-step-2.ckpt.tmp"), "of a killed writer").unwrap();
    let reader = Store::open(dir.path()).unwrap();
    assert!(reader.latest().unwrap().intact.is_none());
    let contents = reader.contents().unwrap();
    assert!(contents.images.is_empty());
    assert_eq!(contents.unfinished, [dir.path().join("0000000004-step-2.ckpt.tmp")]);
    assert_eq!(contents.others.len(), others.len() + 1);
    // A reader removes nothing; the next writer what a killed one has left, and only that.
    let mut store = Store::open(dir.path()).unwrap().keep_last(1);
    let saved = store.save(&1_u64, 1).unwrap();
    assert!(saved.not_removed.is_empty() && saved.removed.is_empty());
    assert!(saved.path.ends_with("0000000000-step-1.ckpt"));
    let contents = reader.contents().unwrap();
    assert_eq!((contents.images.len(), contents.unfinished.len()), (1, 0));
    assert_eq!(contents.others.len(), others.len() + 1);
    assert!(names(dir.path()).iter().any(|name| name == "notes.tmp"));
}

#[test]
fn numbers_that_are_used_up_are_an_error_and_overwrite_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let last = dir.path().join(format!("{}-step-1.ckpt", u64::MAX));
    fs::write(&last, "mine").unwrap();
    let error = Store::open(dir.path()).unwrap().save(&1_u64, 1).unwrap_err().to_string();
    assert!(error.contains("highest number"), "{error}");
    assert_eq!(fs::read(last).unwrap(), b"mine");
}

#[test]
fn what_has_the_name_of_the_next_image_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.save(&1_u64, 1).unwrap();
    for name in ["0000000001-step-2.ckpt", "0000000002-step-2.ckpt", "0000000004-step-7.ckpt"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    fs::create_dir(dir.path().join(format!("{}-step-2.ckpt", u64::MAX))).unwrap();
    let second = store.save(&2_u64, 2).unwrap();
    assert!(second.path.ends_with("0000000003-step-2.ckpt"), "{second:?}");
    store.save_in_background(&3_u64, 7).unwrap();
    let third = store.finish().unwrap().unwrap().saved;
    assert!(third.path.ends_with("0000000005-step-7.ckpt"), "{third:?}");
    assert_eq!(store.restore::<u64>().unwrap(), Some(3));
    assert_eq!(store.contents().unwrap().others.len(), 4);
}

#[test]
fn no_sequence_number_is_used_twice_after_going_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let seq = |path: &Path| Image::open(path).unwrap().header().seq;
    let saved: Vec<_> = (0..3).map(|n: u64| store.save(&n, n).unwrap()).collect();
    assert_eq!(store.restore_from::<u64>(&saved[0].path, Handles::new()).unwrap(), 0);
    assert_eq!(seq(&store.save(&9_u64, 9).unwrap().path), 3);
    // Another run goes on from the image that it restored.
    drop(store);
    let mut store = Store::open(dir.path()).unwrap();
    store.restore_from::<u64>(&saved[1].path, Handles::new()).unwrap();
    assert_eq!(seq(&store.save(&9_u64, 9).unwrap().path), 2);
}
