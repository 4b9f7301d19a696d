//! `Checkpoint` written by hand, with the derive's help and without.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
        let DeltasFields { numbers } = self.saved_fields();
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
        Self::from_restored(DeltasFields { numbers: numbers.collect() }, restorer)
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

/// Saves its queue as a sorted list: an enum, and with parameters.
#[derive(Checkpoint, Debug)]
#[checkpoint(manual)]
enum Job<T: Ord, const LANES: usize>
where
    T: Copy,
{
    Idle,
    Running {
        queue: BinaryHeap<Reverse<T>>,
        #[checkpoint(rebuild = smallest, needs(queue))]
        smallest: Option<T>,
    },
    Failed(#[checkpoint(skip(default), reason = "a test")] Option<T>, String, [u8; LANES]),
}

fn smallest<T: Ord + Copy>(queue: &BinaryHeap<Reverse<T>>) -> Result<Option<T>, String> {
    Ok(queue.peek().map(|least| least.0))
}

impl<T: Checkpoint + Ord + Copy, const LANES: usize> Checkpoint for Job<T, LANES> {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.save_variant(saver);
        match self.saved_fields() {
            JobFields::Idle => Ok(()),
            JobFields::Running { queue } => {
                let mut sorted: Vec<T> = queue.iter().map(|item| item.0).collect();
                sorted.sort_unstable();
                saver.save_copy(&sorted)
            }
            JobFields::Failed(why, lanes) => {
                why.save(saver)?;
                lanes.save(saver)
            }
        }
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let fields = match Self::restore_variant(restorer)? {
            JobVariant::Idle => JobFields::Idle,
            JobVariant::Running => {
                let sorted = Vec::<T>::restore(restorer)?;
                JobFields::Running { queue: sorted.into_iter().map(Reverse).collect() }
            }
            JobVariant::Failed => {
                JobFields::Failed(String::restore(restorer)?, Checkpoint::restore(restorer)?)
            }
        };
        Self::from_restored(fields, restorer)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        Self::schema_of_fields(schema)
    }
}

#[test]
fn an_enum_with_parameters() {
    let running = |items: &[u16]| {
        let queue: BinaryHeap<_> = items.iter().copied().map(Reverse).collect();
        Job::<u16, 2>::Running { smallest: None, queue }
    };
    let jobs = vec![Job::Idle, running(&[5, 1, 3]), Job::Failed(Some(1), "x".into(), [8, 9])];
    let image = to_vec(&jobs).unwrap();
    let restored = from_slice::<Vec<Job<u16, 2>>>(&image).unwrap();
    assert!(matches!(&restored[0], Job::Idle));
    let Job::Running { queue, smallest: Some(1) } = &restored[1] else { panic!("{restored:?}") };
    assert_eq!(queue.clone().into_sorted_vec(), [5, 3, 1].map(Reverse));
    assert!(matches!(&restored[2], Job::Failed(None, why, [8, 9]) if why == "x"));
    // The order in which a heap was filled is in no image.
    let image = |items| to_vec(&running(items)).unwrap();
    assert_eq!(image(&[5, 1, 3]), image(&[1, 3, 5]));
}

/// Nothing of it is saved, and nothing of the fields' type mentions a parameter.
#[derive(Checkpoint)]
#[checkpoint(manual)]
struct Idle<T>(#[checkpoint(skip(default), reason = "a test")] Option<T>);

impl<T: 'static> Checkpoint for Idle<T> {
    fn save<'a>(&'a self, _: &mut Saver<'a>) -> Result<(), SaveError> {
        let IdleFields() = self.saved_fields();
        Ok(())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Self::from_restored(IdleFields(), restorer)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        Self::schema_of_fields(schema)
    }
}

#[test]
fn nothing_is_saved() {
    let image = to_vec(&Idle(Some(std::rc::Rc::new(1)))).unwrap();
    assert!(from_slice::<Idle<std::rc::Rc<i32>>>(&image).unwrap().0.is_none());
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
