//! The bytes of images stay as they are: whoever makes saving faster, or reorders code, must not
//! change what is written. A change of the format is a new version of it, with goldens of its own.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::rc::{Rc, Weak};
use std::sync::Mutex;
use std::time::Duration;

use samestate::{Checkpoint, Store, from_slice, to_vec};
use samestate_image::Image;

#[derive(Checkpoint)]
struct State {
    numbers: (u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize),
    text: (String, char, bool, (), Option<Box<str>>),
    floats: Vec<f64>,
    short: Vec<f32>,
    long: Vec<u8>,
    records: Vec<Record>,
    fixed: [[u16; 3]; 1000],
    queue: VecDeque<u32>,
    list: LinkedList<Kind>,
    guarded: Mutex<Vec<u64>>,
    time: Duration,
    hashed: HashMap<String, Record>,
    by_number: HashMap<u64, Vec<u32>>,
    by_name: BTreeMap<String, Vec<u16>>,
    by_run: HashMap<Vec<u8>, HashMap<u32, Kind>>,
    names: HashSet<String>,
    sets: BTreeSet<BTreeSet<u32>>,
    empty: (HashMap<u8, u8>, HashSet<()>, Vec<String>),
}

#[derive(Checkpoint, Clone)]
struct Record {
    id: u64,
    place: [f64; 3],
    flags: (bool, u8),
    kind: Kind,
    name: String,
    history: Vec<f32>,
}

#[derive(Checkpoint, Clone)]
enum Kind {
    Nothing,
    Point(i8, i8),
    Named { name: String, weight: Option<f32> },
}

/// Numbers that look like nothing in particular, always the same ones.
fn numbers(count: usize) -> impl Iterator<Item = u32> {
    let next = |seed: &u32| Some(seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(7), next).map(|seed| seed >> 8).take(count)
}

fn kind(number: u32) -> Kind {
    match number % 3 {
        0 => Kind::Nothing,
        1 => Kind::Point(1, -1),
        _ => Kind::Named { name: number.to_string(), weight: Some(0.5) },
    }
}

fn record(number: u32) -> Record {
    Record {
        id: u64::from(number) << 20,
        place: [f64::from(number), -0.0, 1e300],
        flags: (number % 2 == 0, 3),
        kind: kind(number),
        name: "n".repeat(number as usize % 300),
        // Some of them stand in blocks, in the order in which the records are written.
        history: vec![0.25; number as usize % 1500],
    }
}

fn state() -> State {
    // Equal in the first bytes, one the beginning of another, of all lengths.
    let name = |number: u32| format!("a name that is long {}", "x".repeat(number as usize % 40));
    let key = |number: u32| number.to_be_bytes()[1..].repeat(number as usize % 2000);
    State {
        numbers: (1, 2, 3, 4, u128::MAX, 6, -1, -2, -3, -4, i128::MIN, -6),
        text: ("ä".into(), 'z', true, (), Some("boxed".into())),
        floats: numbers(1000).map(f64::from).collect(),
        short: vec![1.5; 1023],
        long: numbers(100_000).flat_map(u32::to_le_bytes).step_by(4).collect(),
        records: numbers(900).map(record).collect(),
        fixed: [[1, 2, 3]; 1000],
        queue: {
            let mut queue: VecDeque<u32> = numbers(3000).collect();
            queue.rotate_left(1000);
            queue
        },
        list: numbers(20).map(kind).collect(),
        guarded: Mutex::new(vec![9; 600]),
        time: Duration::new(3, 4),
        hashed: numbers(400).map(|n| (n.to_string(), record(n))).collect(),
        by_number: numbers(900).map(|n| (n.into(), vec![n; n as usize % 1200])).collect(),
        by_name: numbers(300).map(|n| (name(n), vec![1; n as usize % 4000])).collect(),
        by_run: numbers(20)
            .map(|n| (key(n), numbers(30).map(|m| (m, kind(m))).collect()))
            .collect(),
        names: numbers(300).map(|number| name(number) + &number.to_string()).collect(),
        sets: numbers(50).map(|n| numbers(n as usize % 9).collect()).collect(),
        empty: (HashMap::new(), HashSet::from([()]), Vec::new()),
    }
}

/// An image of many types: one block and hundreds, aligned to pages and not, inside maps whose
/// order in memory is another one in every process.
#[test]
fn an_image_of_many_types_stays_as_it_is() {
    let first = to_vec(&state()).unwrap();
    // The second save of a type takes its description and its memory from the first.
    let second = to_vec(&from_slice::<State>(&first).unwrap()).unwrap();
    assert!(first == second, "two saves of equal states");
    let hash = blake3::hash(&first).to_hex();
    assert_eq!(
        (first.len(), hash.as_str()),
        (6_621_304, "d0f56664b5742d1dc98bb0f84b6fe89c77b6ca21b9e0c298b7bba3bdc69e90d0")
    );
}

#[derive(Checkpoint, Default)]
struct Node {
    parent: RefCell<Weak<Node>>,
    children: RefCell<Vec<Rc<Node>>>,
    text: Vec<String>,
}

/// Objects are numbered as they are met, so the values of a map must be saved in its order.
#[test]
fn maps_number_shared_objects_in_the_order_of_their_keys() {
    let objects: Vec<Rc<u32>> = (0..7).map(Rc::new).collect();
    let entry = |n: u32| (n.to_string(), (n, objects[n as usize * 3 % 7].clone()));
    let inner = |m: u32| (0..50 + m).map(entry);
    let tree: BTreeMap<u32, BTreeMap<_, _>> = (0..9).map(|m| (m, inner(m).collect())).collect();
    let hashed: HashMap<u32, HashMap<_, _>> = (0..9).map(|m| (m, inner(m).collect())).collect();
    let image = to_vec(&hashed).unwrap();
    let values = |image: &[u8]| Image::from_bytes(image.to_vec()).unwrap().values().to_vec();
    assert!(values(&image) == values(&to_vec(&tree).unwrap()));
    let restored: HashMap<u32, HashMap<String, (u32, Rc<u32>)>> = from_slice(&image).unwrap();
    assert!(restored == hashed);
    assert!(to_vec(&restored).unwrap() == image);
    assert!(Rc::ptr_eq(&restored[&1]["1"].1, &restored[&8]["8"].1));
}

/// The code of an object changes when a weak pointer to it is met, long after it was written.
#[test]
fn checksums_hold_what_was_changed_afterwards() {
    let root = Rc::new(Node::default());
    for number in 0..40 {
        let parent = RefCell::new(Rc::downgrade(&root));
        let text = vec!["x".repeat(100); 200 + number];
        let children = RefCell::default();
        root.children.borrow_mut().push(Rc::new(Node { parent, text, children }));
    }
    let image = to_vec(&root).unwrap();
    let restored: Rc<Node> = from_slice(&image).unwrap();
    let child = restored.children.borrow()[39].clone();
    assert!(Rc::ptr_eq(&child.parent.borrow().upgrade().unwrap(), &restored));
    assert!(to_vec(&restored).unwrap() == image);
}

/// The store writes its files from slices, and memory is filled in one buffer.
#[test]
fn images_are_the_same_in_memory_and_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let saved = Store::open(dir.path()).unwrap().save(&state(), 0).unwrap();
    let file = std::fs::read(saved.path).unwrap();
    let image = to_vec(&state()).unwrap();
    // But for the header, which tells the time.
    assert!(file[128..] == image[128..]);
}
