use samestate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef};

#[derive(Checkpoint)]
#[checkpoint(manual)]
struct Rng {
    state: u64,
    draws: u64,
}

impl Checkpoint for Rng {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        let RngSaved { draws } = self.saved_fields();
        draws.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Self::from_restored(RngRestored { draws: u64::restore(restorer)? }, restorer)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        Self::schema_of_fields(schema)
    }
}

fn main() {}
