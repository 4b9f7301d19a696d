use samestate::Checkpoint;

#[derive(Checkpoint)]
struct Cycle {
    #[checkpoint(rebuild = from, needs(b))]
    a: u8,
    #[checkpoint(rebuild = from, needs(c))]
    b: u8,
    #[checkpoint(rebuild = from, needs(a))]
    c: u8,
    #[checkpoint(rebuild = from, needs(saved))]
    missing: u8,
}

#[derive(Checkpoint)]
enum Alone {
    Variant(#[checkpoint(rebuild = from, needs(0))] u8),
}

fn from(other: &u8) -> Result<u8, String> {
    Ok(*other)
}

fn main() {}
