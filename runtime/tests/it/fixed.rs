//! Types whose values all take equally many bytes are written and read in one go. Nobody can see it.

use std::marker::PhantomData;
use std::num::{NonZero, Wrapping};
use std::time::Duration;

use samestate::{Checkpoint, from_slice, to_vec};
use samestate_image::Image;

use crate::hostile::{forged, refused};

#[derive(Checkpoint, Clone, Copy, Debug, PartialEq)]
enum Mode {
    Off,
    On,
}

#[derive(Checkpoint, Clone, Copy, Debug, PartialEq)]
struct Place<T> {
    at: [T; 3],
    of: PhantomData<T>,
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Record {
    id: u32,
    sign: char,
    on: bool,
    mode: Mode,
    count: NonZero<u16>,
    place: Place<i16>,
    pair: (Wrapping<u8>, usize),
    time: Duration,
    grid: [[Mode; 2]; 2],
    unit: (),
}

/// The same, but for a field that the derive knows to vary.
#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Varying {
    record: Record,
    text: String,
}

/// Bytes of a record.
const LEN: usize = 4 + 4 + 1 + 1 + 2 + 6 + 1 + 8 + 12 + 4;

fn record(id: u32) -> Record {
    Record {
        id,
        sign: '\u{1d11e}',
        on: id % 2 == 0,
        mode: if id % 3 == 0 { Mode::Off } else { Mode::On },
        count: NonZero::new(0x201).unwrap(),
        place: Place { at: [-1, 0, 0x102], of: PhantomData },
        pair: (Wrapping(9), 0x0807_0605),
        time: Duration::new(5, 999_999_999),
        grid: [[Mode::On, Mode::Off], [Mode::On, Mode::On]],
        unit: (),
    }
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = record.id.to_le_bytes().to_vec();
    bytes.extend(0x1d11e_u32.to_le_bytes());
    bytes.extend([u8::from(record.on), record.mode as u8, 1, 2]);
    bytes.extend([0xff, 0xff, 0, 0, 2, 1, 9, 5, 6, 7, 8, 0, 0, 0, 0]);
    bytes.extend(5_u64.to_le_bytes());
    bytes.extend(999_999_999_u32.to_le_bytes());
    bytes.extend([1, 0, 1, 1]);
    assert_eq!(bytes.len(), LEN);
    bytes
}

fn values<T: Checkpoint>(value: &T) -> Vec<u8> {
    Image::from_bytes(to_vec(value).unwrap()).unwrap().values().to_vec()
}

#[test]
fn a_value_is_written_as_its_fields_are() {
    let one = record(7);
    assert_eq!(values(&one), encoded(&one));
    let varying = Varying { record: one.clone(), text: String::new() };
    assert_eq!(values(&varying), [encoded(&one), vec![0]].concat());
    assert_eq!(from_slice::<Record>(&to_vec(&one).unwrap()).unwrap(), one);
}

#[test]
fn many_values_are_written_as_each_is() {
    // Few, more than one piece, and more than the caches hold.
    for count in [0, 1, 2, 250, 3000, 250_000] {
        let records: Vec<Record> = (0..count).map(record).collect();
        let image = to_vec(&records).unwrap();
        let written = Image::from_bytes(&image[..]).unwrap().values().to_vec();
        let wanted: Vec<u8> = records.iter().flat_map(encoded).collect();
        assert!(written.ends_with(&wanted), "{count}");
        assert_eq!(written.len() - wanted.len(), if count < 255 { 1 } else { 9 });
        assert!(from_slice::<Vec<Record>>(&image).unwrap() == records, "{count}");
    }
    let arrays: Vec<[Mode; 3]> = vec![[Mode::On, Mode::Off, Mode::On]; 5];
    assert_eq!(values(&arrays), [vec![5], [1, 0, 1].repeat(5)].concat());
    assert_eq!(from_slice::<Vec<[Mode; 3]>>(&to_vec(&arrays).unwrap()).unwrap(), arrays);
}

#[test]
fn the_field_that_is_no_value_is_named() {
    let records: Vec<Record> = (0..4).map(record).collect();
    let bytes: Vec<u8> = [vec![4], records.iter().flat_map(encoded).collect()].concat();
    let cases: [(usize, &[u8], &str); 8] = [
        (4, &[0, 0xd8, 0, 0], "sign"),
        (8, &[2], "on"),
        (9, &[2], "mode"),
        (10, &[0, 0], "count"),
        (27, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0xca, 0x9a, 0x3b], "time"),
        (39, &[7], "grid[0][0]"),
        (40, &[2], "grid[0][1]"),
        (42, &[255], "grid[1][1]"),
    ];
    for (at, wrong, field) in cases {
        let mut bytes = bytes.clone();
        let start = 1 + 2 * LEN + at;
        bytes[start..start + wrong.len()].copy_from_slice(wrong);
        let message = refused(&records, &bytes, &[]);
        assert!(message.contains(&format!("[2].{field}")), "{field}: {message}");
    }
    let image = forged(&records, &bytes, &[]);
    assert_eq!(from_slice::<Vec<Record>>(&image).unwrap(), records);
    for len in 0..bytes.len() {
        refused(&records, &bytes[..len], &[]);
    }
}
