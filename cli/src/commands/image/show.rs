//! What an image is.

use std::fmt::Write as _;

use samestate_image::directory::ChunkKind;
use samestate_image::{Codec, Image};

use crate::failure::Failure;

/// The header, the types by their canonical text, and the parts with their sizes.
pub(super) fn text(image: &Image<'_>) -> Result<String, Failure> {
    let header = image.header();
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:9} {value}");
    };
    line("root", image.schema().root_name.clone());
    line("id", hex(&image.id()));
    line("step", header.step.to_string());
    line("save", format!("{} of its run, from 0", header.seq));
    if header.time_ns > 0 {
        line("time", format!("{} s after 1970-01-01", header.time_ns / 1_000_000_000));
    }
    if !header.build_id.is_empty() {
        line("build id", hex(&header.build_id));
    }
    line("bytes", image.len().to_string());
    for chunk in image.chunks() {
        let kind = match chunk.kind {
            ChunkKind::Schema => "schema",
            ChunkKind::Values => "values",
            ChunkKind::Block => "block",
            ChunkKind::Volatile => "volatile",
        };
        let held = match chunk.codec {
            Codec::None => String::new(),
            codec => format!(", {codec} of {}", chunk.raw_len),
        };
        line(kind, format!("{} bytes at {}{held}", chunk.len, chunk.offset));
    }
    line("types", String::new());
    let table = &image.schema().table;
    // Opening the image proved that the schema has such a text.
    for row in table.canonical(table.root, usize::MAX).unwrap_or_default().lines().skip(1) {
        let _ = writeln!(text, "  {row}");
    }
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
