//! Compression changes how an image is stored, and nothing else.

use samestate::{Checkpoint, Compression, Store, from_slice, to_vec, to_vec_compressed};
use samestate_image::{Codec, Image};

use crate::hostile_forge::Forged;

#[derive(Checkpoint, Debug, PartialEq)]
struct State {
    step: u64,
    /// Two blocks that compress well, and one that does not.
    zeros: Vec<u64>,
    counted: Vec<u32>,
    noise: Vec<u8>,
    names: Vec<String>,
}

/// Bytes that look like nothing in particular, always the same ones.
fn noise(count: usize) -> impl Iterator<Item = u8> {
    let next = |seed: &u64| Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    std::iter::successors(Some(7), next).map(|seed: u64| seed.to_be_bytes()[0]).take(count)
}

fn state() -> State {
    State {
        step: 3,
        // More than one LZ4 piece, and so even that Zstandard makes it shorter than is believed.
        zeros: vec![0; 400_000],
        counted: (0..9000).map(|number| number / 9).collect(),
        noise: noise(5000).collect(),
        names: (0..200).map(|number| format!("particle number {number}")).collect(),
    }
}

/// All ways that this program was built with.
fn all() -> Vec<(&'static str, Compression)> {
    vec![
        #[cfg(feature = "lz4")]
        ("lz4", Compression::Lz4),
        #[cfg(feature = "zstd")]
        ("zstd", Compression::Zstd),
    ]
}

#[test]
fn compressed_images_hold_the_same() {
    let plain = to_vec(&state()).unwrap();
    assert!(to_vec_compressed(&state(), Compression::None).unwrap() == plain);
    let plain = Image::from_bytes(plain).unwrap();
    for (name, compression) in all() {
        let image = to_vec_compressed(&state(), compression).unwrap();
        assert!(image == to_vec_compressed(&state(), compression).unwrap(), "{name}: equal bytes");
        assert!(image.len() < plain.len() / 10, "{name}: {} bytes", image.len());
        assert_eq!(from_slice::<State>(&image).unwrap(), state());
        let image = Image::from_bytes(image).unwrap();
        assert_eq!(image.id(), plain.id(), "{name}");
        assert!(image.values() == plain.values() && image.blocks().eq(plain.blocks()), "{name}");
        assert_eq!(image.value().unwrap(), plain.value().unwrap());
        let codecs: Vec<_> = image.chunks().iter().map(|chunk| chunk.codec.name()).collect();
        assert_eq!(codecs, ["none", name, name, name, "none"], "each chunk by itself");
        for (chunk, raw) in image.chunks().iter().zip(plain.chunks()) {
            assert_eq!(chunk.raw_len, raw.len);
            assert_eq!(chunk.len < raw.len, chunk.codec != Codec::None);
        }
    }
}

#[test]
fn a_store_compresses_and_reads_every_kind() {
    let dir = tempfile::tempdir().unwrap();
    let kinds = [("none", Compression::None)].into_iter().chain(all());
    for (name, compression) in kinds {
        let mut store = Store::open(dir.path()).unwrap().with_compression(compression);
        let saved = store.save(&state(), 3).unwrap();
        assert_eq!(std::fs::metadata(&saved.path).unwrap().len(), saved.len, "{name}");
        drop(store);
        let mut store = Store::open(dir.path()).unwrap();
        assert_eq!(store.restore::<State>().unwrap().unwrap(), state(), "{name}");
    }
}

/// Images that were stored when this was written; they load for ever, or the message says what is
/// missing.
#[test]
fn stored_compressed_images_are_read_or_refused_by_name() {
    let golden = |name: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        folder.join(format!("compressed_{name}.ckpt"))
    };
    for (name, compression) in all() {
        let path = golden(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() && !path.exists() {
            std::fs::write(&path, to_vec_compressed(&state(), compression).unwrap()).unwrap();
        }
    }
    for name in ["lz4", "zstd"] {
        let image = std::fs::read(golden(name)).unwrap();
        let restored = from_slice::<State>(&image);
        if all().iter().any(|(built_in, _)| *built_in == name) {
            assert_eq!(restored.unwrap(), state());
        } else {
            let message = restored.unwrap_err().to_string();
            assert!(message.contains(&format!("the feature `{name}`")), "{message}");
        }
    }
}

