use samestate::Checkpoint;

struct Foreign;

#[derive(Checkpoint)]
struct Words {
    #[checkpoint(with = module, serde)]
    both: u8,
    #[checkpoint(serde(sorted))]
    sorted: u8,
    #[checkpoint(serde, skip(default), reason = "why")]
    skipped: u8,
}

#[derive(Checkpoint)]
struct Types {
    #[checkpoint(serde)]
    foreign: Foreign,
}

fn main() {}
