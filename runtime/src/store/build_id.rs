//! The build id of the running program: the note that the linker leaves in an ELF file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::OnceLock;

use samestate_schema::wire::Reader;

/// Longest note segment in bytes that is looked through.
const MAX_NOTES: u64 = 1 << 16;
const PT_NOTE: u32 = 4;
const NT_GNU_BUILD_ID: u32 = 3;

/// The build id; empty if the program has none, or not one that is found here.
pub(super) fn own() -> &'static [u8] {
    static ID: OnceLock<Vec<u8>> = OnceLock::new();
    ID.get_or_init(|| {
        let exe = if cfg!(target_os = "linux") { File::open("/proc/self/exe").ok() } else { None };
        exe.and_then(|mut exe| read(&mut exe).ok().flatten()).unwrap_or_default()
    })
}

/// Finds the note in a 64-bit little-endian ELF file.
fn read(file: &mut (impl Read + Seek)) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; 64];
    file.read_exact(&mut header)?;
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return Ok(None);
    }
    let mut table = [0; 8];
    table.copy_from_slice(&header[32..40]);
    let start = u64::from_le_bytes(table);
    let (size, count) = (half(&header, 54), half(&header, 56));
    for index in 0..u64::from(count) {
        let mut segment = [0; 56];
        let Some(at) = start.checked_add(index * u64::from(size)) else { return Ok(None) };
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut segment)?;
        let mut fields = Reader::new(&segment);
        let (Ok(kind), Ok(_flags), Ok(offset)) = (fields.u32(), fields.u32(), fields.u64()) else {
            return Ok(None);
        };
        let len = fields.bytes(16).and_then(|_| fields.u64()).unwrap_or(0);
        if kind == PT_NOTE && len <= MAX_NOTES {
            file.seek(SeekFrom::Start(offset))?;
            let mut notes = Vec::new();
            file.take(len).read_to_end(&mut notes)?;
            if let Some(id) = find(&notes) {
                return Ok(Some(id.to_vec()));
            }
        }
    }
    Ok(None)
}

fn half(header: &[u8; 64], at: usize) -> u16 {
    u16::from_le_bytes([header[at], header[at + 1]])
}

/// The build id among notes of four-byte alignment, which is the only one linkers use for it.
fn find(notes: &[u8]) -> Option<&[u8]> {
    let mut input = Reader::new(notes);
    while input.remaining() > 0 {
        let (name_len, id_len) = (input.u32().ok()? as usize, input.u32().ok()? as usize);
        let kind = input.u32().ok()?;
        let name = input.bytes(name_len.checked_next_multiple_of(4)?).ok()?;
        let id = input.bytes(id_len.checked_next_multiple_of(4)?).ok()?;
        if kind == NT_GNU_BUILD_ID && name.starts_with(b"GNU\0") {
            return id.get(..id_len);
        }
    }
    None
}
