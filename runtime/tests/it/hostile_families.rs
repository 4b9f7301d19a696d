//! Every type that an image may hold: no flipped bit goes unnoticed, and no forged byte is read as
//! anything but what it says.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZero, Saturating, Wrapping};
use std::ops::{Bound, RangeFull};
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, AtomicI16, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::{Duration, SystemTime};

use samestate::{Checkpoint, from_slice, to_vec};
use samestate_image::build::{Built, Parts};
use samestate_image::{Header, Image};

use crate::hostile::forged;

/// Flips every bit of an image, then says by values of its own what another image might: each must
/// be refused or restore to a state that saves to the same bytes.
fn check<T: Checkpoint>(value: &T) {
    let name = std::any::type_name::<T>();
    let mut image = to_vec(value).unwrap();
    for at in 0..image.len() {
        for bit in 0..8 {
            image[at] ^= 1 << bit;
            assert!(from_slice::<T>(&image).is_err(), "{name}: bit {bit} of byte {at}");
            image[at] ^= 1 << bit;
        }
    }
    assert!(to_vec(&from_slice::<T>(&image).unwrap()).unwrap() == image, "{name}");
    means_itself::<T>(value, &image);
}

/// What is volatile is no part of the id, but under checksums as all is.
#[test]
fn volatile() {
    let timed = Timed { step: 7, elapsed: Duration::new(3, 4), log: vec!["a".into()] };
    let image = to_vec(&timed).unwrap();
    let mut flipped = image.clone();
    for at in 0..image.len() {
        for bit in 0..8 {
            flipped[at] ^= 1 << bit;
            assert!(from_slice::<Timed>(&flipped).is_err(), "bit {bit} of byte {at}");
            flipped[at] ^= 1 << bit;
        }
    }
    let opened = Image::from_bytes(&image[..]).unwrap();
    let (schema, honest) = (opened.schema(), opened.volatile());
    for at in 0..honest.len() {
        for byte in [0, 1, 2, 254, 255] {
            let mut volatile = honest.to_vec();
            volatile[at] = byte;
            let parts = Parts {
                root_hash: schema.root_hash(),
                schema: &schema.encode(),
                values: opened.values(),
                volatile: &volatile,
            };
            let forged = Built::new(parts, []).unwrap().to_vec(&Header::default());
            let _ = Image::from_bytes(&forged[..]).unwrap().value();
            if let Ok(restored) = from_slice::<Timed>(&forged) {
                assert!(to_vec(&restored).unwrap() == forged, "byte {at} set to {byte}");
            }
        }
    }
}

#[derive(Checkpoint)]
struct Timed {
    step: u64,
    #[checkpoint(volatile)]
    elapsed: Duration,
    #[checkpoint(volatile)]
    log: Vec<String>,
}

fn means_itself<T: Checkpoint>(value: &T, image: &[u8]) {
    let name = std::any::type_name::<T>();
    let opened = Image::from_bytes(image).unwrap();
    let blocks: Vec<&[u8]> = opened.blocks().collect();
    let honest = opened.values();
    let try_it = |values: &[u8]| {
        let forged = forged(value, values, &blocks);
        // The reader without the program must cope with it as well.
        let _ = Image::from_bytes(&forged[..]).unwrap().value();
        if let Ok(restored) = from_slice::<T>(&forged) {
            assert!(to_vec(&restored).unwrap() == forged, "{name}: {values:?}");
        }
    };
    for at in 0..honest.len() {
        let mut values = honest.to_vec();
        for byte in [0, 1, 2, 3, 4, 5, 0x80, 0xd8, 254, 255, values[at] ^ 1, values[at] ^ 0x40] {
            values[at] = byte;
            try_it(&values);
        }
        // A byte more, and a byte less.
        try_it(&[&honest[..at], &[1], &honest[at..]].concat());
        try_it(&[&honest[..at], &honest[at + 1..]].concat());
        assert!(from_slice::<T>(&forged(value, &honest[..at], &blocks)).is_err(), "{name}");
        // A length that nothing stands behind.
        let long = [&honest[..at], &[255], &u64::MAX.to_le_bytes(), &honest[at + 1..]].concat();
        try_it(&long);
    }
    let longer = [honest, &[0]].concat();
    assert!(from_slice::<T>(&forged(value, &longer, &blocks)).is_err(), "{name}");
}

