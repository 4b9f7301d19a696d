//! A large image: bits flipped anywhere in it are found.

use std::collections::BTreeMap;

use samestate::{Checkpoint, from_slice, to_vec};
use samestate_image::{Image, ImageError};

#[derive(Checkpoint, PartialEq)]
struct Large {
    step: u64,
    heights: Vec<Vec<u64>>,
    colors: Vec<u8>,
    names: BTreeMap<u32, String>,
}

/// Numbers that look like nothing in particular, always the same ones.
fn random(seed: u64) -> impl Iterator<Item = u64> {
    let next = |seed: &u64| Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    std::iter::successors(next(&seed), next).map(|seed| seed >> 20)
}

fn large() -> Large {
    Large {
        step: 7,
        heights: (0..240).map(|row| random(row).take(1500).collect()).collect(),
        colors: random(2).flat_map(u64::to_le_bytes).take(400_000).collect(),
        names: (0..9000).map(|n| (n, format!("name {n}"))).collect(),
    }
}

const FLIPS: usize = 100_000;

/// Each flip is in a chunk of its own, and each of these chunks must be told, and no other. What
/// opens an image checks the chunks in the same way, and stops at the first.
#[test]
fn a_hundred_thousand_random_flips_are_detected() {
    let mut image = to_vec(&large()).unwrap();
    let opened = Image::from_bytes(image.clone()).unwrap();
    assert!(image.len() > 3_000_000 && opened.chunks().len() > 200);
    assert!(Image::damage(&image).is_empty());
    let last = opened.chunks().last().unwrap();
    let directory = last.offset + last.len.next_multiple_of(64);
    let chunk_at = |at: u64| opened.chunks().partition_point(|chunk| chunk.offset <= at);
    let mut flips = random(4).map(|number| ((number >> 3) % image.len() as u64, number % 8));
    let mut flips = flips.by_ref().take(FLIPS).collect::<Vec<_>>().into_iter().peekable();
    let flip = |image: &mut Vec<u8>, (at, bit): (u64, u64)| {
        image[usize::try_from(at).unwrap()] ^= 1 << bit;
    };
    let (mut told, mut rounds) = (0, 0);
    while flips.peek().is_some() {
        let mut here: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        while let Some((at, bit)) = flips.next_if(|(at, _)| !here.contains_key(&chunk_at(*at))) {
            // Header, directory and trailer are looked at first, and alone.
            if at < 128 || at >= directory {
                flip(&mut image, (at, bit));
                assert_eq!(Image::damage(&image).len(), 1, "bit {bit} of byte {at}");
                assert!(Image::from_bytes(&image[..]).is_err(), "bit {bit} of byte {at}");
                flip(&mut image, (at, bit));
                told += 1;
            } else {
                here.insert(chunk_at(at), (at, bit));
            }
        }
        here.values().for_each(|&each| flip(&mut image, each));
        let damage = Image::damage(&image).into_iter().map(|error| match error {
            ImageError::Checksum { offset, .. } => chunk_at(offset),
            other => panic!("{other}"),
        });
        assert!(damage.eq(here.keys().copied()), "{here:?}");
        assert_eq!(Image::from_bytes(&image[..]).is_err(), !here.is_empty());
        here.values().for_each(|&each| flip(&mut image, each));
        told += here.len();
        rounds += 1;
    }
    assert_eq!(told, FLIPS);
    assert!(rounds < FLIPS / 4, "{rounds} rounds");
    assert!(from_slice::<Large>(&image).unwrap() == large(), "every bit was put back");
}
