//! Values of every type come back, equal values give equal bytes, and the schema says what the
//! bytes are: an image can be read without its program.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::marker::PhantomData;
use std::num::Wrapping;
use std::time::Duration;

use proptest::collection::{btree_map, btree_set, hash_map, hash_set, vec};
use proptest::prelude::*;
use samestate::{Checkpoint, from_slice, to_vec};
use samestate_image::Image;

/// Checks everything that must hold for a value of any type.
fn check<T: Checkpoint + PartialEq + Debug>(value: &T) {
    let image = to_vec(value).unwrap();
    assert_eq!(&from_slice::<T>(&image).unwrap(), value);
    assert_eq!(to_vec(value).unwrap(), image, "two saves of one state");
    let restored = from_slice::<T>(&image).unwrap();
    assert_eq!(to_vec(&restored).unwrap(), image, "a save of the restored state");
    let opened = Image::from_bytes(&image[..]).unwrap();
    opened.value().unwrap();
}

#[derive(Checkpoint, Debug, PartialEq, Clone)]
struct Everything<T> {
    bits: (u8, u16, u32, u64, u128, usize),
    signed: (i8, i16, i32, i64, i128, isize),
    text: (String, Box<str>, char, bool, ()),
    maybe: Option<Option<T>>,
    list: Vec<T>,
    fixed: [T; 3],
    nested: Box<[Vec<[u16; 2]>]>,
    queue: VecDeque<u32>,
    tree: BTreeMap<String, Vec<T>>,
    set: BTreeSet<(u8, i64)>,
    cell: RefCell<Vec<u8>>,
    small: Cell<i16>,
    time: Duration,
    wrapped: Wrapping<u8>,
    phantom: PhantomData<T>,
    state: State<T>,
}

#[derive(Checkpoint, Debug, PartialEq, Clone)]
enum State<T> {
    None,
    One(T),
    Many { each: Vec<State<T>>, last: Box<State<T>> },
}

fn state() -> impl Strategy<Value = State<u32>> {
    let leaf = prop_oneof![Just(State::None), any::<u32>().prop_map(State::One)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        (vec(inner.clone(), 0..4), inner)
            .prop_map(|(each, last)| State::Many { each, last: Box::new(last) })
    })
}

