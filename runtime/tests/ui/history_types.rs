use samestate::Checkpoint;

#[derive(Checkpoint)]
#[checkpoint(version = 2)]
struct Sim {
    #[checkpoint(since = 2, default = "text")]
    wrong_value: u8,
    #[checkpoint(from(String, wrong_argument))]
    wrong_function: u64,
    #[checkpoint(from(u32, wrong_argument))]
    wrong_result: u16,
}

fn wrong_argument(old: u32) -> u64 {
    old.into()
}

fn main() {}
