//! Volatile fields: saved and restored, and no part of what makes states equal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use samestate::testing::{self, Setup};
use samestate::{
    Checkpoint, Handles, PointerProblem, RestoreError, Restorer, SaveError, Saver, SchemaBuilder,
    TypeRef, from_slice, restore_in_place, to_vec,
};
use samestate_image::value::diff;
use samestate_image::{Image, difference};
use samestate_schema::path::FieldPath;
use samestate_schema::treatment::Treatment;

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Server {
    step: u64,
    #[checkpoint(volatile)]
    uptime_ns: u64,
    clients: HashMap<u16, Client>,
    #[checkpoint(volatile)]
    timings: Vec<u32>,
    mode: Mode,
    tail: Vec<u8>,
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Client {
    name: String,
    #[checkpoint(volatile)]
    latency: Option<Box<Nested>>,
}

/// A volatile field below a volatile field.
#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Nested {
    by_name: BTreeMap<String, Vec<f64>>,
    #[checkpoint(volatile)]
    text: String,
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
enum Mode {
    Off,
    On {
        level: u8,
        #[checkpoint(volatile)]
        since: u64,
    },
}

fn server() -> Server {
    let nested = Nested {
        by_name: [("b".to_owned(), vec![0.5; 1000]), ("a".to_owned(), vec![])].into(),
        text: "t".into(),
    };
    let clients = (0..300).map(|number| {
        let latency = (number % 3 > 0).then(|| Box::new(nested.clone()));
        (number, Client { name: number.to_string(), latency })
    });
    Server {
        step: 1,
        uptime_ns: 2,
        clients: clients.collect(),
        timings: (0..5000).collect(),
        mode: Mode::On { level: 3, since: 4 },
        tail: vec![9; 10_000],
    }
}

fn changed() -> Server {
    let mut other = server();
    (other.uptime_ns, other.timings) = (20, vec![1]);
    other.clients.get_mut(&7).unwrap().latency = None;
    other.clients.get_mut(&8).unwrap().latency.as_mut().unwrap().text = "longer".into();
    other.mode = Mode::On { level: 3, since: 40 };
    other
}

#[test]
fn it_comes_back_and_the_id_does_not_tell_of_it() {
    let (one, other) = (server(), changed());
    assert_ne!(one, other);
    let (one_bytes, other_bytes) = (to_vec(&one).unwrap(), to_vec(&other).unwrap());
    assert_eq!(from_slice::<Server>(&one_bytes).unwrap(), one);
    assert_eq!(from_slice::<Server>(&other_bytes).unwrap(), other);
    let images = (Image::from_bytes(&one_bytes).unwrap(), Image::from_bytes(&other_bytes).unwrap());
    assert_eq!(images.0.id(), images.1.id());
    assert_eq!(images.0.values(), images.1.values());
    assert_ne!(images.0.volatile(), images.1.volatile());
    let path = FieldPath::root("Server");
    let values = (images.0.value().unwrap(), images.1.value().unwrap());
    assert_eq!(diff(&values.0, &values.1, &path, 10).1, 0, "nothing to compare differs");

    // The equal twin: what is not volatile is told apart.
    let third = Server { step: 2, ..server() };
    let third = to_vec(&third).unwrap();
    let third = Image::from_bytes(&third).unwrap();
    assert_ne!(images.0.id(), third.id());
    assert_eq!(diff(&values.0, &third.value().unwrap(), &path, 10).1, 1);
}

#[test]
fn it_is_restored_in_place() {
    let mut running = changed();
    restore_in_place(&mut running, &to_vec(&server()).unwrap(), Handles::new()).unwrap();
    assert_eq!(running, server());
}

#[test]
fn its_bytes_are_checked() {
    let small = Server { clients: HashMap::new(), timings: vec![1, 2, 3], ..server() };
    let small = Server { tail: vec![1], ..small };
    let image = to_vec(&small).unwrap();
    assert!(Image::from_bytes(&image).unwrap().volatile().len() > 10);
    for bit in 0..image.len() * 8 {
        let mut flipped = image.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // The header tells time and step, which are no part of the state.
        if flipped[128..] != image[128..] {
            assert!(from_slice::<Server>(&flipped).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn states_without_volatile_bytes_have_no_chunk_for_them() {
    let image = to_vec(&Mode::Off).unwrap();
    let image = Image::from_bytes(&image).unwrap();
    assert_eq!((image.chunks().len(), image.volatile().len()), (2, 0));
    let image = to_vec(&Mode::On { level: 1, since: 2 }).unwrap();
    let image = Image::from_bytes(&image).unwrap();
    assert_eq!((image.chunks().len(), image.volatile().len()), (3, 8));
}

#[test]
fn a_bad_value_is_told_by_its_path() {
    #[derive(Checkpoint, Debug)]
    struct Plain {
        first: u8,
        second: Inner,
        third: u8,
    }
    #[derive(Checkpoint, Debug)]
    struct Inner {
        #[checkpoint(volatile)]
        kept: String,
        #[checkpoint(volatile)]
        odd: Odd,
    }
    #[derive(Debug)]
    struct Odd(u8);
    impl Checkpoint for Odd {
        fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
            self.0.save(saver)
        }
        fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
            match u8::restore(restorer)? {
                7 => Err(restorer.bad_value("odd number")),
                number => Ok(Self(number)),
            }
        }
        fn schema(schema: &mut SchemaBuilder) -> TypeRef {
            schema.of::<u8>()
        }
    }
    let plain =
        |odd| Plain { first: 1, second: Inner { kept: "abc".into(), odd: Odd(odd) }, third: 3 };
    assert!(from_slice::<Plain>(&to_vec(&plain(6)).unwrap()).is_ok());
    let error = from_slice::<Plain>(&to_vec(&plain(7)).unwrap()).unwrap_err();
    assert!(error.path().unwrap().ends_with("Plain.second.odd"), "{error}");
}

/// Objects are numbered as they are met, and keys are told apart by what is compared.
#[test]
fn shared_objects_and_keys_refuse_it() {
    #[derive(Checkpoint)]
    struct Shares {
        #[checkpoint(volatile)]
        list: Vec<Option<Rc<u8>>>,
    }
    let error = to_vec(&Shares { list: Vec::new() }).unwrap_err().to_string();
    assert!(error.contains("volatile field `Shares.list` holds `Rc`"), "{error}");

    #[derive(Checkpoint, PartialEq, Eq, PartialOrd, Ord)]
    struct Key {
        name: String,
        #[checkpoint(volatile)]
        hits: u64,
    }
    let error = to_vec(&BTreeSet::<Key>::new()).unwrap_err().to_string();
    assert!(error.contains("holds the volatile field `Key.hits`"), "{error}");
    assert!(to_vec(&vec![Key { name: "a".into(), hits: 1 }]).is_ok(), "the equal twin is no key");

    // A hand-written `schema` that does not tell of the pointer.
    struct Lies(Rc<u8>);
    impl Checkpoint for Lies {
        fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
            saver.volatile(|saver| self.0.save(saver))
        }
        fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
            restorer.volatile(Checkpoint::restore).map(Self)
        }
        fn schema(schema: &mut SchemaBuilder) -> TypeRef {
            schema.structure::<Self>("Lies").volatile::<u8>("0").finish()
        }
    }
    let error = to_vec(&Lies(Rc::new(1))).unwrap_err();
    assert!(
        matches!(error, SaveError::Pointer { problem: PointerProblem::InVolatile, .. }),
        "{error}"
    );
}

mod versions {
    pub(super) mod saved {
        #[derive(samestate::Checkpoint)]
        pub(in super::super) struct Sim {
            pub(in super::super) step: u64,
            pub(in super::super) wall: Vec<u64>,
        }
    }
    pub(super) mod volatile {
        #[derive(samestate::Checkpoint, Debug, PartialEq)]
        #[checkpoint(version = 2)]
        pub(in super::super) struct Sim {
            pub(in super::super) step: u64,
            #[checkpoint(volatile)]
            pub(in super::super) wall: Vec<u64>,
            #[checkpoint(volatile, since = 2, default = vec![7; 2000])]
            pub(in super::super) new: Vec<u64>,
        }
    }
}

#[test]
fn a_saved_field_becomes_volatile_and_comes_back() {
    let wall = vec![5; 1000];
    let old = to_vec(&versions::saved::Sim { step: 1, wall: wall.clone() }).unwrap();
    let new: versions::volatile::Sim = from_slice(&old).unwrap();
    assert_eq!(new, versions::volatile::Sim { step: 1, wall: wall.clone(), new: vec![7; 2000] });
    let image = to_vec(&new).unwrap();
    let (old, image) = (Image::from_bytes(&old).unwrap(), Image::from_bytes(&image).unwrap());
    let differences = difference::compare(old.schema(), image.schema());
    let change =
        difference::Change::Treatment { image: Treatment::Saved, program: Treatment::Volatile };
    assert!(differences.iter().any(|difference| difference.change == change), "{differences:?}");
}

#[test]
fn the_assertions_know_it() {
    let small = || Server {
        clients: server().clients.into_iter().filter(|(number, _)| *number < 2).collect(),
        timings: vec![1],
        tail: vec![1],
        ..server()
    };
    testing::assert_roundtrip(&small());
    testing::assert_every_field_survives(&small());
    // What a step does to a volatile field may differ from run to run.
    let mut calls = 0;
    testing::assert_lockstep(small(), 2, 3, |server| {
        calls += 1;
        (server.step, server.uptime_ns) = (server.step + 1, calls);
    });
}

/// It drops what it reads into its volatile field.
struct Forgetful {
    step: u64,
    hits: u64,
}

impl Checkpoint for Forgetful {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.step.save(saver)?;
        saver.volatile(|saver| self.hits.save(saver))
    }
    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        let step = u64::restore(restorer)?;
        let _lost = restorer.volatile(u64::restore)?;
        Ok(Self { step, hits: 0 })
    }
    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        let builder = schema.structure::<Self>("Forgetful");
        builder.saved::<u64>("step").volatile::<u64>("hits").finish()
    }
}

#[test]
fn a_lost_volatile_field_is_named() {
    let value = Forgetful { step: 1, hits: 2 };
    testing::assert_roundtrip(&value);
    let message = super::testing::failure(|| testing::assert_every_field_survives(&value));
    assert!(
        message.contains("Forgetful.hits: whatever is put there, the same comes back"),
        "{message}"
    );
    let field = "it::volatile::Forgetful.hits";
    Setup::new().untested(field).assert_every_field_survives(&value);
}
