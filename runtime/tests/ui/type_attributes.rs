use samestate::Checkpoint;

#[derive(Checkpoint)]
#[checkpoint(root, root, version = 0, name = "", evolve)]
struct Many {
    field: u8,
}

#[derive(Checkpoint)]
#[checkpoint(version = "two", crate)]
struct Two;

#[derive(Checkpoint)]
enum Variants {
    #[checkpoint(skip(default), reason = "why")]
    One,
}

fn main() {}
