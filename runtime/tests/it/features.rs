//! Types of other crates, each behind its feature.

use std::fmt::Debug;

use samestate::{Checkpoint, from_slice, to_vec};
use samestate_image::Image;

use crate::hostile::refused;

fn check<T: Checkpoint + PartialEq + Debug>(value: &T) -> T {
    let image = to_vec(value).unwrap();
    let restored = from_slice::<T>(&image).unwrap();
    assert_eq!(&restored, value);
    assert_eq!(to_vec(&restored).unwrap(), image, "a save of the restored state");
    Image::from_bytes(&image[..]).unwrap().value().unwrap();
    restored
}

#[cfg(feature = "smallvec")]
#[test]
fn small_vectors_come_back() {
    use smallvec::SmallVec;

    for len in [0_u32, 3, 4, 5, 2000] {
        let restored = check(&SmallVec::<[u32; 4]>::from_iter(0..len));
        assert_eq!(restored.spilled(), len > 4);
        check(&SmallVec::<[String; 4]>::from_iter((0..len).map(|n| n.to_string())));
    }
    let long = [&[255][..], &u64::MAX.to_le_bytes()].concat();
    assert!(refused(&SmallVec::<[u32; 4]>::new(), &long, &[]).contains("bytes for"));
    assert!(refused(&SmallVec::<[u8; 4]>::new(), &[3, 1, 2], &[]).contains("too early"));
}

#[cfg(feature = "indexmap")]
#[test]
fn maps_keep_an_order_of_their_own() {
    use indexmap::{IndexMap, IndexSet};

    let map = IndexMap::<String, u8>::from_iter([("z".to_owned(), 1), ("a".to_owned(), 2)]);
    let restored = check(&map);
    assert_eq!(restored.keys().collect::<Vec<_>>(), ["z", "a"]);
    let other: IndexMap<_, _> = map.clone().into_iter().rev().collect();
    assert_eq!(map, other, "the map itself calls them equal");
    assert_ne!(to_vec(&map).unwrap(), to_vec(&other).unwrap(), "but a program can tell");
    for len in [0_u16, 3, 5000] {
        let set = check(&(0..len).rev().collect::<IndexSet<u16>>());
        assert_eq!(set.first(), len.checked_sub(1).as_ref());
    }
    check(&IndexSet::<String>::from_iter(["b".into(), "a".into()]));
    assert!(refused(&IndexMap::<u8, u8>::new(), &[2, 5, 1, 5, 2], &[]).contains("comes twice"));
    assert!(refused(&IndexSet::<u8>::new(), &[2, 5, 5], &[]).contains("comes twice"));
    let long = [&[255][..], &u64::MAX.to_le_bytes()].concat();
    assert!(refused(&IndexMap::<u8, u8>::new(), &long, &[]).contains("bytes for"));
}

#[cfg(feature = "ndarray")]
#[test]
fn arrays_come_back_in_their_shape_and_order() {
    use ndarray::{Array, Array0, Array1, Array2, ArrayD, Axis, IxDyn, ShapeBuilder as _, Slice};

    check(&Array0::from_elem((), 1.5_f64));
    check(&Array1::from_iter(0..3000_u32));
    check(&Array2::from_shape_fn((3, 4), |(row, column)| format!("{row} {column}")));
    check(&ArrayD::<u8>::zeros(IxDyn(&[2, 0, 5])));
    let rows = Array2::from_shape_fn((40, 50), |(row, column)| row * 100 + column);
    assert!(check(&rows).is_standard_layout());
    let columns = Array::from_shape_fn((40, 50).f(), |(row, column)| row * 100 + column);
    assert_eq!(rows, columns);
    assert!(!check(&columns).is_standard_layout(), "a program can tell");
    let mut pieces = rows.clone();
    pieces.swap_axes(0, 1);
    pieces.slice_axis_inplace(Axis(0), Slice::new(0, None, 2));
    pieces.slice_axis_inplace(Axis(1), Slice::new(0, None, 3));
    assert!(pieces.as_slice_memory_order().is_none());
    check(&pieces);

    // Shape, order, elements.
    let like = Array2::<u8>::zeros((1, 2));
    let two = 2_u64.to_le_bytes();
    let values = |rows: u64, order: u8, rest: &[u8]| {
        [&[2][..], &rows.to_le_bytes(), &two, &[order], rest].concat()
    };
    let honest = to_vec(&like).unwrap();
    assert_eq!(Image::from_bytes(&honest[..]).unwrap().values(), values(1, 0, &[2, 0, 0]));
    for forged in [
        values(1, 0, &[1, 0]),
        values(2, 0, &[2, 0, 0]),
        values(1, 1, &[2, 0, 0]),
        values(u64::MAX, 0, &[2, 0, 0]),
        values(1 << 63, 0, &[0]),
    ] {
        assert!(refused(&like, &forged, &[]).contains("no valid shape"));
    }
    let one = [&[1][..], &two, &[0, 2, 0, 0]].concat();
    assert!(refused(&like, &one, &[]).contains("no valid shape"), "one dimension, not two");
}
