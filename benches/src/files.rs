//! Saving the particles to a file and restoring them: [`samestate::Store`] beside the least that a
//! program could do by hand.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, IoSlice, Read, Write as _};
use std::path::Path;

use samestate::Store;
use serde::{Deserialize, Serialize};

use crate::data::{Particles, State};
use crate::measure::{Candidate, Timing, candidates_in_turns, timed};

/// What one folder gave.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// Where the files were.
    pub(crate) place: String,
    /// Saving.
    pub(crate) save: Vec<Timing>,
    /// Restoring.
    pub(crate) restore: Vec<Timing>,
}

/// Measures in a new folder below `place`. Everything that is written is read back and compared.
///
/// # Errors
/// If a file cannot be read or written.
pub(crate) fn run(place: &Path, rounds: usize) -> io::Result<Results> {
    let dir = tempfile::Builder::new().prefix("samestate-benches-").tempdir_in(place)?;
    let dir = dir.path();
    drop(black_box(vec![1_u8; 1 << 30]));
    let state = Particles::generate();
    let by_hand = dir.join("by-hand");

    let write = |checked: bool| {
        let (time, result) = timed(|| write_by_hand(dir, &by_hand, &state, checked));
        result.unwrap();
        let mut found = vec![];
        File::open(&by_hand).unwrap().read_to_end(&mut found).unwrap();
        let wanted = state.arrays().concat();
        assert!(found.starts_with(&wanted), "the file has other contents");
        time
    };
    let mut store = Store::open(dir.join("store")).unwrap();
    let save = candidates_in_turns(
        vec![
            Candidate::new("writev of the arrays + CRC32", || write(true)),
            Candidate::new("writev of the arrays", || write(false)),
            Candidate::new("Store::save", || {
                let (time, saved) = timed(|| store.save(&state, 0).unwrap());
                let found: Particles =
                    samestate::from_slice(&fs::read(&saved.path).unwrap()).unwrap();
                assert!(found == state, "another state was saved");
                fs::remove_file(saved.path).unwrap();
                time
            }),
        ],
        rounds,
    );

    write_by_hand(dir, &by_hand, &state, true)?;
    store.save(&state, 0).unwrap();
    let read = |checked: bool| {
        let (time, found) = timed(|| read_by_hand(&by_hand, checked));
        assert!(found.unwrap() == state, "the file has other contents");
        time
    };
    let restore = candidates_in_turns(
        vec![
            Candidate::new("read of the arrays + CRC32", || read(true)),
            Candidate::new("read of the arrays", || read(false)),
            Candidate::new("Store::restore", || {
                let (time, found) = timed(|| store.restore::<Particles>().unwrap());
                assert!(found.as_ref() == Some(&state), "another state was restored");
                time
            }),
        ],
        rounds,
    );
    Ok(Results { place: place.display().to_string(), save, restore })
}

/// The arrays in their order, then the checksum of each if asked for, whole or not at all.
fn write_by_hand(dir: &Path, path: &Path, state: &Particles, checked: bool) -> io::Result<()> {
    let arrays = state.arrays();
    let mut sums = Vec::new();
    if checked {
        arrays.iter().for_each(|array| sums.extend(crc32fast::hash(array).to_le_bytes()));
    }
    let mut slices: Vec<_> = arrays.iter().map(|array| IoSlice::new(array)).collect();
    slices.push(IoSlice::new(&sums));
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    let mut left = &mut slices[..];
    while !left.is_empty() {
        let count = file.write_vectored(left)?;
        IoSlice::advance_slices(&mut left, count);
    }
    file.sync_all()?;
    fs::rename(temporary, path)?;
    File::open(dir)?.sync_all()
}

/// Reads each array to its place.
fn read_by_hand(path: &Path, checked: bool) -> io::Result<Particles> {
    fn array<T: bytemuck::Pod>(file: &mut File, sums: &mut Vec<u8>) -> io::Result<Vec<T>> {
        let mut array = vec![T::zeroed(); 1_000_000];
        let bytes = bytemuck::cast_slice_mut(&mut array);
        file.read_exact(bytes)?;
        sums.extend(crc32fast::hash(bytes).to_le_bytes());
        Ok(array)
    }
    fn array_only<T: bytemuck::Pod>(file: &mut File, _: &mut Vec<u8>) -> io::Result<Vec<T>> {
        let mut array = vec![T::zeroed(); 1_000_000];
        file.read_exact(bytemuck::cast_slice_mut(&mut array))?;
        Ok(array)
    }
    let mut file = File::open(path)?;
    let (file, mut sums) = (&mut file, Vec::new());
    let sums = &mut sums;
    let real = if checked { array::<f64> } else { array_only::<f64> };
    let state = Particles {
        x: real(file, sums)?,
        y: real(file, sums)?,
        z: real(file, sums)?,
        vx: real(file, sums)?,
        vy: real(file, sums)?,
        vz: real(file, sums)?,
        mass: real(file, sums)?,
        id: if checked { array(file, sums)? } else { array_only(file, sums)? },
        cell: if checked { array(file, sums)? } else { array_only(file, sums)? },
    };
    if checked {
        let mut stored = Vec::new();
        file.read_to_end(&mut stored)?;
        assert!(stored == *sums, "a checksum differs");
    }
    Ok(state)
}
