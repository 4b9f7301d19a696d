use samestate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef};

#[derive(Checkpoint)]
#[checkpoint(manual)]
struct Rng {
    state: u64,
    draws: u64,
}

impl Checkpoint for Rng {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        let RngFields { draws } = self.saved_fields();
        draws.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Self::from_restored(RngFields { draws: u64::restore(restorer)? }, restorer)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        Self::schema_of_fields(schema)
    }
}

#[derive(Checkpoint)]
#[checkpoint(manual)]
enum Job<T> {
    Idle,
    Running { item: T, step: u64 },
    Failed(u8, String),
}

impl<T: Checkpoint> Checkpoint for Job<T> {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.save_variant(saver);
        match self.saved_fields() {
            JobFields::Running { item } => item.save(saver),
            JobFields::Failed(why) => why.save(saver),
        }
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let fields = match Self::restore_variant(restorer)? {
            JobVariant::Idle => JobFields::Idle,
            JobVariant::Running => JobFields::Running { item: T::restore(restorer)? },
        };
        Self::from_restored(fields, restorer)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        Self::schema_of_fields(schema)
    }
}

/// All are named, but where older code took two of them.
#[derive(Checkpoint)]
#[checkpoint(manual)]
enum Kind {
    First,
    Second,
    Third,
}

impl Checkpoint for Kind {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.save_variant(saver);
        Ok(())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        match Self::restore_variant(restorer)? {
            KindVariant::First => Ok(Self::First),
            KindVariant::Second => Ok(Self::Second),
        }
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        Self::schema_of_fields(schema)
    }
}

fn main() {}
