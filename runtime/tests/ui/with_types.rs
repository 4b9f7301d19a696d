use samestate::Checkpoint;

struct Foreign;

/// Functions for other types.
mod partly {
    use samestate::{Restorer, SaveError, Saver};

    pub fn save(_: &u8, _: &mut Saver<'_>) -> Result<(), SaveError> {
        Ok(())
    }
    pub fn restore(_: &mut Restorer<'_>) -> super::Foreign {
        super::Foreign
    }
    pub fn schema() {}
}

#[derive(Checkpoint)]
struct Wrong {
    #[checkpoint(with = partly)]
    foreign: Foreign,
}

fn main() {}
