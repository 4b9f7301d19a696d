//! Fields that serde saves.

use std::collections::{BTreeMap, HashMap};

use samestate::testing::{self, Setup};
use samestate::{Checkpoint, Handles, from_slice, restore_in_place, to_vec};
use samestate_image::Image;
use samestate_image::value::diff;
use samestate_schema::path::FieldPath;
use serde::{Deserialize, Serialize};

use crate::hostile::refused;

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Config {
    name: String,
    flags: (bool, char, u8),
    numbers: (i8, i64, u64, i128, u128, f32, f64),
    limits: HashMap<String, Limit>,
    by_pair: BTreeMap<(u8, i8), Vec<u16>>,
    /// What formats often confuse.
    options: [Option<Option<()>>; 3],
    kinds: Vec<Kind>,
    wrapped: Wrapped,
    unit: (),
    #[serde(flatten)]
    flat: Flat,
    #[serde(skip)]
    skipped: u8,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Wrapped(Box<str>);

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Flat {
    flat: i32,
    tagged: Option<Tagged>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type")]
enum Tagged {
    One { level: u8 },
    Two,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Kind {
    Unit,
    New(u8),
    Pair(u8, String),
    Named { x: f32, next: Option<Box<Kind>> },
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Limit {
    Number(u32),
    Named { max: u8 },
}

#[derive(Checkpoint, Clone, Debug, PartialEq)]
struct Sim {
    step: u64,
    #[checkpoint(serde)]
    config: Config,
    #[checkpoint(serde, volatile)]
    stats: HashMap<u8, f64>,
}

fn config() -> Config {
    let next = Some(Box::new(Kind::Pair(3, "p".into())));
    Config {
        name: "näme".into(),
        flags: (true, 'ß', 255),
        numbers: (-1, i64::MIN, u64::MAX, i128::MIN, u128::MAX, 0.1, 0.1),
        limits: (0..50).map(|n| (n.to_string(), Limit::Number(n))).collect(),
        by_pair: [((1, -1), vec![1, 2]), ((0, 0), vec![])].into(),
        options: [None, Some(None), Some(Some(()))],
        kinds: vec![Kind::Unit, Kind::New(1), Kind::Named { x: 0.5, next }],
        wrapped: Wrapped("w".into()),
        unit: (),
        flat: Flat { flat: -7, tagged: Some(Tagged::One { level: 9 }) },
        skipped: 0,
    }
}

fn sim() -> Sim {
    Sim { step: 1, config: config(), stats: [(1, 0.5)].into() }
}

#[test]
fn it_comes_back_with_equal_bytes() {
    let image = to_vec(&sim()).unwrap();
    let restored: Sim = from_slice(&image).unwrap();
    assert_eq!(restored, sim());
    // Every `HashMap` has another order.
    assert_eq!(to_vec(&restored).unwrap(), image);
    let mut running = Sim { step: 2, config: Config::default(), stats: HashMap::new() };
    restore_in_place(&mut running, &image, Handles::new()).unwrap();
    assert_eq!(running, sim());
}

#[test]
fn it_is_shown_and_compared_without_the_program() {
    let mut other = sim();
    other.config.limits.insert("7".into(), Limit::Named { max: 3 });
    other.config.flat.flat = 8;
    other.stats.clear();
    let images = [to_vec(&sim()).unwrap(), to_vec(&other).unwrap()];
    let images = images.each_ref().map(|image| Image::from_bytes(image).unwrap());
    let values = images.each_ref().map(|image| image.value().unwrap());
    let (found, count) = diff(&values[0], &values[1], &FieldPath::root("Sim"), 10);
    let paths: Vec<String> = found.iter().map(|found| found.path.to_string()).collect();
    assert_eq!(count, 2, "{paths:?}");
    assert!(paths.iter().any(|path| path.contains("[\"flat\"]")), "{paths:?}");
    assert!(paths.iter().any(|path| path.contains("\"limits\"") && path.contains("\"7\"")));
}

#[test]
fn every_field_survives() {
    let mut small = sim();
    small.config.limits.retain(|name, _| name == "3");
    Setup::new().assert_every_field_survives(&small);
    testing::assert_lockstep(small, 2, 2, |sim| {
        sim.step += 1;
        sim.config.limits.insert(sim.step.to_string(), Limit::Named { max: 1 });
    });
}

/// What was saved is not thrown away, though serde would.
#[test]
fn a_field_that_is_gone_is_named() {
    #[derive(Checkpoint)]
    struct Sim<T: Serialize + serde::de::DeserializeOwned + 'static>(#[checkpoint(serde)] T);
    #[derive(Clone, Deserialize, Serialize)]
    struct Before {
        speed: u8,
        limit: Option<u32>,
    }
    #[derive(Debug, Deserialize, Serialize)]
    struct Gone {
        speed: u8,
    }
    #[derive(Debug, Deserialize, Serialize)]
    struct Renamed {
        speed: u8,
        limits: Option<u32>,
    }
    #[derive(Debug, Deserialize, Serialize)]
    struct Told {
        speed: u8,
        #[serde(alias = "limit")]
        limits: Option<u32>,
    }
    /// What serde makes of what is missing stays its business.
    #[derive(Debug, Deserialize, Serialize)]
    struct More {
        speed: u8,
        limit: Option<u32>,
        late: Option<u8>,
        #[serde(default)]
        later: u8,
    }
    let image = to_vec(&Sim(Before { speed: 7, limit: Some(3) })).unwrap();
    let gone = from_slice::<Sim<Gone>>(&image).map(|sim| sim.0).unwrap_err().to_string();
    assert!(gone.contains("it does not take the field `limit`"), "{gone}");
    let renamed = from_slice::<Sim<Renamed>>(&image).map(|sim| sim.0).unwrap_err().to_string();
    assert!(renamed.contains("it does not take the field `limit`"), "{renamed}");
    let told = from_slice::<Sim<Told>>(&image).unwrap().0;
    assert_eq!((told.speed, told.limits), (7, Some(3)));
    let more = from_slice::<Sim<More>>(&image).unwrap().0;
    assert_eq!((more.speed, more.limit, more.late, more.later), (7, Some(3), None, 0));
}

/// It forgets a field when it is restored.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Forgetful {
    kept: u8,
    #[serde(skip_deserializing)]
    lost: u16,
}

#[test]
fn a_field_that_serde_loses_is_named() {
    #[derive(Checkpoint)]
    struct Sim {
        #[checkpoint(serde)]
        config: Forgetful,
    }
    let value = Sim { config: Forgetful { kept: 1, lost: 0 } };
    let message = super::testing::failure(|| testing::assert_every_field_survives(&value));
    assert!(message.contains("`lost`") && !message.contains("kept"), "{message}");
}

/// A map whose order is part of it.
#[derive(Clone, Debug, PartialEq)]
struct Ordered(Vec<(String, u8)>);

impl Serialize for Ordered {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> serde::de::Visitor<'de> for Entries {
            type Value = Ordered;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Ordered, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[derive(Checkpoint, Debug, PartialEq)]
struct Sorted(#[checkpoint(serde)] Ordered);

#[derive(Checkpoint, Debug, PartialEq)]
struct AsItComes(#[checkpoint(serde(ordered))] Ordered);

#[test]
fn an_order_is_kept_where_it_is_asked_for() {
    let entries = |names: [&str; 2]| Ordered(names.map(|name| (name.to_owned(), 1)).into());
    let (one, other) = (entries(["z", "a"]), entries(["a", "z"]));
    let restored: AsItComes = from_slice(&to_vec(&AsItComes(one.clone())).unwrap()).unwrap();
    assert_eq!(restored.0, one);
    let restored: Sorted = from_slice(&to_vec(&Sorted(one.clone())).unwrap()).unwrap();
    assert_eq!(restored.0, other);
    let error = to_vec(&Sorted(entries(["a", "a"]))).unwrap_err().to_string();
    assert!(error.contains("a key twice"), "{error}");
    assert!(to_vec(&AsItComes(entries(["a", "a"]))).is_ok());
}

#[derive(Checkpoint)]
struct Deep(#[checkpoint(serde)] Level);

#[derive(Deserialize, Serialize)]
struct Level(Option<Box<Level>>);

#[test]
fn depth_and_size_are_bounded() {
    let deep = |levels| {
        let level = (0..levels).fold(Level(None), |inner, _| Level(Some(Box::new(inner))));
        to_vec(&Deep(level))
    };
    assert!(from_slice::<Deep>(&deep(50).unwrap()).is_ok());
    assert!(from_slice::<Deep>(&deep(250).unwrap()).is_ok());
    assert!(deep(5000).unwrap_err().to_string().contains("nests too deeply"));

    let none = Deep(Level(None));
    let nested = [2].repeat(10_000);
    assert!(refused(&none, &nested, &[]).contains("too deeply"));
    let long = [&[13, 255][..], &u64::MAX.to_le_bytes()].concat();
    assert!(refused(&none, &long, &[]).contains("bytes for"));
    assert!(refused(&none, &[18], &[]).contains("variant"));
    assert!(refused(&none, &[5, 1, 0, 0, 0, 0, 0, 0, 0], &[]).contains("serde cannot restore it"));
}
