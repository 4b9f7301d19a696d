//! No image, however damaged or forged, is misread, and none makes the reader panic, hang or set
//! memory aside without bound.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::ops::Bound;
use std::path::PathBuf;

use samestate::{Checkpoint, RestoreErrorKind, SaveError, from_slice, to_vec};
use samestate_image::build::{Built, Parts};
use samestate_image::layout::DEPTH_LIMIT;
use samestate_image::{Header, Image};

#[derive(Checkpoint, Debug, PartialEq, Clone)]
struct Small {
    step: u64,
    name: String,
    flags: Vec<bool>,
    map: BTreeMap<u8, Option<i32>>,
    mode: Mode,
    block: Vec<u16>,
}

#[derive(Checkpoint, Debug, PartialEq, Clone)]
enum Mode {
    Off,
    On(char),
}

fn small() -> Small {
    Small {
        step: 12,
        name: String::from("sim"),
        flags: vec![true, false],
        map: [(1, None), (2, Some(-5))].into(),
        mode: Mode::On('x'),
        block: vec![513; 2100],
    }
}

#[test]
fn every_truncation_is_detected() {
    let image = to_vec(&small()).unwrap();
    assert_eq!(from_slice::<Small>(&image).unwrap(), small());
    for len in 0..image.len() {
        assert!(from_slice::<Small>(&image[..len]).is_err(), "cut to {len} bytes");
    }
    let longer = [&image[..], &[0]].concat();
    assert!(from_slice::<Small>(&longer).is_err());
}

#[test]
fn every_flipped_bit_is_detected() {
    let mut image = to_vec(&small()).unwrap();
    for at in 0..image.len() {
        for bit in 0..8 {
            image[at] ^= 1 << bit;
            assert!(Image::from_bytes(&image[..]).is_err(), "bit {bit} of byte {at}");
            image[at] ^= 1 << bit;
        }
    }
    assert_eq!(from_slice::<Small>(&image).unwrap(), small());
}

/// An image of type `T` with correct checksums and these values.
pub(crate) fn forged<T: Checkpoint>(like: &T, values: &[u8], blocks: &[&[u8]]) -> Vec<u8> {
    let image = to_vec(like).unwrap();
    let image = Image::from_bytes(&image[..]).unwrap();
    let schema = image.schema();
    let parts =
        Parts { root_hash: schema.root_hash(), schema: &schema.encode(), values, volatile: &[] };
    Built::new(parts, blocks.iter().copied()).unwrap().to_vec(&Header::default())
}

