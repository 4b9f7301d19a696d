//! Long runs of numbers, which are copied to where they stay while their checksums are taken.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicUsize, Ordering};

use samestate::{
    Checkpoint, Handles, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef,
    from_slice, restore_in_place, to_vec,
};
use samestate_image::Image;

/// More than enough for a block that is copied early.
const LONG: usize = 70_000;

fn numbers<T: TryFrom<u8>>(count: usize) -> Vec<T> {
    let each = (0..=99_u8).cycle().step_by(7).take(count);
    each.map(|number| T::try_from(number).ok().unwrap()).collect()
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
enum Part {
    Nothing,
    Samples { rate: u32, left: Vec<i16>, right: Vec<i16> },
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct State {
    name: String,
    bytes: Vec<u8>,
    signed: (Vec<i8>, Vec<i32>, Vec<i64>),
    unsigned: (Vec<u16>, Vec<u32>, Vec<u64>),
    wide: (Vec<i128>, Vec<u128>),
    native: (Vec<isize>, Vec<usize>),
    reals: [Vec<f64>; 2],
    single: Vec<f32>,
    short: Vec<f32>,
    maybe: Option<Vec<u32>>,
    parts: Vec<Part>,
    points: Vec<[f32; 3]>,
    queue: VecDeque<u64>,
    fixed: Box<[u16; LONG]>,
    by_name: BTreeMap<String, Vec<u32>>,
    last: Vec<u64>,
}

fn state() -> State {
    let reals = |seed: usize| (0..LONG).map(move |index| (index * seed) as f64 / 3.0);
    let mut queue: VecDeque<u64> = numbers(LONG).into();
    queue.rotate_left(5);
    queue.push_front(7);
    State {
        name: String::from("long"),
        bytes: numbers(LONG),
        signed: (numbers(LONG), numbers(LONG), numbers(LONG)),
        unsigned: (numbers(LONG), numbers(LONG), numbers(LONG)),
        wide: (numbers(LONG), numbers(LONG)),
        native: (numbers(LONG), numbers(LONG)),
        reals: [reals(1).collect(), reals(2).collect()],
        single: (0..LONG).map(|index| index as f32).collect(),
        short: vec![1.5; 2000],
        maybe: Some(numbers(LONG)),
        parts: vec![
            Part::Nothing,
            Part::Samples { rate: 44_100, left: numbers(LONG), right: numbers(3) },
        ],
        points: vec![[1.0, 2.0, f32::MIN]; LONG],
        queue,
        fixed: numbers(LONG).try_into().unwrap(),
        by_name: [(String::from("a"), numbers(LONG)), (String::from("b"), numbers(9))].into(),
        last: numbers(2 * LONG),
    }
}

#[test]
fn long_runs_come_back_whatever_holds_them() {
    let state = state();
    let image = to_vec(&state).unwrap();
    assert!(from_slice::<State>(&image).unwrap() == state);
    let mut other = State { last: Vec::new(), maybe: None, ..state.clone() };
    restore_in_place(&mut other, &image, Handles::new()).unwrap();
    assert!(other == state);
}

/// Counts how many of it were made.
#[derive(Debug, PartialEq)]
struct Counted(u8);

static MADE: AtomicUsize = AtomicUsize::new(0);

impl Checkpoint for Counted {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.0.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        MADE.fetch_add(1, Ordering::Relaxed);
        u8::restore(restorer).map(Self)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.structure::<Self>("Counted").saved::<u8>("0").finish()
    }
}

#[test]
fn nothing_is_decoded_before_all_blocks_are_checked() {
    #[derive(Checkpoint)]
    struct Counting {
        first: Vec<u64>,
        counted: Counted,
        last: Vec<u32>,
    }

    let state = Counting { first: numbers(LONG), counted: Counted(1), last: numbers(LONG) };
    let mut image = to_vec(&state).unwrap();
    let blocks: Vec<_> = Image::from_bytes(&image[..]).unwrap().chunks()[2..].to_vec();
    assert_eq!(blocks.len(), 2);
    for block in &blocks {
        let start = usize::try_from(block.offset).unwrap();
        let len = usize::try_from(block.len).unwrap();
        for at in [start, start + 4095, start + 4096, start + len / 2, start + len - 1] {
            image[at] ^= 0x10;
            let error = from_slice::<Counting>(&image).err().unwrap().to_string();
            assert!(error.contains("checksum"), "{error}");
            image[at] ^= 0x10;
        }
    }
    assert_eq!(MADE.load(Ordering::Relaxed), 0);
    let restored = from_slice::<Counting>(&image).unwrap();
    assert_eq!(MADE.load(Ordering::Relaxed), 1);
    assert!(restored.first == state.first && restored.counted == state.counted);
    assert!(restored.last == state.last);
}

#[test]
fn what_is_tried_out_first_has_its_runs_afterwards() {
    #[derive(Checkpoint)]
    struct Node {
        own: RefCell<Weak<Node>>,
        samples: Vec<f64>,
    }

    let node = Rc::new(Node { own: RefCell::default(), samples: vec![0.25; LONG] });
    *node.own.borrow_mut() = Rc::downgrade(&node);
    let image = to_vec(&(vec![7_u64; LONG], node)).unwrap();
    let (before, node) = from_slice::<(Vec<u64>, Rc<Node>)>(&image).unwrap();
    assert_eq!(before, [7; LONG]);
    assert_eq!(node.samples, [0.25; LONG]);
    assert!(Rc::ptr_eq(&node.own.borrow().upgrade().unwrap(), &node));
}

/// Says that it is other numbers than it is, as old code by hand may.
#[derive(Debug, PartialEq)]
struct Bits(Vec<u32>);

impl Checkpoint for Bits {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.0.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Vec::restore(restorer).map(Self)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<f32>>()
    }
}

#[test]
fn the_type_that_is_told_need_not_be_the_one_that_is_read() {
    let state = (Bits(numbers(LONG)), numbers::<u64>(LONG));
    assert_eq!(from_slice::<(Bits, Vec<u64>)>(&to_vec(&state).unwrap()).unwrap(), state);
}