macro_rules! families {
    ($($test:ident: $($value:expr),+ $(,)?;)+) => {$(
        #[test]
        fn $test() {
            $(check(&$value);)+
        }
    )+};
}

families! {
    numbers: 7_u8, 7_u16, 7_u32, 7_u64, 7_u128, 7_usize, -7_i8, -7_i16, -7_i32, -7_i64, -7_i128,
        -7_isize, 1.5_f32, -0.0_f64, f64::NAN;
    numbers_of_kinds: NonZero::new(7_u8), NonZero::new(-7_i128).unwrap(), Wrapping(7_u16),
        Saturating(7_i32), Reverse(7_u64), AtomicBool::new(true), AtomicI16::new(-7),
        AtomicU64::new(7);
    single_values: true, 'ß', (), PhantomData::<u8>, Duration::new(3, 4), SystemTime::UNIX_EPOCH,
        SystemTime::UNIX_EPOCH - Duration::new(9, 1);
    text: String::from("straße"), Box::<str>::from("b"), Rc::<str>::from("r"), Arc::<str>::from("a"),
        Cow::Borrowed("c");
    platform: OsString::from("os"), PathBuf::from("/a/b"), CString::new("c").unwrap();
    choices: Some(7_u8), None::<u8>, Some(Some(true)), Ok::<u8, String>(7),
        Err::<u8, String>("no".into()), Bound::Excluded(7_u8), Bound::<u8>::Unbounded;
    ranges: 1_u8..7, 1_u8..=7, ..7_u8, 1_u8.., ..=7_u8, RangeFull;
    addresses: IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST,
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80), SocketAddr::V6(SocketAddrV6::new(
            Ipv6Addr::LOCALHOST, 80, 1, 2,
        ));
    sequences: vec![1_u16, 2, 3], Vec::<u64>::new(), vec![String::from("a"), String::new()],
        vec![(), ()], VecDeque::from([1_u8, 2]), LinkedList::from([true, false]),
        BinaryHeap::from([3_u8, 1, 2]), [1_u32, 2], [Some('a'), None], [[1_u8; 3]; 2],
        Cow::<[u8]>::Owned(vec![1, 2]), Rc::<[u16]>::from([1, 2]), vec![vec![1_u8], vec![]],
        vec![1.5_f64].into_boxed_slice();
    long_runs: vec![513_u16; 2100], [7_u8; 4096], vec![[1.0_f32; 3]; 400];
    maps: BTreeMap::from([(1_u8, 2_u8), (3, 4)]), HashMap::from([(String::from("k"), vec![1_u8])]),
        BTreeSet::from([(1_u8, 'x'), (2, 'y')]), HashSet::from([7_i32, -7]),
        HashMap::<u8, u8>::new(), BTreeMap::from([(vec![1_u8], BTreeMap::from([(false, ())]))]),
        HashMap::from([((), 7_u8)]), BTreeSet::from([Some(BTreeSet::from([1_u8]))]);
    tuples: (1_u8,), (1_u8, 'x'), (1_u8, 2_u8, 3_u8, 4_u8, 5_u8, 6_u8, 7_u8, 8_u8, 9_u8, 10_u8,
        11_u8, 12_u8), ((1_u8, true), [(2_u8, ())]);
    boxes_and_cells: Box::new(7_u8), Pin::new(Box::new(7_u8)), Cell::new(7_u8),
        RefCell::new(vec![7_u8]), Mutex::new(String::from("m")), RwLock::new(7_u8),
        OnceCell::from(7_u8), OnceCell::<u8>::new(), OnceLock::from(7_u8), Box::new([1_u8, 2]);
    derived: Named { a: 1, b: Some("b".into()), skipped: 9 }, Numbered(1, vec![true]), Unit,
        Several::Nothing, Several::Pair(1, 'x'), Several::Fields { a: 1, rest: vec![Several::Nothing] },
        Several::Chosen, Generic { value: 7_u8, list: [1_u16, 2] }, Recursive { next: vec![
            Recursive { next: vec![] }, Recursive { next: vec![Recursive { next: vec![] }] },
        ] };
    shared: shared_state(), (Rc::new(7_u8), Arc::new(7_u8)), Family::new();
    dynamic: Boxed { first: Box::new(Fixed(7)), all: vec![Rc::new(Fixed(8)), Rc::new(Drift {
        rate: 1.5,
    })] };
}