pub(crate) fn refused<T: Checkpoint>(like: &T, values: &[u8], blocks: &[&[u8]]) -> String {
    let image = forged(like, values, blocks);
    // The reader without the program must cope with it as well.
    let _ = Image::from_bytes(&image[..]).unwrap().value();
    match from_slice::<T>(&image) {
        Ok(_) => panic!("it was restored"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_forged_byte_is_refused_or_means_itself() {
    let image = to_vec(&small()).unwrap();
    let image = Image::from_bytes(&image[..]).unwrap();
    let blocks: Vec<&[u8]> = image.blocks().collect();
    let mut values = image.values().to_vec();
    for at in 0..values.len() {
        let honest = values[at];
        for byte in [0, 1, 2, 3, 64, 127, 128, 254, 255, honest ^ 1, honest ^ 16] {
            values[at] = byte;
            let forged = forged(&small(), &values, &blocks);
            let _ = Image::from_bytes(&forged[..]).unwrap().value();
            if let Ok(value) = from_slice::<Small>(&forged) {
                // What was accepted is encoded in exactly one way.
                assert_eq!(to_vec(&value).unwrap(), forged, "byte {at} set to {byte}");
            }
        }
        values[at] = honest;
    }
    for len in 0..values.len() {
        refused(&small(), &values[..len], &blocks);
    }
    assert!(refused(&small(), &[&values[..], &[0]].concat(), &blocks).contains("1 bytes follow"));
    assert!(refused(&small(), &values, &[]).contains("2100 values"));
    let twice = [blocks[0], blocks[0]];
    assert!(refused(&small(), &values, &twice).contains("4200 bytes follow"));
}

#[test]
fn forged_lengths_are_refused_before_memory_is_set_aside() {
    for count in [255_u64, 65_537, 1 << 32, 1 << 40, 1 << 60, u64::MAX] {
        let long = [&[255_u8][..], &count.to_le_bytes()].concat();
        refused(&Vec::<u8>::new(), &long, &[]);
        refused(&Vec::<u128>::new(), &long, &[]);
        refused(&Vec::<[f32; 3]>::new(), &long, &[]);
        refused(&Vec::<String>::new(), &long, &[]);
        refused(&Vec::<Vec<u8>>::new(), &long, &[]);
        refused(&String::new(), &long, &[]);
        refused(&BTreeMap::<u8, u8>::new(), &long, &[]);
        refused(&BTreeSet::<String>::new(), &long, &[]);
        if count > 65_536 {
            refused(&Vec::<()>::new(), &long, &[]);
            refused(&Vec::<[(); 9]>::new(), &long, &[]);
        }
    }
}

#[test]
fn values_out_of_their_type_are_refused() {
    assert!(refused(&true, &[2], &[]).contains("no valid bool"));
    assert!(refused(&'x', &0xd800_u32.to_le_bytes(), &[]).contains("no valid char"));
    assert!(refused(&String::new(), &[1, 0xff], &[]).contains("no valid UTF-8"));
    assert!(refused(&Some(1_u8), &[2, 0], &[]).contains("no valid Option"));
    assert!(refused(&Mode::Off, &[2], &[]).contains("no valid variant"));
    assert!(refused(&Ok::<u8, u8>(1), &[2, 0], &[]).contains("no valid Result"));
    assert!(refused(&Bound::Included(1_u8), &[3, 0], &[]).contains("no valid Bound"));
    assert!(refused(&CString::default(), &[1, 0], &[]).contains("no valid CString"));
    assert!(refused(&PathBuf::new(), &[9, 0], &[]).contains("bytes for"));
    let unordered = [2, 5, 1, 4, 1];
    assert!(refused(&BTreeMap::from([(1_u8, 1_u8)]), &unordered, &[]).contains("not in order"));
    let twice = [2, 5, 5];
    assert!(refused(&BTreeSet::from([1_u8]), &twice, &[]).contains("not in order"));
    let not_shortest = [255, 1, 0, 0, 0, 0, 0, 0, 0, 7];
    assert!(refused(&vec![7_u8], &not_shortest, &[]).contains("no valid length"));
}

#[test]
fn errors_name_the_field() {
    let image = to_vec(&small()).unwrap();
    let image = Image::from_bytes(&image[..]).unwrap();
    let blocks: Vec<&[u8]> = image.blocks().collect();
    let mut values = image.values().to_vec();
    // step: 8, name: 4, flags: 1 and the first.
    values[13] = 9;
    let message = refused(&small(), &values, &blocks);
    assert_eq!(message, "at it::hostile::Small.flags[0]: the image holds no valid bool here");
}

#[derive(Checkpoint, Debug, Default)]
struct Chain {
    next: Option<Box<Chain>>,
}

fn chain(length: u32) -> Chain {
    let mut chain = Chain::default();
    for _ in 0..length {
        chain = Chain { next: Some(Box::new(chain)) };
    }
    chain
}

#[test]
fn nesting_is_limited_alike_when_saving_and_restoring() {
    let image = to_vec(&chain(DEPTH_LIMIT)).unwrap();
    assert!(from_slice::<Chain>(&image).is_ok());
    Image::from_bytes(&image[..]).unwrap().value().unwrap();
    let error = to_vec(&chain(DEPTH_LIMIT + 1)).unwrap_err();
    assert!(matches!(error, SaveError::TooDeep));
    for levels in [DEPTH_LIMIT as usize + 1, 10_000_000] {
        let mut values = vec![1; levels];
        values.push(0);
        let image = forged(&Chain::default(), &values, &[]);
        let error = from_slice::<Chain>(&image).unwrap_err();
        assert!(matches!(error.kind(), RestoreErrorKind::TooDeep), "{error}");
        let shown = Image::from_bytes(&image[..]).unwrap().value().map(|_| ());
        assert_eq!(shown.is_err(), levels > 1000, "what is only slightly too deep can be shown");
    }
}

/// Restoring it passes this much over the stack for every level.
#[derive(Checkpoint, Debug)]
struct Heavy<const N: usize> {
    payload: [u8; N],
    next: Vec<Heavy<N>>,
}

/// Saves ever longer chains until one is refused; the one before it must come back, and a longer
/// one that is forged must be refused, not end the process.
fn longest<const N: usize>() -> usize {
    let mut chain = Heavy::<N> { payload: [1; N], next: vec![] };
    let mut image = to_vec(&chain).unwrap();
    for length in 1.. {
        chain = Heavy { payload: [1; N], next: vec![chain] };
        match to_vec(&chain) {
            Ok(longer) => image = longer,
            Err(error) => {
                assert!(matches!(error, SaveError::TooDeep));
                from_slice::<Heavy<N>>(&image).unwrap();
                let opened = Image::from_bytes(&image[..]).unwrap();
                let blocks: Vec<&[u8]> = opened.blocks().cycle().take(1000).collect();
                let inline = if N < 4096 { N } else { 0 };
                let level = [vec![1; inline], vec![1]].concat();
                let shallow = Heavy::<N> { payload: [1; N], next: vec![] };
                let message = refused(&shallow, &level.repeat(1000), &blocks);
                assert!(message.contains("nest too deeply"), "{message}");
                return length - 1;
            }
        }
    }
    unreachable!()
}

#[test]
fn large_values_nest_less_deeply() {
    // One level less than the limit, because the last node's empty `Vec` is one.
    assert_eq!(longest::<16>(), 255);
    assert_eq!(longest::<1000>(), 84);
    assert_eq!(longest::<5000>(), 24);
    assert_eq!(longest::<20_000>(), 7);
}

#[test]
fn too_many_values_without_bytes_are_refused_when_saving() {
    assert!(to_vec(&vec![(); 65_536]).is_ok());
    let error = to_vec(&vec![(); 65_537]).unwrap_err();
    assert!(matches!(error, SaveError::TooManyEmpty { count: 65_537 }));
}
