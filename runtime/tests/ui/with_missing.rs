use samestate::Checkpoint;

struct Foreign;

/// One function is missing.
mod partly {
    use samestate::{RestoreError, Restorer, SaveError, Saver};

    pub fn save(_: &super::Foreign, _: &mut Saver<'_>) -> Result<(), SaveError> {
        Ok(())
    }
    pub fn restore(_: &mut Restorer<'_>) -> Result<super::Foreign, RestoreError> {
        Ok(super::Foreign)
    }
}

#[derive(Checkpoint)]
struct Missing {
    #[checkpoint(with = partly)]
    foreign: Foreign,
}

fn main() {}
