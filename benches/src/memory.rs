//! Saving to memory and restoring from it.

use std::fmt;
use std::hint::black_box;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::formats::{Compared, Image};
use crate::measure::{Candidate, Timing, candidates_in_turns, timed};

/// What one state gave with warm memory.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// What the state is.
    pub(crate) title: String,
    /// Its bytes in memory.
    pub(crate) live: usize,
    /// Length of each format's image in bytes, in the order of the formats.
    pub(crate) lens: Vec<usize>,
    /// Saving: the copy first, then the formats.
    pub(crate) save: Vec<Timing>,
    /// Restoring: the copy first, then the formats, then `clone`.
    pub(crate) restore: Vec<Timing>,
}

/// What one state gave with cold memory, in the same order.
#[derive(Debug)]
pub(crate) struct Cold {
    /// Saving.
    pub(crate) save: Vec<Timing>,
    /// Restoring.
    pub(crate) restore: Vec<Timing>,
}

/// One candidate by its number: 0 is the copy, the formats follow.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Only {
    /// Save with it.
    Save(usize),
    /// Restore with it.
    Restore(usize),
}

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Save(index) => write!(f, "save-{index}"),
            Self::Restore(index) => write!(f, "restore-{index}"),
        }
    }
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, index) = text.split_once('-').ok_or("not `save-N` or `restore-N`")?;
        let index = index.parse().map_err(|error| format!("{index}: {error}"))?;
        match what {
            "save" => Ok(Self::Save(index)),
            "restore" => Ok(Self::Restore(index)),
            other => Err(format!("neither save nor restore: {other}")),
        }
    }
}

/// The name of what everything is compared with.
pub(crate) const COPY: &str = "memcpy";

/// The name of a deep copy of the state.
pub(crate) const CLONE: &str = "(deep clone)";

/// Measures a state in all formats with warm memory. Every image of every round must be equal to
/// the first one, and every restored state to the state.
pub(crate) fn run<T: Compared>(rounds: usize) -> Results {
    // What the allocator then hands out again was touched before.
    drop(black_box(vec![1_u8; 1 << 30]));
    let state = T::generate();
    let count = T::formats().len();
    let mut lens = Vec::new();
    let saves = (0..=count).map(|index| {
        let mut first: Option<Vec<u8>> = None;
        let state = &state;
        Candidate::new(name::<T>(index), move || {
            let (time, made) = save(index, state);
            let made = made.as_ref();
            let same = first.get_or_insert_with(|| made.to_vec()) == made;
            assert!(same, "{}: two images of one state differ", name::<T>(index));
            time
        })
    });
    let save_times = candidates_in_turns(saves.collect(), rounds);

    let restores = (0..=count + 1).map(|index| {
        let state = &state;
        let image = image(index, state);
        if (1..=count).contains(&index) {
            lens.push(image.as_ref().len());
        }
        Candidate::new(name::<T>(index), move || restore(index, image.as_ref(), state))
    });
    let restore_times = candidates_in_turns(restores.collect(), rounds);
    let (title, live) = (T::TITLE.to_owned(), state.live());
    Results { title, live, lens, save: save_times, restore: restore_times }
}

/// The time in milliseconds of one candidate's first run in this process.
pub(crate) fn once<T: Compared>(only: Only) -> f64 {
    let state = T::generate();
    let time = match only {
        Only::Save(index) => {
            let (time, made) = save(index, &state);
            if index > 0 {
                let restored = (T::formats()[index - 1].restore)(made.as_ref());
                assert!(restored == state, "{}: another state was saved", name::<T>(index));
            }
            time
        }
        Only::Restore(index) => restore(index, image(index, &state).as_ref(), &state),
    };
    time.as_secs_f64() * 1e3
}

fn name<T: Compared>(index: usize) -> &'static str {
    match index {
        0 => COPY,
        _ => T::formats().get(index - 1).map_or(CLONE, |format| format.name),
    }
}

fn image<T: Compared>(index: usize, state: &T) -> Image {
    match index.checked_sub(1).map(|index| T::formats().into_iter().nth(index)) {
        None => Image::Bytes(state.copy_out()),
        Some(Some(format)) => (format.save)(state),
        Some(None) => Image::Bytes(Vec::new()),
    }
}

fn save<T: Compared>(index: usize, state: &T) -> (Duration, Image) {
    match index {
        0 => {
            state.prepare_copy();
            timed(|| Image::Bytes(state.copy_out()))
        }
        _ => {
            let save = T::formats()[index - 1].save;
            timed(|| save(state))
        }
    }
}

fn restore<T: Compared>(index: usize, image: &[u8], state: &T) -> Duration {
    match index.checked_sub(1).map(|index| T::formats().into_iter().nth(index)) {
        None => {
            let (time, made) = timed(|| T::copy_in(image));
            let len = made.iter().map(|array| size_of_val(&**array)).sum::<usize>();
            assert!(len == image.len(), "the copy is incomplete");
            time
        }
        Some(Some(format)) => {
            let (time, made) = timed(|| (format.restore)(image));
            assert!(made == *state, "{}: another state was restored", format.name);
            time
        }
        Some(None) => timed(|| state.clone()).0,
    }
}
