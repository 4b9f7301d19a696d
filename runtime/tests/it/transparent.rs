//! Types that images know only by what is in them: whoever reads an image without the program
//! must find their values where the program writes them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, LinkedList, VecDeque};
use std::fmt::Debug;
use std::num::{NonZero, Saturating, Wrapping};
use std::pin::Pin;
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16,
    AtomicU32, AtomicU64, AtomicUsize,
};
use std::sync::{Mutex, OnceLock, RwLock};

use samestate::{
    Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef, from_slice,
    to_vec,
};
use samestate_image::Image;
use samestate_image::value::Value;

use crate::hostile::refused;

#[derive(Checkpoint)]
#[checkpoint(name = "Held")]
struct Held<T> {
    before: u32,
    held: T,
    after: Vec<u16>,
}

#[derive(Checkpoint)]
#[checkpoint(name = "Held", version = 2)]
struct Longer<T> {
    before: u32,
    #[checkpoint(since = 2, default = 9)]
    new: u8,
    held: T,
    after: Vec<u16>,
}

/// Saves, shows, restores, and restores to a type that has one more field.
fn passes<T: Checkpoint>(held: T, same: impl Fn(&T)) {
    let name = std::any::type_name::<T>();
    let image = to_vec(&Held { before: 7, held, after: vec![5; 3000] }).unwrap();
    let shown = Image::from_bytes(&image[..]).unwrap();
    let shown = shown.value().map(drop).map_err(|error| error.to_string());
    assert_eq!(shown, Ok(()), "{name}");
    let restored: Held<T> = from_slice(&image).unwrap_or_else(|error| panic!("{name}: {error}"));
    same(&restored.held);
    assert_eq!((restored.before, restored.after.len()), (7, 3000), "{name}");
    assert!(to_vec(&restored).unwrap() == image, "{name}");
    let longer: Longer<T> = from_slice(&image).unwrap_or_else(|error| panic!("{name}: {error}"));
    same(&longer.held);
    assert_eq!((longer.before, longer.new, longer.after), (7, 9, vec![5; 3000]), "{name}");
}

/// As [`all_runs`], with a stack for large arrays.
fn runs<T: Checkpoint, S: Debug + PartialEq + 'static>(make: fn(u8) -> T, seen: fn(&T) -> S) {
    let thread = std::thread::Builder::new().stack_size(64 << 20);
    thread.spawn(move || all_runs(make, seen)).unwrap().join().unwrap();
}

/// Passes runs that stand among the values and in blocks, of `T` and of arrays of it.
fn all_runs<T: Checkpoint, S: Debug + PartialEq>(make: fn(u8) -> T, seen: fn(&T) -> S) {
    let number = |index: usize| u8::try_from(index % 99 + 1).unwrap();
    let is = |value: &T, index: usize| assert_eq!(seen(value), seen(&make(number(index))));
    for count in [0, 1, 100, 5000] {
        let all = || (0..count).map(|index| make(number(index)));
        let each = |values: &mut dyn Iterator<Item = &T>| {
            let count_seen = values.enumerate().map(|(index, value)| is(value, index)).count();
            assert_eq!(count_seen, count);
        };
        passes(all().collect::<Vec<T>>(), |values| each(&mut values.iter()));
        passes(all().collect::<LinkedList<T>>(), |values| each(&mut values.iter()));
        let mut queue: VecDeque<T> = all().skip(1).collect();
        if count > 0 {
            // It wraps around, and is in two pieces.
            queue.push_front(make(number(0)));
        }
        passes(queue, |values| each(&mut values.iter()));
        let by_key: BTreeMap<u8, Vec<T>> = [(1, all().collect()), (2, Vec::new())].into();
        passes(by_key, |map| each(&mut map[&1].iter()));
        let pairs = (0..count).map(|index| [make(number(index)), make(1)]).collect::<Vec<_>>();
        passes(pairs, |pairs| each(&mut pairs.iter().map(|pair| &pair[0])));
    }
    let array = || Box::new(std::array::from_fn(|index| make(number(index))));
    let whole = |array: &[T; 5000]| (0..).zip(array).for_each(|(index, value)| is(value, index));
    passes::<Box<[T; 5000]>>(array(), |array| whole(array));
    passes::<Vec<[T; 5000]>>(vec![*array(), *array()], |arrays| arrays.iter().for_each(whole));
    passes::<Reverse<[T; 5000]>>(Reverse(*array()), |array| whole(&array.0));
}

