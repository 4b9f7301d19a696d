//! The assertions that projects test their checkpoints with: each with a case that must fail and an
//! equal twin that must not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use samestate::testing::{self, Setup};
use samestate::{
    Checkpoint, Handles, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef,
};

/// The message that a test fails with.
pub(crate) fn failure(test: impl FnOnce()) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(test)) else { panic!("it did not fail") };
    payload.downcast_ref::<String>().unwrap().clone()
}

#[derive(Checkpoint, Clone)]
struct World {
    step: u64,
    name: String,
    on: bool,
    sign: char,
    drag: f32,
    empty: Vec<Body>,
    bodies: Vec<Body>,
    cells: [[u16; 3]; 2],
    block: Vec<u32>,
    names: BTreeMap<String, Option<u8>>,
    set: BTreeSet<u8>,
    hash: HashMap<u8, Vec<u32>>,
    tree: Tree,
    pair: (i8, Box<usize>),
    nothing: (),
    #[checkpoint(skip(default), reason = "a cache")]
    cache: u8,
}

#[derive(Checkpoint, Clone)]
struct Body {
    mass: f64,
    mode: Mode,
}

#[derive(Checkpoint, Clone)]
enum Mode {
    Off,
    On { level: i64, since: Option<std::num::NonZeroU8> },
    Delay(u8),
}

#[derive(Checkpoint, Clone)]
enum Tree {
    Fork(Box<Tree>, Box<Tree>),
    Leaf(u8),
}

fn world() -> World {
    World {
        step: 3,
        name: "sim".into(),
        on: true,
        sign: 'x',
        drag: f32::NAN,
        empty: vec![],
        bodies: vec![Body { mass: 1.0, mode: Mode::Off }],
        cells: [[1, 2, 3], [4, 5, 6]],
        block: (0..2000).collect(),
        names: [("a".into(), None), ("b".into(), Some(3))].into(),
        set: [1, 2, 3].into(),
        hash: [(1, vec![7; 3]), (2, vec![8; 1500])].into(),
        tree: Tree::Leaf(1),
        pair: (-1, Box::new(2)),
        nothing: (),
        cache: 0,
    }
}

#[test]
fn everything_derived_survives() {
    testing::assert_roundtrip(&world());
    testing::assert_every_field_survives(&world());
    testing::assert_every_field_survives(&vec![world()]);
    testing::assert_lockstep(world(), 2, 3, |world| world.step += 1);
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Drops,
    Swaps,
    SchemaShort,
    SchemaLong,
    Refuses,
}

/// A type with a faulty implementation written by hand; all of its fields are saved.
struct Rng<const FAULT: u8> {
    state: u64,
    draws: u64,
    seed: u64,
}

const FAULTS: [Fault; 6] = [
    Fault::None,
    Fault::Drops,
    Fault::Swaps,
    Fault::SchemaShort,
    Fault::SchemaLong,
    Fault::Refuses,
];

impl<const FAULT: u8> Checkpoint for Rng<FAULT> {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.state.save(saver)?;
        self.draws.save(saver)?;
        self.seed.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let (state, draws) = (u64::restore(restorer)?, u64::restore(restorer)?);
        let seed = u64::restore(restorer)?;
        Ok(match FAULTS[usize::from(FAULT)] {
            Fault::Drops => Self { state, draws: 0, seed },
            Fault::Swaps => Self { state: draws, draws: state, seed },
            Fault::Refuses if seed != 7 => return Err(RestoreError::custom("not the seed")),
            _ => Self { state, draws, seed },
        })
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let all = schema.structure::<Self>("Rng").saved::<u64>("state").saved::<u64>("draws");
        match FAULTS[usize::from(FAULT)] {
            Fault::SchemaShort => all.finish(),
            Fault::SchemaLong => all.saved::<u64>("seed").saved::<u8>("more").finish(),
            _ => all.saved::<u64>("seed").finish(),
        }
    }
}

#[derive(Checkpoint)]
struct Holder<const FAULT: u8> {
    before: u8,
    rng: Vec<Rng<FAULT>>,
}

/// With numbers that a dropped or a swapped field gives back by chance.
fn holder<const FAULT: u8>() -> Holder<FAULT> {
    Holder { before: 1, rng: vec![Rng { state: 0, draws: 0, seed: 7 }] }
}

#[test]
fn a_dropped_field_is_named() {
    testing::assert_roundtrip(&holder::<1>());
    let message = failure(|| testing::assert_every_field_survives(&holder::<1>()));
    assert_eq!(
        message,
        "fields of `it::testing::Holder<1>` do not survive a restore:\n  \
         it::testing::Holder<1>.rng[0].draws: 1 was put in place of 0, and 0 came back"
    );
    testing::assert_every_field_survives(&holder::<0>());
    Setup::new()
        .untested("it::testing::Holder<1>.rng[].draws")
        .assert_every_field_survives(&holder::<1>());
}

#[test]
fn a_field_that_does_not_come_back_is_named() {
    let mut holder = holder::<1>();
    holder.rng[0].draws = 9;
    let message = failure(|| testing::assert_roundtrip(&holder));
    assert_eq!(
        message,
        "`it::testing::Holder<1>` does not come back as it was saved:\n  \
         it::testing::Holder<1>.rng[0].draws: 9 was saved, 0 came back"
    );
    assert_eq!(failure(|| testing::assert_every_field_survives(&holder)), message);
}

