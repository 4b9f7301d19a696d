//! Values that an image with valid checksums claims to hold: whatever they are, restoring refuses
//! them or gives a state that saves to the same image.
#![no_main]

use std::collections::{BTreeMap, HashMap};

use libfuzzer_sys::fuzz_target;
use samestate::Checkpoint;
use samestate_image::Image;
use samestate_image::build::{Built, Parts};
use samestate_image::header::Header;

#[derive(Checkpoint, Default)]
struct State {
    flag: bool,
    letter: char,
    numbers: Vec<u16>,
    names: HashMap<String, Option<i64>>,
    nested: BTreeMap<u8, Vec<Box<[f32]>>>,
    shape: Shape,
    pair: (u32, [u8; 3]),
}

#[derive(Checkpoint, Default)]
enum Shape {
    #[default]
    Point,
    Box {
        sides: [u64; 2],
    },
    Many(Vec<Shape>),
}

fuzz_target!(|values: &[u8]| {
    let template = samestate::to_vec(&State::default()).expect("the default is saved");
    let template = Image::from_bytes(template).expect("and opens");
    let schema = template.schema().encode();
    let root_hash = template.schema().root_hash();
    let parts = Parts { root_hash, schema: &schema, values, volatile: &[] };
    let built = Built::new(parts, []).expect("a short image is laid out");
    let forged = built.to_vec(&Header::default());
    if let Ok(state) = samestate::from_slice::<State>(&forged) {
        let again = samestate::to_vec(&state).expect("what was restored is saved");
        let again = Image::from_bytes(again).expect("and opens");
        assert_eq!(again.values(), values, "another image restores to the same state");
    }
});
