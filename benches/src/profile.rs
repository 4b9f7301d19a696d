//! One thing over and over, for a profiler.

use std::hint::black_box;

use clap::ValueEnum;

use crate::data::{Bodies, Particles, State, World};

/// What to do.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Work {
    SaveParticles,
    RestoreParticles,
    SaveStructs,
    RestoreStructs,
    SaveMixed,
    RestoreMixed,
}

/// Does it.
pub(crate) fn run(work: Work, times: usize) {
    match work {
        Work::SaveParticles => save::<Particles>(times),
        Work::RestoreParticles => restore::<Particles>(times),
        Work::SaveStructs => save::<Bodies>(times),
        Work::RestoreStructs => restore::<Bodies>(times),
        Work::SaveMixed => save::<World>(times),
        Work::RestoreMixed => restore::<World>(times),
    }
}

fn save<T: State + samestate::Checkpoint>(times: usize) {
    let state = T::generate();
    for _ in 0..times {
        black_box(samestate::to_vec(black_box(&state)).unwrap());
    }
}

fn restore<T: State + samestate::Checkpoint>(times: usize) {
    let image = samestate::to_vec(&T::generate()).unwrap();
    for _ in 0..times {
        black_box(samestate::from_slice::<T>(black_box(&image)).unwrap());
    }
}
