//! The user's functions around saving and restoring, called on failure, too.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::RestoreErrorKind;
use crate::objects::Trial;
use crate::{RestoreError, Restorer, SaveError, Saver};

/// Calls a function when it is dropped, unless it was disarmed: then something unwinds.
struct OnUnwind<F: FnMut()>(F, bool);

impl<F: FnMut()> Drop for OnUnwind<F> {
    fn drop(&mut self) {
        if self.1 {
            // A second panic would abort the program; the first one is what matters.
            let _ = catch_unwind(AssertUnwindSafe(&mut self.0));
        }
    }
}

/// Calls `call`, and `on_unwind` if it panics.
fn guarded<R>(on_unwind: impl FnMut(), call: impl FnOnce() -> R) -> R {
    let mut guard = OnUnwind(on_unwind, true);
    let result = call();
    guard.1 = false;
    result
}

/// Saves between two functions. If the first one agrees, the second one is called, whatever happens.
pub fn hooked_save<'s>(
    saver: &mut Saver<'s>,
    before: impl FnOnce() -> Result<(), SaveError>,
    after: impl Fn(Result<(), &SaveError>),
    save: impl FnOnce(&mut Saver<'s>) -> Result<(), SaveError>,
) -> Result<(), SaveError> {
    before()?;
    let saved = guarded(|| after(Err(&SaveError::Panicked)), || save(saver));
    after(saved.as_ref().copied());
    saved
}

/// What `before_save` said.
pub fn before_save<E: Display>(
    type_name: &'static str,
    said: Result<(), E>,
) -> Result<(), SaveError> {
    said.map_err(|error| SaveError::Refused { type_name, message: error.to_string() })
}

/// Restores behind a function. If that agrees and restoring fails, `failed` is called. In a trial,
/// which may end without anything being wrong, no function is called.
pub fn hooked_restore<R>(
    restorer: &mut Restorer<'_>,
    before: impl FnOnce(&Restorer<'_>) -> Result<(), RestoreError>,
    failed: impl Fn(&RestoreError),
    restore: impl FnOnce(&mut Restorer<'_>) -> Result<R, RestoreError>,
) -> Result<R, RestoreError> {
    if restorer.trial == Trial::Running {
        return restore(restorer);
    }
    before(restorer)?;
    let on_unwind = || failed(&RestoreError::new(RestoreErrorKind::Panicked));
    guarded(on_unwind, || restore(restorer)).inspect_err(|error| failed(error))
}

/// Lets `after_restore` judge a value, unless it is that of a trial.
pub fn after_restore<T, E: Display>(
    restorer: &Restorer<'_>,
    type_name: &'static str,
    value: &mut T,
    hook: impl FnOnce(&mut T) -> Result<(), E>,
) -> Result<(), RestoreError> {
    if restorer.trial == Trial::Running {
        return Ok(());
    }
    restore_hook(restorer, type_name, "after_restore", hook(value))
}

/// What `before_restore` or `after_restore` said.
pub fn restore_hook<E: Display>(
    restorer: &Restorer<'_>,
    type_name: &'static str,
    hook: &'static str,
    said: Result<(), E>,
) -> Result<(), RestoreError> {
    said.map_err(|error| {
        let message = error.to_string();
        restorer.error(RestoreErrorKind::Refused { type_name, hook, message })
    })
}
