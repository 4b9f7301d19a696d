use samestate::Checkpoint;

#[derive(Checkpoint)]
union Bits {
    number: u32,
    float: f32,
}

#[derive(Checkpoint)]
struct Borrowed<'a> {
    text: &'a str,
    #[checkpoint(skip(default))]
    cache: u8,
}

fn main() {}