#[test]
fn swapped_fields_are_named() {
    let message = failure(|| testing::assert_every_field_survives(&holder::<2>()));
    assert_eq!(
        message,
        "fields of `it::testing::Holder<2>` do not survive a restore:\n  \
         it::testing::Holder<2>.rng[0].draws: 1 was put in place of 0, and 0 came back; \
         it::testing::Holder<2>.rng[0].state changed from 0 to 1\n  \
         it::testing::Holder<2>.rng[0].state: 1 was put in place of 0, and 0 came back; \
         it::testing::Holder<2>.rng[0].draws changed from 0 to 1"
    );
}

#[test]
fn a_schema_that_is_not_what_is_saved_is_named() {
    for message in [
        failure(|| testing::assert_roundtrip(&holder::<3>())),
        failure(|| testing::assert_every_field_survives(&holder::<3>())),
    ] {
        assert!(message.starts_with(
            "what is saved is not what the schema tells: at it::testing::Holder<3>: more follows the \
             last value\n"
        ), "{message}");
    }
    let message = failure(|| testing::assert_every_field_survives(&holder::<4>()));
    assert!(message.starts_with(
        "what is saved is not what the schema tells: at it::testing::Holder<4>.rng[0].more: the \
         values end too early\n"
    ), "{message}");
}

#[test]
fn what_cannot_be_tested_is_not_passed_over() {
    let message = failure(|| testing::assert_every_field_survives(&holder::<5>()));
    assert!(message.contains("could not be tested"), "{message}");
    assert!(message.contains("it::testing::Holder<5>.rng[].seed: "), "{message}");
    assert!(message.contains("not the seed"), "{message}");
    assert!(!message.contains("draws"), "{message}");
    // Without an element none can be made.
    let empty = || Holder::<5> { before: 1, rng: vec![] };
    let message = failure(|| testing::assert_every_field_survives(&empty()));
    assert!(message.contains("it::testing::Holder<5>.rng[]: "), "{message}");
    testing::assert_every_field_survives(&Holder::<0> { before: 1, rng: vec![] });
    Setup::new()
        .untested("it::testing::Holder<5>.rng[].seed")
        .assert_every_field_survives(&holder::<5>());
}

#[test]
fn a_dropped_field_is_found_where_the_value_holds_none() {
    let empty = || Holder::<1> { before: 1, rng: vec![] };
    let message = failure(|| testing::assert_every_field_survives(&empty()));
    assert!(message.contains("it::testing::Holder<1>.rng"), "{message}");
}

#[derive(Checkpoint, Clone)]
struct Sim {
    step: u64,
    noise: Vec<u64>,
    #[checkpoint(skip(default), reason = "believed to be a cache")]
    forgotten: u64,
}

impl Sim {
    fn advance(&mut self) {
        self.step += 1;
        self.forgotten = self.forgotten * 5 + 1;
        if self.step % 3 == 0 {
            self.noise.push(self.forgotten);
        }
    }
}

#[test]
fn a_forgotten_field_breaks_the_step() {
    let sim = Sim { step: 0, noise: vec![], forgotten: 0 };
    // The first round starts with the default, so that nothing is lost.
    let message = failure(|| testing::assert_lockstep(sim.clone(), 3, 4, Sim::advance));
    assert_eq!(
        message,
        "it::testing::Sim.noise[1] is 3906 in the original and 6 in the restored state after step 2 of \
         round 2\nsomething that the step reads is neither saved nor rebuilt as it was"
    );
    testing::assert_lockstep(sim, 3, 4, |sim| {
        sim.advance();
        sim.forgotten = 0;
    });
}

#[test]
fn a_step_that_is_never_the_same_is_told_apart() {
    let mut calls = 0;
    let sim = Sim { step: 0, noise: vec![], forgotten: 0 };
    let message = failure(|| {
        testing::assert_lockstep(sim, 3, 4, |sim| {
            calls += 1;
            sim.step += calls;
        });
    });
    assert!(message.contains("Sim.step is 1 in the original and 2 in the restored"), "{message}");
    assert!(message.contains("the step depends on something outside the state"), "{message}");
}

#[derive(Checkpoint)]
struct Game {
    score: u64,
    #[checkpoint(external = "log")]
    log: String,
    #[checkpoint(skip(keep), reason = "a setting")]
    volume: u8,
}

#[test]
fn handles_and_running_values_are_given() {
    let game = || Game { score: 3, log: "log".into(), volume: 7 };
    let setup = || Setup::new().in_place(game);
    setup().assert_roundtrip(&game());
    setup().assert_every_field_survives(&game());
    setup().assert_lockstep(game(), 2, 2, |game| game.score += u64::from(game.volume));
    let lost = Setup::new().handles(|| Handles::new().with("log", String::new()));
    let message = failure(|| lost.assert_roundtrip(&game()));
    assert!(message.contains("the field `Game.volume` is kept from a running value"), "{message}");
    let louder = || Game { score: 0, log: "log".into(), volume: 8 };
    let setup = Setup::new().in_place(louder);
    let message = failure(|| {
        setup.assert_lockstep(game(), 2, 2, |game| game.score += u64::from(game.volume))
    });
    assert!(message.contains("Game.score is 10 in the original and 11"), "{message}");
}
