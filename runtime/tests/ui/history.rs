use samestate::Checkpoint;

#[derive(Checkpoint)]
#[checkpoint(version = 2, removed("there"), removed(gone))]
struct Sim {
    #[checkpoint(since = 2)]
    no_default: u8,
    #[checkpoint(default = 1)]
    no_version: u8,
    #[checkpoint(since = 3, default = 1)]
    later_than_the_type: u8,
    #[checkpoint(since = 1, default = 1)]
    always_there: u8,
    #[checkpoint(was = "cache", skip(default), reason = "a cache")]
    not_saved: u8,
    #[checkpoint(from(u8))]
    no_function: u16,
    there: u8,
}

#[derive(Checkpoint)]
enum Kind {
    #[checkpoint(id = 1)]
    One,
    #[checkpoint(id = 1, since = 2)]
    Two,
    #[checkpoint(skip(default))]
    Three,
}

fn main() {}
