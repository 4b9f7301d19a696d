use core::fmt;

use crate::{Checkpoint, RestoreError, Restorer};

/// What is left to do of restoring a value in place when everything is decoded: an assignment
/// that cannot fail.
pub struct Assignment<T>(Assign<T>);

enum Assign<T> {
    Whole(Box<T>),
    Parts(Box<dyn FnOnce(&mut T)>),
}

impl<T: 'static> Assignment<T> {
    /// Assigns what was decoded. It must not fail, so nothing but assignments belongs here.
    #[must_use]
    pub fn new(assign: impl FnOnce(&mut T) + 'static) -> Self {
        Self(Assign::Parts(Box::new(assign)))
    }

    /// Reads a whole value, which takes the place of the running one.
    ///
    /// # Errors
    /// As the value's own [`restore`](Checkpoint::restore).
    pub fn whole(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError>
    where
        T: Checkpoint,
    {
        T::restore_boxed(restorer).map(|value| Self(Assign::Whole(value)))
    }

    /// Does it.
    pub fn apply(self, running: &mut T) {
        match self.0 {
            Assign::Whole(value) => *running = *value,
            Assign::Parts(assign) => assign(running),
        }
    }
}

impl<T> fmt::Debug for Assignment<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment").finish_non_exhaustive()
    }
}
