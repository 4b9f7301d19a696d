//! Fields that a module saves: for the types of others, without a wrapper.

use std::time::Instant;

use samestate::{Checkpoint, Handles, from_slice, restore_in_place, testing, to_vec};

/// A type of somebody else.
#[derive(Clone, Debug, PartialEq)]
struct Foreign {
    parts: (u8, String),
}

mod foreign {
    use samestate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef};

    use super::Foreign;

    pub(super) fn save<'a>(value: &'a Foreign, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        value.parts.save(saver)
    }

    pub(super) fn restore(restorer: &mut Restorer<'_>) -> Result<Foreign, RestoreError> {
        Ok(Foreign { parts: Checkpoint::restore(restorer)? })
    }

    pub(super) fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let foreign = schema.structure::<Foreign>("Foreign");
        foreign.saved::<(u8, String)>("parts").finish()
    }
}

/// The same for all types: how long ago an instant was.
mod ago {
    use std::time::{Duration, Instant};

    use samestate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef};

    pub(super) fn save(value: &Instant, saver: &mut Saver<'_>) -> Result<(), SaveError> {
        saver.save_copy(&value.elapsed())
    }

    pub(super) fn restore(restorer: &mut Restorer<'_>) -> Result<Instant, RestoreError> {
        let ago = Duration::restore(restorer)?;
        Instant::now().checked_sub(ago).ok_or_else(|| restorer.bad_value("age"))
    }

    pub(super) fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Duration>()
    }
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Sim<T: Clone> {
    step: u64,
    #[checkpoint(with = foreign)]
    foreign: Foreign,
    #[checkpoint(with = self::list)]
    list: Vec<Option<Foreign>>,
    kind: Kind,
    own: T,
    #[checkpoint(rebuild = len, needs(foreign))]
    len: usize,
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
enum Kind {
    None,
    Some(#[checkpoint(with = foreign)] Foreign, #[checkpoint(skip(keep), reason = "kept")] u8),
    Volatile {
        #[checkpoint(with = foreign, volatile)]
        foreign: Foreign,
    },
}

#[expect(clippy::unnecessary_wraps, reason = "called as it is")]
fn len(foreign: &Foreign) -> Result<usize, String> {
    Ok(foreign.parts.1.len())
}

/// The attribute is for the whole type of the field.
mod list {
    use samestate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef};

    use super::Foreign;

    type Parts = Vec<Option<(u8, String)>>;

    #[expect(clippy::ptr_arg, reason = "called with the field as it is")]
    pub(super) fn save(
        list: &Vec<Option<Foreign>>,
        saver: &mut Saver<'_>,
    ) -> Result<(), SaveError> {
        let parts: Parts =
            list.iter().map(|one| one.as_ref().map(|one| one.parts.clone())).collect();
        saver.save_copy(&parts)
    }

    pub(super) fn restore(
        restorer: &mut Restorer<'_>,
    ) -> Result<Vec<Option<Foreign>>, RestoreError> {
        let parts = Parts::restore(restorer)?;
        Ok(parts.into_iter().map(|one| one.map(|parts| Foreign { parts })).collect())
    }

    pub(super) fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<Parts>()
    }
}

fn sim(number: u8, kind: Kind) -> Sim<u16> {
    let foreign = Foreign { parts: (number, "text".into()) };
    let list = vec![None, Some(foreign.clone())];
    Sim { step: 1, foreign, list, kind, own: 7, len: 4 }
}

fn kinds() -> [Kind; 2] {
    let foreign = Foreign { parts: (3, "c".into()) };
    [Kind::None, Kind::Volatile { foreign }]
}

#[test]
fn it_comes_back() {
    for kind in kinds() {
        let sim = sim(1, kind);
        assert_eq!(from_slice::<Sim<u16>>(&to_vec(&sim).unwrap()).unwrap(), sim);
    }
}

#[test]
fn it_comes_back_in_place() {
    let some = |number, kept| Kind::Some(Foreign { parts: (number, String::new()) }, kept);
    let image = to_vec(&sim(1, some(2, 3))).unwrap();
    let mut running = sim(5, some(6, 7));
    restore_in_place(&mut running, &image, Handles::new()).unwrap();
    assert_eq!(running, sim(1, some(2, 7)), "everything but what is kept");
    // A failure changes nothing.
    let mut running = sim(5, Kind::None);
    restore_in_place(&mut running, &image, Handles::new()).unwrap_err();
    assert_eq!(running, sim(5, Kind::None));
}

#[test]
fn an_instant_goes_on() {
    #[derive(Checkpoint)]
    struct Timer {
        #[checkpoint(with = ago)]
        started: Instant,
    }
    let before = Instant::now();
    let restored: Timer = from_slice(&to_vec(&Timer { started: before }).unwrap()).unwrap();
    assert!(restored.started >= before);
}

#[test]
fn every_field_survives() {
    for kind in kinds() {
        let setup = testing::Setup::new().untested("it::with::Sim<u16>.kind::Some");
        setup.assert_every_field_survives(&sim(1, kind));
    }
}

mod old {
    #[derive(samestate::Checkpoint)]
    pub(super) struct Game {
        pub(super) name: String,
        pub(super) number: u8,
    }
}

mod new {
    use super::{Foreign, foreign};

    #[derive(samestate::Checkpoint, Debug, PartialEq)]
    #[checkpoint(version = 2)]
    pub(super) struct Game {
        #[checkpoint(with = foreign, was = "number", try_from(u8, made))]
        pub(super) was: Foreign,
        #[checkpoint(with = foreign, since = 2, default = Foreign { parts: (9, "new".into()) })]
        pub(super) since: Foreign,
        pub(super) name: String,
    }

    fn made(number: u8) -> Result<Foreign, String> {
        match number {
            0 => Err("zero is none".into()),
            _ => Ok(Foreign { parts: (number, "was".into()) }),
        }
    }
}

#[test]
fn older_images_are_read() {
    let image = |number| to_vec(&old::Game { name: "n".into(), number }).unwrap();
    let expected = new::Game {
        was: Foreign { parts: (3, "was".into()) },
        since: Foreign { parts: (9, "new".into()) },
        name: "n".into(),
    };
    assert_eq!(from_slice::<new::Game>(&image(3)).unwrap(), expected);
    let error = from_slice::<new::Game>(&image(0)).unwrap_err().to_string();
    assert!(error.contains("Game.was: zero is none"), "{error}");
}
