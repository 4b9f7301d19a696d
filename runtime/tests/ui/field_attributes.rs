use samestate::Checkpoint;

#[derive(Checkpoint)]
struct Sim {
    #[checkpoint(skip(default))]
    no_reason: u8,
    #[checkpoint(skip)]
    no_policy: u8,
    #[checkpoint(skip(keep))]
    keep: u8,
    #[checkpoint(skip(never), reason = "why")]
    unknown_policy: u8,
    #[checkpoint(skip(default), reason = " ")]
    empty_reason: u8,
    #[checkpoint(skip(default), skip(value = 1), reason = "twice")]
    two_treatments: u8,
    #[checkpoint(skp(default), reason = "misspelled")]
    misspelled: u8,
    #[checkpoint(reason = "it is saved")]
    reason_alone: u8,
    #[checkpoint(external)]
    no_handle: u8,
    #[checkpoint(needs(keep))]
    needs_alone: u8,
    #[checkpoint]
    nothing: u8,
    #[checkpoint(sinc = 2)]
    later: u8,
    #[checkpoint(saved, reason = "none", reason = "needed")]
    two_reasons: u8,
    #[checkpoint(skip(value), reason = "no value")]
    no_value: u8,
    #[checkpoint(rebuild = "function")]
    not_a_path: u8,
    fine: u8,
}

fn main() {
    fn implements<T: Checkpoint>() {}
    implements::<Sim>();
}
