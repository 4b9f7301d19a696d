//! From a binary to its type graph, coverage and drift findings.
//!
//! ```text
//! file --load--> sections --dwarf--> graph, vtables, statics, places
//! graph + evidence --walk--> what hangs from the roots, each field with a verdict
//! walk --coverage--> findings          walk --model--> lock text, or drift with another model
//! ```
//!
//! | module | what it does | what it alone knows |
//! |---|---|---|
//! | `load` | reads sections, follows debug links | `object` |
//! | `dwarf` | reads units in parallel, interns their types | `gimli` |
//! | `graph` | holds the types, by name and layout | |
//! | `containers` | one row per container | names of std and third-party types |
//! | `value` | what a value is by its layout alone | |
//! | `view` | shows a type as a walk along field paths sees it | the layout of pointers |
//! | `evidence` | judges fields; one module per source of evidence | records, impls |
//! | `source` | reads the program's own sources | `syn` |
//! | `settings` | reads samestate.toml | `toml` |
//! | `statics` | finds state outside of all roots | crates whose statics are no state |
//! | `walk` | goes from the roots to everything below them | |
//! | `model`, `lock` | what two versions are compared by; its text, written and read | the format of the lock |
//! | `versions` | reads versions that stand in constants | |
//! | `memory` | tells how types lie in memory | |
//! | `history` | what a program tells of its earlier versions | the notes of records |
//! | `compare` | compares two models | which images still load |
//! | `unreached`, `summary`, `dot` | tell what no root reaches, how much is treated how, and what is near | |
//! | `coverage`, `drift` | state findings | the rules |
//! | `timings` | tells where the time went | |
//!
//! What could not be seen is a finding of severity `Blind`, never silence. An [`Error`] means that
//! there was nothing to look at. Nothing here prints.

#![forbid(unsafe_code)]

mod aside;
mod check;
mod compare;
mod containers;
mod coverage;
mod dot;
mod drift;
mod dwarf;
mod error;
mod evidence;
mod fields;
mod graph;
mod help;
mod history;
mod implementers;
mod left_out;
mod limits;
mod load;
mod lock;
mod memory;
mod model;
mod names;
mod profile;
mod program;
mod proposal;
mod reach;
mod roots;
mod settings;
mod source;
mod statics;
mod summary;
mod timings;
mod unreached;
mod untyped;
mod value;
mod versions;
mod view;
mod walk;

pub use check::{CheckConfig, LockText, check, shows_state, stale};
pub use coverage::{CoverageConfig, coverage};
pub use dot::dot;
pub use drift::{DriftConfig, drift, lock_text};
pub use error::Error;
pub use left_out::left_out;
pub use lock::LockError;
pub use profile::{Order, Profile};
pub use proposal::propose;
pub use settings::{Settings, SettingsError};
pub use statics::Statics;
pub use timings::{Phase, Timings, timed};
