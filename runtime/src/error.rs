//! Why a value could not be saved or restored. Problems with files are in [`crate::StoreError`].

use core::fmt;

use samestate_image::ImageError;
use samestate_image::difference::Difference;
use samestate_image::evolve::EvolveError;
use samestate_image::layout::{DEPTH_LIMIT, EMPTY_LIMIT, EMPTY_MEMORY};

/// Why a value could not be saved.
#[derive(Debug)]
#[non_exhaustive]
pub enum SaveError {
    /// Containers in containers nest deeper than an image may.
    TooDeep,
    /// A container holds more values that take no bytes than an image may.
    TooManyEmpty {
        /// How many there are.
        count: u64,
    },
    /// Values that take no bytes take more memory than those of an image may.
    EmptyTooLarge,
    /// A `RefCell` is mutably borrowed.
    Borrowed,
    /// A pointer to an object that cannot be saved.
    Pointer {
        /// What is wrong.
        problem: PointerProblem,
        /// The type of the object.
        type_name: &'static str,
        /// The field path of the pointer, if it is known.
        path: Option<String>,
    },
    /// The registered implementers of a trait contradict each other.
    Implementers {
        /// The trait.
        trait_name: String,
        /// What is wrong.
        message: String,
    },
    /// The types do not form a schema.
    Schema(ImageError),
    /// A type whose description is endless.
    Endless {
        /// Its name.
        type_name: &'static str,
    },
    /// The `before_save` of a type refused.
    Refused {
        /// The type.
        type_name: &'static str,
        /// What it said.
        message: String,
    },
    /// Code of the program panicked while it saved. Only `after_save` is told of it.
    Panicked,
    /// What a hand-written `save` said.
    Custom(String),
}

/// Why the object that a pointer leads to cannot be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PointerProblem {
    /// The object owns itself, over any number of others.
    OwnsItself,
    /// Only weak pointers to the object are saved; what owns it is not part of the state.
    NotOwned,
    /// Pointers of two types lead to the object.
    TwoTypes {
        /// The type that the first of them points to.
        other: &'static str,
    },
    /// The pointer stands in a key of a map or set.
    InKey,
    /// The pointer stands in a volatile field.
    InVolatile,
    /// A slice whose elements hold weak pointers to it; nothing could build it again.
    CyclicSlice,
    /// The object is behind a trait, and its type has no registered name.
    Unregistered {
        /// The trait.
        trait_name: &'static str,
    },
}

impl SaveError {
    /// Sets the path of the pointer at fault.
    pub(crate) fn locate(mut self, found: impl FnOnce() -> Option<String>) -> Self {
        if let Self::Pointer { path, .. } = &mut self {
            *path = found();
        }
        self
    }

    /// An error of a hand-written `save`.
    pub fn custom(message: impl fmt::Display) -> Self {
        Self::Custom(message.to_string())
    }
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(
                f,
                "the state nests too deeply: {DEPTH_LIMIT} boxes and containers in each other are the \
                 most, and fewer where their values are large; hold long chains in a `Vec` with \
                 indices"
            ),
            Self::TooManyEmpty { count } => write!(
                f,
                "a container holds {count} values that take no bytes; an image may hold {EMPTY_LIMIT}"
            ),
            Self::EmptyTooLarge => write!(
                f,
                "values that take no bytes of the image, such as those whose fields are all skipped, \
                 take more than {EMPTY_MEMORY} bytes of memory together"
            ),
            Self::Borrowed => f.write_str("a `RefCell` is mutably borrowed while it is saved"),
            Self::Pointer { problem, type_name, path } => {
                if let Some(path) = path {
                    write!(f, "at {path}: ")?;
                }
                describe(*problem, type_name, f)
            }
            Self::Implementers { trait_name, message } => {
                write!(f, "the implementers of `{trait_name}` contradict each other: {message}")
            }
            Self::Schema(error) => write!(f, "the types of the state form no schema: {error}"),
            Self::Endless { type_name } => write!(
                f,
                "`{type_name}` describes itself by itself; its `schema` must use \
                 `SchemaBuilder::structure` or `enumeration`"
            ),
            Self::Refused { type_name, message } => {
                write!(f, "`before_save` of `{type_name}` refuses to save: {message}")
            }
            Self::Panicked => f.write_str("saving panicked"),
            Self::Custom(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for SaveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Schema(error) => Some(error),
            _ => None,
        }
    }
}

