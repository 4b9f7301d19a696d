//! Images that say whatever a test wants, with correct checksums.

use samestate_image::directory::ChunkKind;

const HEADER: usize = 128;
const TRAILER: usize = 80;

/// The parts of an image, free to be changed.
#[derive(Clone)]
pub(crate) struct Forged {
    pub(crate) header: Vec<u8>,
    pub(crate) parent: [u8; 16],
    /// The number of this shard, and how many there are.
    pub(crate) shard: (u32, u32),
    pub(crate) chunks: Vec<Chunk>,
    /// How many chunks the directory claims to have, if not as many as there are.
    pub(crate) count: Option<u64>,
    pub(crate) id: [u8; 16],
}

#[derive(Clone)]
pub(crate) struct Chunk {
    pub(crate) kind: u16,
    pub(crate) codec: u16,
    pub(crate) bytes: Vec<u8>,
    pub(crate) raw_len: u64,
    /// Where the directory says that it starts, if not where it does.
    pub(crate) offset: Option<u64>,
    /// How long the directory says that it is, if not as long as it is.
    pub(crate) len: Option<u64>,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

fn long(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(number(bytes, at))).unwrap()
}

impl Forged {
    pub(crate) fn of(image: &[u8]) -> Self {
        let trailer = &image[image.len() - TRAILER..];
        let directory = &image[long(trailer, 0)..image.len() - TRAILER];
        let chunk = |entry: &[u8]| Chunk {
            kind: u16::from_le_bytes(number(entry, 0)),
            codec: u16::from_le_bytes(number(entry, 2)),
            bytes: image[long(entry, 8)..long(entry, 8) + long(entry, 16)].to_vec(),
            raw_len: u64::from_le_bytes(number(entry, 24)),
            offset: None,
            len: None,
        };
        Self {
            header: image[..HEADER - 4].to_vec(),
            parent: number(directory, 8),
            shard: (
                u32::from_le_bytes(number(directory, 24)),
                u32::from_le_bytes(number(directory, 28)),
            ),
            chunks: directory[40..].chunks(32).map(chunk).collect(),
            count: None,
            id: number(trailer, 24),
        }
    }

    /// The image, its chunks where they must be and every checksum right.
    pub(crate) fn seal(&self) -> Vec<u8> {
        let mut out = self.header.clone();
        out.extend(crc32fast::hash(&out).to_le_bytes());
        let mut directory = b"ss-direc".to_vec();
        directory.extend(self.parent);
        directory.extend(self.shard.0.to_le_bytes());
        directory.extend(self.shard.1.to_le_bytes());
        directory.extend(self.count.unwrap_or(self.chunks.len() as u64).to_le_bytes());
        for (index, chunk) in self.chunks.iter().enumerate() {
            let place = |index: usize, end: usize, len: usize| {
                let offset = ChunkKind::at(index).place(end as u64, len as u64).unwrap();
                usize::try_from(offset).unwrap()
            };
            out.resize(place(index, out.len(), chunk.bytes.len()), 0);
            let start = out.len();
            out.extend(&chunk.bytes);
            let next = self.chunks.get(index + 1).map_or(0, |next| next.bytes.len());
            let next = if index + 1 < self.chunks.len() { (index + 1, next) } else { (0, 0) };
            out.resize(place(next.0, out.len(), next.1), 0);
            directory.extend(chunk.kind.to_le_bytes());
            directory.extend(chunk.codec.to_le_bytes());
            directory.extend(crc32fast::hash(&out[start..]).to_le_bytes());
            directory.extend(chunk.offset.unwrap_or(start as u64).to_le_bytes());
            directory.extend(chunk.len.unwrap_or(chunk.bytes.len() as u64).to_le_bytes());
            directory.extend(chunk.raw_len.to_le_bytes());
        }
        let mut trailer = Vec::new();
        trailer.extend((out.len() as u64).to_le_bytes());
        trailer.extend((directory.len() as u64).to_le_bytes());
        trailer.extend(((out.len() + directory.len() + TRAILER) as u64).to_le_bytes());
        trailer.extend(self.id);
        trailer.extend(crc32fast::hash(&directory).to_le_bytes());
        trailer.extend([0; 24]);
        trailer.extend(crc32fast::hash(&trailer).to_le_bytes());
        trailer.extend(b"ss-done\n");
        [out, directory, trailer].concat()
    }
}
