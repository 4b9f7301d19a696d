//! Giving back large values without waiting for it.

use std::ops::Deref;
use std::thread;

/// A value that is dropped by a thread of its own: giving back millions of names takes a tenth of
/// the time of a whole run, and nobody needs them to be gone.
#[derive(Debug)]
pub(crate) struct Aside<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Aside<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send + 'static> Deref for Aside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("only dropping takes the value"),
        }
    }
}

impl<T: Send + 'static> Drop for Aside<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        // Without a thread, it is dropped here, together with what was to run.
        let _dropped = thread::Builder::new().spawn(move || drop(value));
    }
}