prop_compose! {
    fn everything()(
        bits in any::<(u8, u16, u32, u64, u128, usize)>(),
        signed in any::<(i8, i16, i32, i64, i128, isize)>(),
        text in any::<(String, String, char, bool, ())>(),
        maybe in any::<Option<Option<u32>>>(),
        list in vec(any::<u32>(), 0..2000),
        fixed in any::<[u32; 3]>(),
        nested in vec(vec(any::<[u16; 2]>(), 0..2000), 0..3),
        (queue, turn) in (vec(any::<u32>(), 0..2000), 0..2000_usize),
        tree in btree_map(".{0,9}", vec(any::<u32>(), 0..5), 0..20),
        set in btree_set(any::<(u8, i64)>(), 0..20),
        cell in vec(any::<u8>(), 0..9000),
        small in any::<i16>(),
        time in any::<(u64, u32)>(),
        wrapped in any::<u8>(),
        state in state(),
    ) -> Everything<u32> {
        let mut queue = VecDeque::from(queue);
        let turn = turn.min(queue.len());
        queue.rotate_left(turn);
        Everything {
            bits,
            signed,
            text: (text.0, text.1.into(), text.2, text.3, text.4),
            maybe,
            list,
            fixed,
            nested: nested.into(),
            queue,
            tree,
            set,
            cell: RefCell::new(cell),
            small: Cell::new(small),
            time: Duration::new(time.0, time.1 % 1_000_000_000),
            wrapped: Wrapping(wrapped),
            phantom: PhantomData,
            state,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn everything_comes_back(value in everything()) {
        check(&value);
    }

    #[test]
    fn floats_come_back_bit_by_bit(values in vec(any::<u64>(), 0..1500)) {
        let floats: Vec<f64> = values.iter().map(|&bits| f64::from_bits(bits)).collect();
        let back: Vec<f64> = from_slice(&to_vec(&floats).unwrap()).unwrap();
        prop_assert_eq!(back.iter().map(|f| f.to_bits()).collect::<Vec<_>>(), values);
    }

    #[test]
    fn hash_maps_come_back_in_one_order(
        map in hash_map(vec(any::<u8>(), 0..6), any::<(u32, String)>(), 0..60),
        set in hash_set(any::<Option<i16>>(), 0..60),
    ) {
        check(&map);
        check(&set);
        // Another hasher, another order in memory, another kind of map: the same bytes.
        type Fixed = BuildHasherDefault<DefaultHasher>;
        let fixed: HashMap<_, _, Fixed> = map.clone().into_iter().collect();
        let tree: BTreeMap<_, _> = map.clone().into_iter().collect();
        prop_assert_eq!(values(&map), values(&fixed));
        prop_assert_eq!(values(&map), values(&tree));
        let fixed: HashSet<_, Fixed> = set.iter().copied().collect();
        prop_assert_eq!(values(&set), values(&fixed));
    }
}

fn values<T: Checkpoint>(value: &T) -> Vec<u8> {
    Image::from_bytes(to_vec(value).unwrap()).unwrap().values().to_vec()
}

#[test]
fn a_queue_that_wraps_around_is_one_run() {
    for len in [10_u32, 4000] {
        let mut queue: VecDeque<u32> = (0..len).collect();
        let turned: Vec<u32> = (len / 3..len).chain(0..len / 3).collect();
        queue.rotate_left(len as usize / 3);
        check(&queue);
        assert_eq!(to_vec(&queue).unwrap()[128..], to_vec_of(&turned)[128..]);
    }
}

/// The image of a `Vec` with the root name of a queue, which is in the schema.
fn to_vec_of(turned: &[u32]) -> Vec<u8> {
    let queue: VecDeque<u32> = turned.iter().copied().collect();
    to_vec(&queue).unwrap()
}

#[test]
fn lengths_around_the_limits_come_back() {
    for len in [0, 1, 254, 255, 256, 4095, 4096, 4097, 65_535, 65_536, 70_000] {
        check(&vec![7_u8; len]);
        check(&vec![true; len]);
        check(&"x".repeat(len));
        check(&vec![[1_i16; 2]; len]);
        check(&vec![(); len.min(65_536)]);
        check(&vec![[0_u64; 0]; len.min(65_536)]);
    }
    check(&vec![[3_u8; 4096]; 100]);
    check(&[[9_u32; 40]; 40]);
    check(&vec![vec![Some([1.5_f32; 1024])]; 3]);
    check(&Box::new([1_u8; 1 << 20]));
}

/// Every element of it stands in a block, and none among the values.
#[derive(Checkpoint, Debug, PartialEq, Clone)]
struct Page {
    bytes: [u8; 4096],
}

#[test]
fn many_pages_come_back() {
    let pages = vec![Page { bytes: [1; 4096] }; 66_000];
    let image = to_vec(&pages).unwrap();
    assert!(from_slice::<Vec<Page>>(&image).unwrap() == pages);
}

#[test]
fn keys_of_any_length_come_back() {
    let long: BTreeMap<Vec<u8>, Vec<u8>> =
        [(vec![1; 5000], vec![2; 5000]), (vec![], vec![3; 4096])].into();
    check(&long);
    check(&HashSet::from([vec![0.5_f32.to_bits(); 3000], vec![1]]));
}

#[test]
fn tuples_of_twelve_come_back() {
    check(&(
        1_u8,
        2_u16,
        3_u32,
        4_u64,
        5_i8,
        6_i16,
        7_i32,
        8_i64,
        'a',
        true,
        (),
        String::from("l"),
    ));
}

/// As [`check`], for types that cannot be compared.
fn check_bytes<T: Checkpoint>(value: &T) -> T {
    let image = to_vec(value).unwrap();
    let restored = from_slice::<T>(&image).unwrap();
    assert_eq!(to_vec(&restored).unwrap(), image, "a save of the restored state");
    Image::from_bytes(&image[..]).unwrap().value().unwrap();
    restored
}

#[test]
fn wrappers_come_back() {
    use std::cell::OnceCell;
    use std::cmp::Reverse;
    use std::num::{NonZero, Saturating};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::{Mutex, OnceLock, RwLock};

    check(&(Reverse(3_u8), Saturating(7_i32), NonZero::new(5_u16), NonZero::<i64>::MIN));
    check(&(OnceCell::from(String::from("x")), OnceCell::<u8>::new()));
    check(&(OnceLock::from(vec![1_u8; 5000]), OnceLock::<u8>::new()));
    assert_eq!(check_bytes(&AtomicU64::new(9)).into_inner(), 9);
    assert!(check_bytes(&AtomicBool::new(true)).load(Ordering::SeqCst));
    assert_eq!(check_bytes(&Mutex::new(vec![3_u16; 4000])).into_inner().unwrap(), [3; 4000]);
    assert_eq!(check_bytes(&RwLock::new(String::from("y"))).into_inner().unwrap(), "y");
    assert!(from_slice::<NonZero<u8>>(&to_vec(&0_u8).unwrap()).is_err());
}

#[test]
fn a_poisoned_lock_is_not_saved() {
    let lock = std::sync::Mutex::new(1_u8);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let _held = lock.lock().unwrap();
            panic!("a test poisons the lock");
        });
        assert!(thread.join().is_err());
    });
    assert!(to_vec(&lock).unwrap_err().to_string().contains("poisoned"));
}