fn describe(problem: PointerProblem, type_name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match problem {
        PointerProblem::OwnsItself => write!(
            f,
            "the `{type_name}` here owns itself over this pointer; make one of the pointers on the \
             way a `Weak`"
        ),
        PointerProblem::NotOwned => write!(
            f,
            "nothing that is saved owns the `{type_name}` that this `Weak` points to; save its \
             owner, too, or skip or rebuild this field"
        ),
        PointerProblem::TwoTypes { other } => write!(
            f,
            "this pointer to a `{type_name}` leads to an object that was saved as a `{other}`; hold \
             pointers of one type to it"
        ),
        PointerProblem::InKey => write!(
            f,
            "a shared `{type_name}` in a key of a map or set: keys are ordered by their bytes, which \
             would depend on who shares it; use the value itself as the key"
        ),
        PointerProblem::InVolatile => write!(
            f,
            "a shared `{type_name}` in a volatile field: objects are numbered as they are met, which \
             is compared; save the field without `volatile`, or skip it"
        ),
        PointerProblem::CyclicSlice => write!(
            f,
            "an element of this `{type_name}` points back to it; hold the elements in a `Vec` in a \
             struct, and point to that"
        ),
        PointerProblem::Unregistered { trait_name } => write!(
            f,
            "`{type_name}` has no name to be restored by as `{trait_name}`; write \
             `#[checkpoint(implements({trait_name}, \"name\"))]` on it"
        ),
    }
}

/// Why a value could not be restored.
#[derive(Debug)]
pub struct RestoreError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: RestoreErrorKind,
    /// Where in the values; `None` if nothing was decoded yet.
    offset: Option<usize>,
    /// The field path there, once it is found out.
    path: Option<String>,
}

/// What is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum RestoreErrorKind {
    /// The image itself.
    Image(ImageError),
    /// The program's types do not form a schema.
    Program(SaveError),
    /// The image holds other types than the program has.
    Different(Vec<Difference>),
    /// The image is of an older version, and a value of it cannot be brought to this one.
    Evolve(EvolveError),
    /// A handle that a field needs was not given, or more often needed than given.
    MissingHandle {
        /// Its name.
        name: String,
        /// Its type.
        type_name: &'static str,
    },
    /// A handle was given that has another type than the field.
    WrongHandle {
        /// Its name.
        name: String,
        /// The type of the field.
        expected: &'static str,
        /// The type that was given.
        given: &'static str,
    },
    /// A handle was given that no field takes.
    UnknownHandle {
        /// Its name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The values end too early.
    Truncated {
        /// How many bytes are missing.
        missing: u64,
    },
    /// A value is not one of its type.
    BadValue {
        /// What it should be.
        what: &'static str,
    },
    /// Containers in containers nest deeper than an image may.
    TooDeep,
    /// A container claims more values than the image has bytes for.
    TooMany {
        /// How many it claims.
        count: u64,
    },
    /// Values that take no bytes would take more memory than those of an image may.
    EmptyTooLarge,
    /// The keys of a map or set are not in order, or one comes twice.
    Unordered,
    /// A map or set with an order of its own has a key twice.
    Repeated,
    /// A pointer leads to no object that it could lead to.
    BadReference {
        /// What it leads to.
        what: &'static str,
    },
    /// After the root value there is more.
    Trailing {
        /// How many bytes.
        bytes: u64,
    },
    /// A function that rebuilds a field failed.
    Rebuild {
        /// The field.
        field: &'static str,
        /// What the function said.
        message: String,
    },
    /// A field is kept from a running value, and there is none.
    NothingToKeep {
        /// The field.
        field: &'static str,
    },
    /// The `before_restore` or `after_restore` of a type refused.
    Refused {
        /// The type.
        type_name: &'static str,
        /// Which function.
        hook: &'static str,
        /// What it said.
        message: String,
    },
    /// Code of the program panicked while it restored. Only `restore_failed` is told of it.
    Panicked,
    /// What a hand-written `restore` said.
    Custom(String),
}

