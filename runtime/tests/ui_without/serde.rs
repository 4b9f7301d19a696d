use samestate::Checkpoint;

#[derive(Checkpoint)]
struct Sim {
    #[checkpoint(serde)]
    first: u8,
    #[checkpoint(serde(ordered), volatile)]
    second: u8,
}

fn main() {}