#[test]
fn lists_come_back() {
    use std::collections::{BinaryHeap, LinkedList};

    for len in [0_u32, 3, 3000] {
        check(&LinkedList::from_iter(0..len));
        check(&LinkedList::from_iter((0..len).map(|n| n.to_string())));
        let heap = BinaryHeap::from_iter((0..len).map(|n| n * 7919 % 1000));
        let restored = check_bytes(&heap);
        assert_eq!(restored.into_sorted_vec(), heap.into_sorted_vec());
    }
    // A sequence that is no heap.
    assert!(from_slice::<BinaryHeap<u8>>(&to_vec(&vec![1_u8, 2]).unwrap()).is_err());
}

#[test]
fn ranges_times_and_addresses_come_back() {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::time::UNIX_EPOCH;

    check(&(3_u8..9));
    check(&(String::from("a")..String::from("b")));
    let day = Duration::from_secs(86_400);
    check(&vec![UNIX_EPOCH, UNIX_EPOCH + day, UNIX_EPOCH - day]);
    let addresses = (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
    check(&addresses);
    check(&vec![IpAddr::V4(addresses.0), IpAddr::V6(addresses.1)]);
}

#[test]
fn more_of_the_standard_library_comes_back() {
    use std::borrow::Cow;
    use std::ffi::{CString, OsString};
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
    use std::ops::{Bound, RangeInclusive};
    use std::path::PathBuf;
    use std::rc::Rc;
    use std::sync::Arc;

    check(&(OsString::from("ä"), PathBuf::from("/tmp/x"), CString::new("c").unwrap()));
    check(&(Rc::<str>::from("shared"), Arc::<str>::from("")));
    check(&HashMap::from([(Rc::<str>::from("key"), 1_u8)]));
    check(&[Ok(1_u8), Err(String::from("no"))]);
    check(&(Cow::Borrowed("text"), Cow::<[u32]>::Owned(vec![1; 3000])));
    check(&Cow::<'static, u16>::Owned(7));
    check(&(1_u8..=9, 3_i32.., ..'x', ..=2.5_f64, ..));
    check(&RangeInclusive::new(9_u8, 1));
    check(&[Bound::Included(1_u8), Bound::Excluded(2), Bound::Unbounded]);
    check(&Box::pin(5_u8));
    let four = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);
    let six = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 81, 7, 9);
    check(&(four, six, SocketAddr::V4(four), SocketAddr::V6(six)));
    let mut spent = 1_u8..=2;
    assert_eq!(spent.by_ref().count(), 2);
    assert!(to_vec(&spent).unwrap_err().to_string().contains("iterated to its end"));
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_unicode_come_back() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    check(&std::path::PathBuf::from(OsString::from_vec(vec![b'/', 0xff, 0x80])));
}
