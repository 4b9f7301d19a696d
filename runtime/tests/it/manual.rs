//! `Checkpoint` written by hand, with the derive's help and without.

use samestate::{
    Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef, from_slice,
    to_vec,
};

const SEED: u64 = 42;

#[derive(Debug, PartialEq)]
struct Rng {
    state: u64,
    draws: u64,
}

impl Checkpoint for Rng {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.draws.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(Self { state: SEED, draws: u64::restore(restorer)? })
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.structure::<Self>("Rng").saved::<u64>("draws").finish()
    }
}

#[test]
fn without_the_derive() {
    let image = to_vec(&vec![Rng { state: 7, draws: 9 }]).unwrap();
    assert_eq!(from_slice::<Vec<Rng>>(&image).unwrap(), [Rng { state: SEED, draws: 9 }]);
}

/// Saves its numbers as differences.
#[derive(Checkpoint, Debug, PartialEq)]
#[checkpoint(manual)]
struct Deltas {
    numbers: Vec<u32>,
    #[checkpoint(rebuild = sum, needs(numbers))]
    sum: u64,
    #[checkpoint(skip(value = 3), reason = "a test")]
    other: u8,
}

#[expect(clippy::ptr_arg, reason = "it is called with the field as it is")]
fn sum(numbers: &Vec<u32>) -> Result<u64, String> {
    Ok(numbers.iter().map(|&n| u64::from(n)).sum())
}

impl Checkpoint for Deltas {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        let DeltasSaved { numbers } = self.saved_fields();
        let mut last = 0;
        let deltas = numbers.iter().map(|&n| n.wrapping_sub(std::mem::replace(&mut last, n)));
        saver.save_copy(&deltas.collect::<Vec<u32>>())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let mut last = 0_u32;
        let deltas = Vec::<u32>::restore(restorer)?.into_iter();
        let numbers = deltas.map(|delta| {
            last = last.wrapping_add(delta);
            last
        });
        Self::from_restored(DeltasRestored { numbers: numbers.collect() }, restorer)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        Self::schema_of_fields(schema)
    }
}

#[test]
fn with_the_derive() {
    for len in [3, 5000] {
        let numbers: Vec<u32> = (0..len).map(|n| n * n).collect();
        let deltas = Deltas { sum: sum(&numbers).unwrap(), numbers, other: 3 };
        let image = to_vec(&Deltas { other: 9, ..deltas_of(&deltas) }).unwrap();
        assert_eq!(from_slice::<Deltas>(&image).unwrap(), deltas);
    }
}

fn deltas_of(deltas: &Deltas) -> Deltas {
    Deltas { numbers: deltas.numbers.clone(), sum: deltas.sum, other: deltas.other }
}

struct Broken(u8);

impl Checkpoint for Broken {
    fn save<'a>(&'a self, _: &mut Saver<'a>) -> Result<(), SaveError> {
        Err(SaveError::custom("the pump is on"))
    }

    fn restore(_: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Err(RestoreError::custom("the pump is on"))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<u8>()
    }
}

#[test]
fn its_own_errors_arrive() {
    assert_eq!(to_vec(&Broken(1)).unwrap_err().to_string(), "the pump is on");
    let number = Broken(7).0;
    let image = to_vec(&number).unwrap();
    let Err(error) = from_slice::<Broken>(&image) else { panic!("it was restored") };
    assert_eq!(error.to_string(), "at it::manual::Broken: the pump is on");
}

/// Describes itself by a container of itself, without a name.
struct Endless(Vec<Endless>);

impl Checkpoint for Endless {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.0.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Vec::restore(restorer).map(Self)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Vec<Self>>()
    }
}

#[test]
fn an_endless_description_is_refused() {
    let error = to_vec(&Endless(vec![])).unwrap_err().to_string();
    assert!(error.contains("`it::manual::Endless` describes itself by itself"), "{error}");
}
