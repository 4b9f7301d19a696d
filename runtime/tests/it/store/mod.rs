//! Images on disk.

mod background;
mod disk;
mod listing;
mod processes;
mod retention;

use std::path::Path;

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
    assert_eq!(again.latest().unwrap().intact.unwrap().path, second.path);
    assert_eq!(again.restore::<Sim>().unwrap(), Some(sim(2)));
    assert_eq!(again.restore_from::<Sim>(&first.path, Handles::new()).unwrap(), sim(1));
    drop(store);
    let third = again.save(&sim(2), 3).unwrap();
    assert_eq!(third.id, second.id, "equal states have equal ids");
    assert_eq!(again.entries().unwrap().len(), 3);
}

/// Alters one byte of a file.
fn damage(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 4;
    std::fs::write(path, bytes).unwrap();
}

/// The names in a folder, in order.
fn names(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_damaged_newest_image_is_an_error_and_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let first = store.save(&sim(1), 1).unwrap();
    let second = store.save(&sim(2), 2).unwrap();
    damage(&second.path, usize::try_from(second.len / 2).unwrap());
    let error = store.restore::<Sim>().unwrap_err();
    let StoreError::Damaged { path, before, .. } = &error else { panic!("{error}") };
    assert_eq!((path, before.as_ref()), (&second.path, Some(&first.path)));
    let expected = format!("cannot restore {}: the image is damaged: ", second.path.display());
    let error = error.to_string();
    assert!(error.starts_with(&expected), "{error}");
    let expected = format!("; {} before it is intact", first.path.display());
    assert!(error.contains(&expected), "{error}");
    let mut running = sim(3);
    store.restore_in_place(&mut running, Handles::new()).unwrap_err();
    assert_eq!(running, sim(3));
    assert_eq!(store.restore_from::<Sim>(&first.path, Handles::new()).unwrap(), sim(1));
    damage(&first.path, 0);
    let error = store.restore::<Sim>().unwrap_err().to_string();
    assert!(error.ends_with("; no image before it is intact"), "{error}");
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
