use samestate::Checkpoint;

#[derive(Checkpoint)]
struct Sim<T> {
    next: *const T,
    free: Vec<*mut u8>,
    on_step: fn(u64) -> u64,
    #[checkpoint(skip)]
    all_at_once: u8,
}

/// Whatever the treatment says, it is no mistake.
#[derive(Checkpoint)]
struct Fine {
    #[checkpoint(skip(value = std::ptr::null()), reason = "a test")]
    next: *const u8,
    #[checkpoint(external = "on_step")]
    on_step: fn(u64) -> u64,
}

fn main() {}
