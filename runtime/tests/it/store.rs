//! Images on disk.

use samestate::{Checkpoint, Handles, Store};

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
