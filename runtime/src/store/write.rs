//! Writing a file so that it appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::Path;

use super::{StoreError, names, rename};

/// How much one call is asked to write.
#[derive(Clone, Copy, Debug)]
struct Portion {
    slices: usize,
    bytes: usize,
}

/// `IOV_MAX` on every system, and less than the 2 GiB that Linux cuts a call to and that others
/// refuse.
const PORTION: Portion = Portion { slices: 1024, bytes: 1 << 30 };

/// Writes a file beside its place, makes it durable, and moves it there, where nothing may be. That
/// it is there is durable when [`sync_dir`] has returned.
pub(super) fn atomically(path: &Path, slices: &[&[u8]]) -> Result<(), StoreError> {
    let temporary = names::unfinished(path);
    // One that is there already is somebody else's.
    let file = File::create_new(&temporary)
        .map_err(|source| StoreError::io("create the file", &temporary, source))?;
    let written = fill(file, &temporary, slices).and_then(|()| {
        rename::to_free_place(&temporary, path)
            .map_err(|source| StoreError::io("move the new image to", path, source))
    });
    if written.is_err() {
        // What matters is the error; a temporary file that stays is never taken for an image.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Makes a folder and those above it, and makes it durable that they are there.
pub(super) fn make_dir(dir: &Path) -> Result<(), StoreError> {
    let is_missing = |dir: &&Path| *dir != Path::new("") && !dir.exists();
    let missing: Vec<&Path> = dir.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(dir).map_err(|source| StoreError::io("make the folder", dir, source))?;
    for made in missing {
        match made.parent() {
            Some(parent) if parent == Path::new("") => sync_dir(Path::new("."))?,
            Some(parent) => sync_dir(parent)?,
            None => {}
        }
    }
    Ok(())
}

fn fill(mut file: File, path: &Path, slices: &[&[u8]]) -> Result<(), StoreError> {
    write_all(&mut file, slices, PORTION)
        .map_err(|source| StoreError::io("write", path, source))?;
    file.sync_all().map_err(|source| StoreError::io("make durable", path, source))
}

/// Writes all slices, straight from where they are. Short writes go on where they stopped.
fn write_all(out: &mut impl Write, slices: &[&[u8]], most: Portion) -> io::Result<()> {
    let mut pieces = slices.iter().flat_map(|slice| slice.chunks(most.bytes)).peekable();
    while pieces.peek().is_some() {
        let (mut group, mut room) = (Vec::new(), most.bytes);
        while let Some(piece) = pieces.next_if(|piece| piece.len() <= room) {
            group.push(IoSlice::new(piece));
            room -= piece.len();
            if group.len() == most.slices {
                break;
            }
        }
        let mut left = &mut group[..];
        while !left.is_empty() {
            match out.write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Makes durable which files a folder holds.
#[cfg(unix)]
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|source| StoreError::io("make durable the folder", dir, source))
}

/// Elsewhere a folder cannot be opened as a file; renaming is durable by itself on NTFS.
#[cfg(not(unix))]
pub(super) fn sync_dir(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice, Write};

    use super::{PORTION, Portion, write_all};

    /// Takes as many bytes a call as it is told, and now and then none because of a signal.
    struct Stingy {
        taken: Vec<u8>,
        most: Portion,
        portion: usize,
        calls: usize,
    }

    impl Stingy {
        fn new(most: Portion, portion: usize) -> Self {
            Self { taken: Vec::new(), most, portion, calls: 0 }
        }
    }

    impl Write for Stingy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            assert!(slices.len() <= self.most.slices, "more slices than a call takes");
            let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
            assert!(bytes <= self.most.bytes, "more bytes than a call takes");
            self.calls += 1;
            if self.calls % 3 == 0 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let mut count = 0;
            for byte in slices.iter().flat_map(|slice| slice.iter()).take(self.portion) {
                self.taken.push(*byte);
                count += 1;
            }
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn short_writes_go_on_where_they_stopped() {
        let bytes: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        let slices: Vec<&[u8]> = bytes.chunks(7).collect();
        assert!(slices.len() > 2 * PORTION.slices);
        for portion in [1, 6, 7, 8, 1000, 100_000] {
            let mut out = Stingy::new(PORTION, portion);
            write_all(&mut out, &slices, PORTION).unwrap();
            assert!(out.taken == bytes, "{portion} bytes a call");
        }
    }

    #[test]
    fn no_call_is_asked_for_more_than_a_portion() {
        let bytes: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        // Longer than a portion, as long, shorter, empty, and all mixed.
        let cuts = [0, 3000, 3000, 3099, 3100, 13_100, 13_101, 20_000];
        let slices: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        for most in [1, 99, 100, 101, 10_000, 50_000] {
            for slices_most in [1, 2, 1024] {
                let most = Portion { slices: slices_most, bytes: most };
                for portion in [1, 100, 100_000] {
                    let mut out = Stingy::new(most, portion);
                    write_all(&mut out, &slices, most).unwrap();
                    assert!(out.taken == bytes, "{most:?}, {portion} bytes a call");
                }
            }
        }
    }

    #[test]
    fn a_writer_that_takes_nothing_is_an_error() {
        let mut out = Stingy::new(PORTION, 0);
        let error = write_all(&mut out, &[b"x"], PORTION).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    }
}
