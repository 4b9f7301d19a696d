//! Compressed chunks with right checksums: what they hold is refused, or is what was saved.
#![no_main]

use libfuzzer_sys::fuzz_target;
use samestate_image::directory::{Chunk, ChunkKind, Directory, Trailer};
use samestate_image::header::Header;
use samestate_image::{Codec, Image};

fuzz_target!(|bytes: &[u8]| {
    // The codec, how many bytes the chunk holds, the chunk.
    let Some((&[kind, a, b, c], stored)) = bytes.split_first_chunk() else { return };
    let codec = if kind % 2 == 0 { Codec::Lz4 } else { Codec::Zstd };
    let raw_len = u64::from(u32::from_le_bytes([a, b, c, 0]));
    let plain = samestate::to_vec(&vec![7_u8; 500]).expect("it is saved");
    let plain = Image::from_bytes(plain).expect("and opens");
    let schema = plain.schema().encode();
    let mut out = Header::default().encode();
    let mut chunks = Vec::new();
    let parts = [
        (ChunkKind::Schema, Codec::None, &schema[..], schema.len() as u64),
        (ChunkKind::Values, codec, stored, raw_len),
    ];
    for (kind, codec, bytes, raw_len) in parts {
        let (offset, len) = (out.len() as u64, bytes.len() as u64);
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(64), 0);
        let crc = crc32fast::hash(&out[usize::try_from(offset).expect("inputs are short")..]);
        chunks.push(Chunk { kind, codec, offset, len, raw_len, crc });
    }
    let directory = Directory { chunks }.encode();
    let trailer = Trailer {
        directory_offset: out.len() as u64,
        directory_len: directory.len() as u64,
        image_id: plain.id(),
        directory_crc: crc32fast::hash(&directory),
    };
    let image = [out, directory, trailer.encode()].concat();
    // The id is that of the plain image, and proves what was decompressed.
    if let Ok(image) = Image::from_bytes(image) {
        assert_eq!(image.values(), plain.values());
    }
});