impl RestoreError {
    #[cold]
    pub(crate) fn new(kind: RestoreErrorKind) -> Self {
        Self(Box::new(Inner { kind, offset: None, path: None }))
    }

    #[cold]
    pub(crate) fn at(kind: RestoreErrorKind, offset: usize) -> Self {
        Self(Box::new(Inner { kind, offset: Some(offset), path: None }))
    }

    /// An error of a hand-written `restore`.
    pub fn custom(message: impl fmt::Display) -> Self {
        Self::new(RestoreErrorKind::Custom(message.to_string()))
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &RestoreErrorKind {
        &self.0.kind
    }

    /// Where in the image's values, in bytes, if it got that far.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.0.offset
    }

    /// The field path of the value at fault, if it is known.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    pub(crate) fn locate(
        mut self,
        offset: usize,
        path: impl FnOnce(usize) -> Option<String>,
    ) -> Self {
        let offset = *self.0.offset.get_or_insert(offset);
        // These say themselves which field it is, and no byte in the image belongs to it.
        let named = matches!(
            self.0.kind,
            RestoreErrorKind::Rebuild { .. }
                | RestoreErrorKind::Refused { .. }
                | RestoreErrorKind::MissingHandle { .. }
                | RestoreErrorKind::NothingToKeep { .. }
        );
        self.0.path = if named { None } else { path(offset) };
        self
    }
}

impl From<ImageError> for RestoreError {
    fn from(error: ImageError) -> Self {
        Self::new(RestoreErrorKind::Image(error))
    }
}

impl fmt::Display for RestoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::Program(error) => error.fmt(f),
            Self::Different(differences) => {
                f.write_str("the image holds other types than this program:")?;
                for difference in differences {
                    write!(f, "\n  {difference}")?;
                }
                Ok(())
            }
            Self::Evolve(error) => write!(f, "the image is of an older version: {error}"),
            Self::MissingHandle { name, type_name } => write!(
                f,
                "the handle \"{name}\" is missing; give it by \
                 `Handles::new().with(\"{name}\", …)`, as a `{type_name}`"
            ),
            Self::WrongHandle { name, expected, given } => {
                write!(f, "the handle \"{name}\" must be a `{expected}`, not a `{given}`")
            }
            Self::UnknownHandle { name, known } if known.is_empty() => {
                write!(f, "no field takes the handle \"{name}\"; no field takes any")
            }
            Self::UnknownHandle { name, known } => {
                write!(
                    f,
                    "no field takes the handle \"{name}\"; there are \"{}\"",
                    known.join("\", \"")
                )
            }
            Self::Truncated { missing } => write!(f, "the values end {missing} bytes too early"),
            Self::BadValue { what } => write!(f, "the image holds no valid {what} here"),
            Self::TooDeep => f.write_str("boxes and containers nest too deeply"),
            Self::TooMany { count } => {
                write!(f, "a container of {count} values, which the image has no bytes for")
            }
            Self::EmptyTooLarge => f.write_str("too many values that take no bytes"),
            Self::Repeated => f.write_str("a key of a map or set comes twice"),
            Self::BadReference { what } => write!(f, "the image refers to {what}"),
            Self::Unordered => f.write_str("the keys of a map or set are not in order"),
            Self::Trailing { bytes } => write!(f, "{bytes} bytes follow the last value"),
            Self::Rebuild { field, message } => {
                write!(f, "the field `{field}` could not be rebuilt: {message}")
            }
            Self::NothingToKeep { field } => write!(
                f,
                "the field `{field}` is kept from a running value, and there is none here; restore \
                 in place with `restore_in_place`, and do not keep fields of what stands in \
                 containers"
            ),
            Self::Refused { type_name, hook, message } => {
                write!(f, "`{hook}` of `{type_name}` refuses the image: {message}")
            }
            Self::Panicked => f.write_str("restoring panicked"),
            Self::Custom(message) => f.write_str(message),
        }
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.path {
            Some(path) => write!(f, "at {path}: {}", self.0.kind),
            None => self.0.kind.fmt(f),
        }
    }
}

impl std::error::Error for RestoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            RestoreErrorKind::Image(error) => Some(error),
            RestoreErrorKind::Program(error) => Some(error),
            RestoreErrorKind::Evolve(error) => Some(error),
            _ => None,
        }
    }
}
