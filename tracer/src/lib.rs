//! From a process to its trace, and from two traces to their divergences.
//!
//! | module | what it does |
//! |---|---|
//! | [`record`](record()) | runs a program and writes down every system call of it |
//! | [`compare`](compare()) | finds where two runs differ in what their calls mean |
//! | [`verify`](verify()) | restores from every checkpoint of a run and compares what follows |
//! | [`show`] | prints a trace, one line for each call |
//! | [`trace`] | the file that holds a run |
//! | [`table`] | what each system call means |

#![deny(unsafe_code)]

mod compare;
mod error;
mod layout;
mod record;
pub mod show;
mod stacks;
#[expect(unsafe_code, reason = "the interface to the kernel; all other modules are safe")]
mod sys;
pub mod table;
pub mod trace;
mod verify;

pub use compare::{Comparison, Strength, compare};
pub use error::Error;
pub use record::{
    Among, Announce, At, Attach, Config, Fault, Harm, Knobs, MirrorUse, NoFault, OnProgress,
    Progress, Recording, Stacks, Stream, attach, record,
};
pub use verify::{Checkpoint, Verdict, Verification, Verify, Which, verify};