#[cfg(feature = "smallvec")]
families! {
    smallvec: smallvec::SmallVec::<[u8; 2]>::from_slice(&[1, 2, 3]);
}

#[cfg(feature = "indexmap")]
families! {
    indexmap: indexmap::IndexMap::<u8, u8>::from_iter([(3, 1), (2, 4)]),
        indexmap::IndexSet::<u8>::from_iter([3, 2]);
}

#[cfg(feature = "ndarray")]
families! {
    ndarray: ndarray::Array2::<u8>::zeros((2, 3)), ndarray::Array1::from_iter([true, false]);
}

#[derive(Checkpoint)]
struct Named {
    a: u8,
    b: Option<String>,
    #[checkpoint(skip(default), reason = "to be left out")]
    skipped: u64,
}

#[derive(Checkpoint)]
struct Numbered(u8, Vec<bool>);

#[derive(Checkpoint)]
struct Unit;

#[derive(Checkpoint)]
enum Several {
    Nothing,
    Pair(u8, char),
    Fields {
        a: u8,
        rest: Vec<Several>,
    },
    #[checkpoint(id = 9)]
    Chosen,
}

#[derive(Checkpoint)]
struct Generic<T: Checkpoint, const N: usize> {
    value: T,
    list: [u16; N],
}

#[derive(Checkpoint)]
struct Recursive {
    next: Vec<Recursive>,
}

type Shared = (Vec<Rc<String>>, Weak<String>, Weak<String>, Rc<RefCell<u8>>);

fn shared_state() -> Shared {
    let object = Rc::new(String::from("shared"));
    let weak = Rc::downgrade(&object);
    (vec![object.clone(), Rc::new("other".into()), object], weak, Weak::new(), Rc::default())
}

/// Objects whose weak pointers lead back to what owns them.
#[derive(Checkpoint)]
struct Family {
    parent: RefCell<Weak<Family>>,
    children: RefCell<Vec<Rc<Family>>>,
}

impl Family {
    fn new() -> Rc<Self> {
        let parent = Rc::new(Self { parent: RefCell::default(), children: RefCell::default() });
        for _ in 0..2 {
            let child =
                Self { parent: RefCell::new(Rc::downgrade(&parent)), children: RefCell::default() };
            parent.children.borrow_mut().push(Rc::new(child));
        }
        parent
    }
}

#[samestate::dynamic]
trait Clock {
    fn ticks(&self) -> u8;
}

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Clock, "fixed"))]
struct Fixed(u8);

#[derive(Checkpoint)]
#[checkpoint(implements(dyn Clock, "drift"))]
struct Drift {
    rate: f32,
}

impl Clock for Fixed {
    fn ticks(&self) -> u8 {
        self.0
    }
}

impl Clock for Drift {
    fn ticks(&self) -> u8 {
        u8::from(self.rate > 1.0)
    }
}

#[derive(Checkpoint)]
struct Boxed {
    first: Box<dyn Clock>,
    all: Vec<Rc<dyn Clock>>,
}

#[test]
fn forged_trait_objects_are_what_they_say() {
    let boxed = Boxed { first: Box::new(Fixed(7)), all: vec![Rc::new(Drift { rate: 1.5 })] };
    // Implementers stand in the order of their names: drift, fixed.
    let image = forged(&boxed, &[1, 9, 1, 0, 1, 4], &[]);
    let restored: Boxed = from_slice(&image).unwrap();
    assert_eq!((restored.first.ticks(), restored.all[0].ticks()), (9, 4));
}