#[test]
fn long_runs_of_transparent_types_stand_where_the_schema_says() {
    runs(|n| Wrapping(u32::from(n)), |value| *value);
    runs(|n| Saturating(i16::from(n)), |value| *value);
    runs(|n| Reverse(f64::from(n)), |value| *value);
    runs(|n| Wrapping(Reverse(u64::from(n))), |value| *value);
    runs(|n| Reverse([u128::from(n), 5]), |value| *value);
    runs(|n| Cell::new(u32::from(n)), |value| value.get());
    runs(|n| Cell::new([n, 3, 5]), |value| value.get());
    runs(|n| RefCell::new(u32::from(n)), |value| *value.borrow());
    runs(|n| Mutex::new(u32::from(n)), |value| *value.lock().unwrap());
    runs(|n| RwLock::new(u32::from(n)), |value| *value.read().unwrap());
    runs(|n| Box::new(u32::from(n)), |value| **value);
    runs(|n| Box::pin(u32::from(n)), |value: &Pin<Box<u32>>| **value);
    runs(|n| Cow::<u32>::Owned(u32::from(n)), |value| **value);
    runs(|n| NonZero::new(n).unwrap(), |value| *value);
    runs(|n| NonZero::new(i128::from(n)).unwrap(), |value| *value);
    runs(|n| Some(NonZero::new(n).unwrap()), |value| *value);
    runs(|n| OnceLock::from(u32::from(n)), |value| value.get().copied());
    runs(|n| AtomicBool::new(n > 9), |value| value.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn long_runs_of_atomics_stand_where_the_schema_says() {
    macro_rules! atomics {
        ($($ty:ident)*) => {
            $(runs(|n| $ty::new((n / 2).try_into().unwrap()), |value| {
                value.load(std::sync::atomic::Ordering::SeqCst)
            });)*
        };
    }
    atomics! {
        AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
        AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
    }
}

/// Types by hand know nothing of blocks, and may describe themselves as they like.
#[derive(Clone, Debug, PartialEq)]
struct ByHand(u32);

impl Checkpoint for ByHand {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.0.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        u32::restore(restorer).map(Self)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<u32>()
    }
}

#[test]
fn long_runs_of_types_by_hand_stand_where_the_schema_says() {
    runs(|n| ByHand(u32::from(n)), ByHand::clone);
    runs(|n| Wrapping(ByHand(u32::from(n))), |value| value.0.clone());
}

#[test]
fn a_run_in_a_heap_or_in_one_piece_is_found() {
    let heap: BinaryHeap<Reverse<u32>> = (0..5000).map(Reverse).collect();
    passes(heap, |heap| assert_eq!((heap.len(), heap.peek()), (5000, Some(&Reverse(0)))));
    let keys = BTreeMap::from([(vec![Wrapping(7_u64); 3000], 1), (vec![Wrapping(8); 9], 2)]);
    passes(keys.clone(), |restored| assert!(*restored == keys));
}

#[test]
fn what_is_equal_in_the_schema_is_equal_in_the_image() {
    for count in [3, 5000] {
        let plain = to_vec(&vec![7_u32; count]).unwrap();
        let from = |image: Vec<u8>| {
            let image = Image::from_bytes(image).unwrap();
            let blocks: Vec<Vec<u8>> = image.blocks().map(<[u8]>::to_vec).collect();
            (image.schema().root_hash(), image.values().to_vec(), blocks)
        };
        let plain = from(plain);
        assert!(plain == from(to_vec(&vec![Wrapping(7_u32); count]).unwrap()));
        assert!(plain == from(to_vec(&vec![Cell::new(7_u32); count]).unwrap()));
        assert!(plain == from(to_vec(&vec![NonZero::new(7_u32).unwrap(); count]).unwrap()));
        assert!(plain == from(to_vec(&vec![Box::new(7_u32); count]).unwrap()));
        let wrapped = from_slice::<Vec<Wrapping<u32>>>(&to_vec(&vec![7_u32; count]).unwrap());
        assert_eq!(wrapped.unwrap(), vec![Wrapping(7); count]);
    }
}

#[test]
fn a_zero_in_a_block_is_no_number_other_than_zero() {
    let like = vec![NonZero::new(7_u32).unwrap(); 2000];
    let count = [&[255][..], &2000_u64.to_le_bytes()].concat();
    let mut block = 7_u32.to_le_bytes().repeat(2000);
    block[4000..4004].fill(0);
    let message = refused(&like, &count, &[&block]);
    assert!(message.contains("number other than zero"), "{message}");
}

/// Elements that take bytes may have parts that take none.
#[test]
fn any_number_of_parts_without_bytes_is_shown() {
    #[derive(Checkpoint, Clone, Debug, PartialEq)]
    struct Nothing {
        unit: (),
    }

    #[derive(Checkpoint, Clone, Debug, PartialEq)]
    struct Typed {
        x: u32,
        of: std::marker::PhantomData<String>,
        unit: (),
        nothing: Nothing,
    }

    let typed =
        Typed { x: 3, of: std::marker::PhantomData, unit: (), nothing: Nothing { unit: () } };
    let wanted = vec![typed; 300_000];
    passes(wanted.clone(), |restored| assert!(*restored == wanted));
    let lists = vec![LinkedList::from_iter(vec![(); 60_000]); 16];
    passes(lists, |lists| assert_eq!(lists[15].len(), 60_000));
    let arrays = vec![[1_u8; 5000]; 3];
    let image = to_vec(&arrays).unwrap();
    let image = Image::from_bytes(image).unwrap();
    assert!(matches!(image.value(), Ok(Value::Numbers(_))));
}
