//! A trace: as it comes from a disk, and with right checksums around whatever its header and its
//! events say.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use samestate_tracer::trace::Reader;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    std::env::temp_dir().join(format!("samestate-fuzz-{}.trace", std::process::id()))
});

/// Reads a trace to its end, and the first events once more by their places.
fn read(trace: &[u8]) {
    fs::write(&*FILE, trace).expect("a file for the trace");
    let Ok(mut reader) = Reader::open(&FILE) else { return };
    let mut places = Vec::new();
    while let Ok(Some((place, event))) = reader.read() {
        if places.len() < 100 {
            places.push((place, event));
        }
    }
    for (place, event) in places {
        assert_eq!(reader.at(place).expect("it was read before"), event);
    }
}

/// A block as a trace holds it: kind, length, stored length, checksum, LZ4.
fn block(kind: u32, content: &[u8]) -> Vec<u8> {
    let packed = lz4_flex::block::compress(content);
    let mut head = kind.to_le_bytes().to_vec();
    for len in [content.len(), packed.len()] {
        head.extend(u32::try_from(len).expect("inputs are short").to_le_bytes());
    }
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&head);
    checksum.update(&packed);
    head.extend(checksum.finalize().to_le_bytes());
    [head, packed].concat()
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    // The magic and the version, the length of the header, the header, the events.
    let Some((start, rest)) = bytes.split_at_checked(10) else { return };
    let Some((len, rest)) = rest.split_first_chunk() else { return };
    let Some((header, events)) = rest.split_at_checked(u16::from_le_bytes(*len).into()) else {
        return;
    };
    read(&[start, &block(1, header), &block(2, events)].concat());
});
