use std::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::fmt;

use crate::error::RestoreErrorKind;

/// What an image cannot hold, and the program hands in when restoring: files, sockets, threads.
///
/// ```
/// # use samestate::{Checkpoint, Handles};
/// #[derive(Checkpoint)]
/// struct Sim {
///     step: u64,
///     #[checkpoint(external = "log", reason = "an open file")]
///     log: std::fs::File,
/// }
/// # fn open() -> std::io::Result<std::fs::File> { std::fs::File::open("/dev/null") }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let image = samestate::to_vec(&Sim { step: 7, log: open()? })?;
/// let handles = Handles::new().with("log", open()?);
/// let sim: Sim = samestate::from_slice_with(&image, handles)?;
/// assert_eq!(sim.step, 7);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Handles {
    given: BTreeMap<String, Handle>,
}

struct Handle {
    type_id: TypeId,
    type_name: &'static str,
    source: Source,
}

enum Source {
    Once(Option<Box<dyn Any>>),
    Each(Box<dyn FnMut() -> Box<dyn Any>>),
}

/// A handle that a type needs.
#[derive(Clone, Debug)]
pub(crate) struct Needed {
    pub(crate) name: String,
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
}

impl Handles {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this one as well, for the one field that asks for it.
    #[must_use]
    pub fn with<T: 'static>(self, name: &str, value: T) -> Self {
        self.add::<T>(name, Source::Once(Some(Box::new(value))))
    }

    /// With this one as well, made anew for every field that asks for it.
    #[must_use]
    pub fn with_each<T: 'static>(self, name: &str, mut make: impl FnMut() -> T + 'static) -> Self {
        self.add::<T>(name, Source::Each(Box::new(move || Box::new(make()))))
    }

    fn add<T: 'static>(mut self, name: &str, source: Source) -> Self {
        let handle = Handle { type_id: TypeId::of::<T>(), type_name: type_name::<T>(), source };
        self.given.insert(name.to_owned(), handle);
        self
    }

    /// Checks before anything is decoded that what is given is what is needed.
    /// With `running`, those that are not given stay as they are.
    pub(crate) fn check(&self, needed: &[Needed], running: bool) -> Result<(), RestoreErrorKind> {
        for need in needed {
            match self.given.get(&need.name) {
                None if running => {}
                None => {
                    let (name, type_name) = (need.name.clone(), need.type_name);
                    return Err(RestoreErrorKind::MissingHandle { name, type_name });
                }
                Some(handle) if handle.type_id != need.type_id => {
                    return Err(RestoreErrorKind::WrongHandle {
                        name: need.name.clone(),
                        expected: need.type_name,
                        given: handle.type_name,
                    });
                }
                Some(_) => {}
            }
        }
        match self.given.keys().find(|name| needed.iter().all(|need| need.name != **name)) {
            Some(name) => {
                let known = needed.iter().map(|need| need.name.clone()).collect();
                Err(RestoreErrorKind::UnknownHandle { name: name.clone(), known })
            }
            None => Ok(()),
        }
    }

    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    pub(crate) fn take<T: 'static>(&mut self, name: &str) -> Result<T, RestoreErrorKind> {
        let handle = self.given.get_mut(name);
        let value = match handle.map(|handle| &mut handle.source) {
            Some(Source::Once(value)) => value.take(),
            Some(Source::Each(make)) => Some(make()),
            None => None,
        };
        // A type that is not that of the check comes from a hand-written `restore`.
        match value.and_then(|value| value.downcast().ok()) {
            Some(value) => Ok(*value),
            None => Err(RestoreErrorKind::MissingHandle {
                name: name.to_owned(),
                type_name: type_name::<T>(),
            }),
        }
    }
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.given.iter().map(|(name, handle)| (name, handle.type_name));
        f.debug_map().entries(named).finish()
    }
}
