use samestate::Checkpoint;

#[derive(Checkpoint)]
#[checkpoint(before_save, after_save = "text", after_save = one, after_save = two)]
#[checkpoint(migrate(Old), migrate(Old, by = path), migrate(Old, with = path, more))]
#[checkpoint(after_restore = judge, before_saving = one)]
struct Words {
    #[checkpoint(skip(keep), reason = "a setting")]
    kept: u8,
}

#[derive(Checkpoint)]
#[checkpoint(manual, before_save = one, restore_failed = two)]
struct ByHand {
    state: u8,
}

fn main() {}
