use samestate::Checkpoint;

struct Foreign;

mod whole {
    use samestate::{RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef};

    pub fn save<'a>(_: &'a super::Foreign, _: &mut Saver<'a>) -> Result<(), SaveError> {
        Ok(())
    }
    pub fn restore(_: &mut Restorer<'_>) -> Result<super::Foreign, RestoreError> {
        Ok(super::Foreign)
    }
    pub fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<()>()
    }
}

#[derive(Checkpoint)]
struct Fits {
    #[checkpoint(with = whole)]
    foreign: Foreign,
}

#[derive(Checkpoint)]
struct Words {
    #[checkpoint(with)]
    nothing: u8,
    #[checkpoint(with = "module")]
    text: u8,
    #[checkpoint(with = whole, with = whole)]
    both: u8,
    #[checkpoint(skip(default), with = whole, reason = "why")]
    skipped: u8,
    #[checkpoint(volatile, external = "log")]
    external: u8,
    #[checkpoint(volatile, volatile)]
    twice: u8,
    #[checkpoint(try_from(u8))]
    one: u16,
}

fn main() {}
