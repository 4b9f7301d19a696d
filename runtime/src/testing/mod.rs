//! Tests that every project with checkpoints should have. They need neither a tracer nor Linux.
//!
//! ```
//! use samestate::{Checkpoint, testing};
//!
//! #[derive(Checkpoint)]
//! struct Sim {
//!     step: u64,
//!     bodies: Vec<f64>,
//! }
//!
//! impl Sim {
//!     fn advance(&mut self) {
//!         self.step += 1;
//!         self.bodies.iter_mut().for_each(|body| *body += 0.5);
//!     }
//! }
//!
//! let sim = Sim { step: 0, bodies: vec![1.0, 2.0] };
//! testing::assert_roundtrip(&sim);
//! testing::assert_every_field_survives(&sim);
//! testing::assert_lockstep(sim, 3, 10, Sim::advance);
//! ```
//!
//! They panic with the field path of what is wrong. For a state with `external` or `skip(keep)`
//! fields, or with fields that cannot be tested, use a [`Setup`].

mod lockstep;
mod report;
mod roundtrip;
mod survive;

use std::fmt;

use samestate_image::Image;

use crate::checked::Checked;
use crate::memory::{decode, decode_for};
use crate::schema::Program;
use crate::{Checkpoint, Handles, RestoreError};

/// Asserts that a value comes back: what was saved, restored and saved again is the same.
///
/// # Panics
/// If not, with the field paths of what differs.
#[track_caller]
pub fn assert_roundtrip<T: Checkpoint>(value: &T) {
    Setup::new().assert_roundtrip(value);
}

/// Asserts that every saved field is really saved and restored: changes the fields of the value's
/// image one after the other, and each change must come back when the changed image is restored
/// and saved again.
///
/// What a container, an `Option` or an enum does not hold is tried with elements and variants that
/// are made from nothing, and if these cannot be restored, it is reported as untested.
///
/// # Panics
/// If a change is lost or changes something else, or if something could not be tested, with the
/// field paths.
#[track_caller]
pub fn assert_every_field_survives<T: Checkpoint>(value: &T) {
    Setup::new().assert_every_field_survives(value);
}

/// Asserts that a restored state goes on as the original does: in each of `rounds` rounds, saves,
/// restores, and runs both for `steps` steps, after each of which they must be equal.
///
/// # Panics
/// If not, with the round, the step and the first field path that differs.
#[track_caller]
pub fn assert_lockstep<T: Checkpoint>(state: T, rounds: u32, steps: u32, step: impl FnMut(&mut T)) {
    Setup::new().assert_lockstep(state, rounds, steps, step);
}

/// What the tests need beside a value.
///
/// ```
/// use samestate::{Checkpoint, Handles, testing::Setup};
///
/// #[derive(Checkpoint)]
/// struct Sim {
///     step: u64,
///     #[checkpoint(external = "log")]
///     log: std::fs::File,
/// }
/// # fn open() -> std::fs::File { std::fs::File::open("/dev/null").unwrap() }
///
/// Setup::new()
///     .handles(|| Handles::new().with("log", open()))
///     .assert_every_field_survives(&Sim { step: 0, log: open() });
/// ```
pub struct Setup<'s, T> {
    handles: Box<dyn Fn() -> Handles + 's>,
    running: Option<Box<dyn Fn() -> T + 's>>,
    untested: Vec<String>,
}

impl<T: Checkpoint> Default for Setup<'_, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'s, T: Checkpoint> Setup<'s, T> {
    /// Restores to new values, without handles.
    #[must_use]
    pub fn new() -> Self {
        Self { handles: Box::new(Handles::new), running: None, untested: Vec::new() }
    }

    /// With these handles for each restore.
    #[must_use]
    pub fn handles(mut self, handles: impl Fn() -> Handles + 's) -> Self {
        self.handles = Box::new(handles);
        self
    }

    /// Restores into values that this makes, as types with `skip(keep)` fields need it.
    #[must_use]
    pub fn in_place(mut self, running: impl Fn() -> T + 's) -> Self {
        self.running = Some(Box::new(running));
        self
    }

    /// Does not ask whether this field survives, nor what is below it: a field path as the failure
    /// tells it, without the indices of elements.
    #[must_use]
    pub fn untested(mut self, field: &str) -> Self {
        self.untested.push(field.to_owned());
        self
    }

    /// [`assert_roundtrip`].
    ///
    /// # Panics
    /// As it does.
    #[track_caller]
    pub fn assert_roundtrip(&self, value: &T) {
        report::unless_ok(roundtrip::check(self, value));
    }

    /// [`assert_every_field_survives`].
    ///
    /// # Panics
    /// As it does.
    #[track_caller]
    pub fn assert_every_field_survives(&self, value: &T) {
        report::unless_ok(survive::check(self, value));
    }

    /// [`assert_lockstep`].
    ///
    /// # Panics
    /// As it does.
    #[track_caller]
    pub fn assert_lockstep(&self, state: T, rounds: u32, steps: u32, step: impl FnMut(&mut T)) {
        report::unless_ok(lockstep::check(self, state, rounds, steps, step));
    }

    fn restore(&self, image: &Image<'_>, program: &Program) -> Result<T, RestoreError> {
        let mut image = Checked::from(image.clone());
        match &self.running {
            None => decode(&mut image, program, (self.handles)()),
            Some(running) => {
                let mut value = running();
                decode_for(&mut value, &mut image, program, (self.handles)())?;
                Ok(value)
            }
        }
    }
}

impl<T> fmt::Debug for Setup<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("untested", &self.untested).finish_non_exhaustive()
    }
}