/// No bit of a compressed image is outside all checksums, either.
#[test]
fn every_flipped_bit_and_every_cut_is_detected() {
    let state: Vec<u32> = (0..1500).map(|number| number / 7).collect();
    for (name, compression) in all() {
        let mut image = to_vec_compressed(&state, compression).unwrap();
        assert!(image.len() < 6000, "{name}: {}", image.len());
        for at in 0..image.len() {
            for bit in 0..8 {
                image[at] ^= 1 << bit;
                assert!(Image::from_bytes(&image[..]).is_err(), "{name}: bit {bit} of byte {at}");
                image[at] ^= 1 << bit;
            }
            assert!(Image::from_bytes(&image[..at]).is_err());
        }
        assert_eq!(from_slice::<Vec<u32>>(&image).unwrap(), state);
    }
}

/// What a forger can do with correct checksums: nothing is decoded that the image's id does not
/// stand for, and no length is believed.
#[test]
fn what_is_compressed_is_not_trusted() {
    let state: Vec<u32> = (0..1500).map(|number| number / 7).collect();
    for (name, compression) in all() {
        let image = to_vec_compressed(&state, compression).unwrap();
        let honest = Forged::of(&image);
        assert!(honest.seal() == image, "{name}: sealing alone changes nothing");
        let refused = |change: &dyn Fn(&mut Forged)| {
            let mut forged = honest.clone();
            change(&mut forged);
            let error = Image::from_bytes(forged.seal()).map(|_| ()).unwrap_err();
            error.to_string()
        };
        let block = honest.chunks[2].bytes.len();
        for at in 0..block {
            for change in [1, 0x80, 0xff] {
                let mut forged = honest.clone();
                forged.chunks[2].bytes[at] ^= change;
                // There may be more than one way to compress the same.
                if let Ok(value) = from_slice::<Vec<u32>>(&forged.seal()) {
                    assert_eq!(value, state, "{name}: byte {at}");
                }
            }
            refused(&|forged| forged.chunks[2].bytes.truncate(at));
        }
        refused(&|forged| forged.chunks[2].bytes.extend([0; 4]));
        for raw_len in [0, 1, 5999, 6001, 1 << 20, 1 << 40, u64::MAX] {
            refused(&|forged| forged.chunks[2].raw_len = raw_len);
        }
        // As much as is believed, and one more.
        let most = block as u64 * 256;
        let message = refused(&|forged| forged.chunks[2].raw_len = most);
        assert!(message.contains("what is compressed in its block"), "{name}: {message}");
        let message = refused(&|forged| forged.chunks[2].raw_len = most + 1);
        assert!(message.contains("the length of a chunk"), "{name}: {message}");
        let message = refused(&|forged| forged.chunks[2].codec = 0);
        assert!(message.contains("the length of a chunk"), "{name}: {message}");
        let message = refused(&|forged| forged.chunks[2].codec = 3);
        assert!(message.contains("by method 3"), "{name}: {message}");
        let message = refused(&|forged| forged.chunks[0].codec = honest.chunks[2].codec);
        assert!(message.contains("a compressed schema"), "{name}: {message}");
        // The values are another state: the id says so, though every checksum is right.
        let message = refused(&|forged| forged.chunks[1].bytes[1] ^= 1);
        assert!(message.contains("the image id"), "{name}: {message}");
        let other = (0..1500_u32).map(|number| number / 8).collect::<Vec<_>>();
        let other = Forged::of(&to_vec_compressed(&other, compression).unwrap());
        let message = refused(&|forged| forged.chunks[2] = other.chunks[2].clone());
        assert!(message.contains("the image id"), "{name}: {message}");
    }
}

/// Room that the format keeps for what is to come is no damage.
#[test]
fn parents_and_shards_are_refused_by_name() {
    let honest = Forged::of(&to_vec(&7_u8).unwrap());
    let refused = |change: &dyn Fn(&mut Forged)| {
        let mut forged = honest.clone();
        change(&mut forged);
        Image::from_bytes(forged.seal()).map(|_| ()).unwrap_err().to_string()
    };
    let message = refused(&|forged| forged.parent = [7; 16]);
    assert!(message.starts_with("the image builds on another image"), "{message}");
    for shards in [(0, 2), (1, 2), (1, 1), (0, 0), (u32::MAX, u32::MAX)] {
        let message = refused(&|forged| forged.shard = shards);
        assert!(message.starts_with("the image is one of several shards"), "{message}");
    }
    for shards in [(0, 1), (1, 3)] {
        let both = refused(&|forged| (forged.parent, forged.shard) = ([1; 16], shards));
        assert!(both.contains("use a newer version"), "{both}");
    }
}
