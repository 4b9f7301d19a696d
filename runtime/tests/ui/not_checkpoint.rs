use samestate::Checkpoint;
use std::fs::File;
use std::time::Instant;

struct Mine;

#[derive(Checkpoint)]
struct Sim {
    started: Instant,
    log: Vec<File>,
    mine: Mine,
}

fn main() {}
