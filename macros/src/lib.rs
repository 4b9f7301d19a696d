//! `#[derive(Checkpoint)]` for samestate. Use it through the crate `samestate`.

#![forbid(unsafe_code)]

mod attr;
mod check;
mod ctxt;
mod dynamic;
mod expand;
mod input;
mod recognized;

use proc_macro::TokenStream;

/// Generates `samestate::Checkpoint` for a struct or an enum, and leaves a record of every field's
/// treatment in the program, which `samestate coverage` reads.
///
/// A field is saved unless an attribute says otherwise:
///
/// | on a field | what happens to it |
/// |---|---|
/// | nothing, or `#[checkpoint(saved)]` | it is saved; its type must implement `Checkpoint` |
/// | `#[checkpoint(with = module)]` | it is saved by the module's functions, see below |
/// | `#[checkpoint(serde)]` | it is saved by the `Serialize` and `Deserialize` of its type, see below; needs the feature `serde` |
/// | `#[checkpoint(volatile)]` | it is saved, but is no part of what makes states equal; beside `with` and `serde`, too |
/// | `#[checkpoint(skip(default), reason = "…")]` | it is `Default::default()` after a restore |
/// | `#[checkpoint(skip(keep), reason = "…")]` | it is as it was in the value that is restored in place; without one there is an error |
/// | `#[checkpoint(skip(value = EXPR), reason = "…")]` | it is the value of the expression after a restore |
/// | `#[checkpoint(rebuild = path, needs(a, b))]` | `path(&a, &b)` computes it, as a `Result` |
/// | `#[checkpoint(external = "name")]` | it is handed in by `Handles::new().with("name", value)` |
///
/// Restoring in place (`samestate::restore_in_place`, `Store::restore_in_place`) decodes everything
/// first and assigns it afterwards, so that a failure changes nothing. There a field with `external`
/// that no handle is given for keeps the one that it has. What `rebuild` needs is read whole, so
/// nothing in it can be kept.
///
/// Where a field is of a type that no image can hold (an `Instant`, a file, a socket, a thread, a
/// channel, a lock guard, a child process, a reference, a pointer, a function), the error says which
/// of these treatments fits it. A type of the program's that is called so and implements `Checkpoint`
/// is saved as any other.
///
/// `with = module` is for types of others, which cannot derive `Checkpoint`. The module has three
/// functions for the type of the whole field; `save` and `restore` must agree with `schema`:
///
/// ```text
/// fn save<'a>(value: &'a T, saver: &mut Saver<'a>) -> Result<(), SaveError>
/// fn restore(restorer: &mut Restorer<'_>) -> Result<T, RestoreError>
/// fn schema(schema: &mut SchemaBuilder) -> TypeRef
/// ```
///
/// `serde` is for the types of others that implement nothing else. What they serialize to is kept with
/// the names of its fields and variants, so that `samestate image show` and `diff` work without the
/// program. The entries of maps are put into the order of their keys, so that equal `HashMap`s give
/// equal bytes; a map whose order matters (an `IndexMap`) needs `serde(ordered)`, which keeps it as it
/// comes. serde does not tell a `HashSet` from a list: its elements stand in the order in which they
/// come, so equal states may give different bytes; use `with` for it. Names are all that serde knows of
/// a type, so a change of it is told by serde when an image is restored, not by a list of differences.
/// A saved field that the type does not take any more is an error: `#[serde(alias = "…")]` tells its
/// old name. But serde itself makes `None` of an `Option` that is missing, and a default of what has
/// `#[serde(default)]`, and throws away fields it does not know beside `flatten` and in what is
/// `untagged` or has a `tag`.
///
/// A `volatile` field (a counter of nanoseconds, a cache worth keeping) is checked and restored as
/// all others are. But the image's id does not tell of it, nor do `samestate image diff`,
/// `samestate verify` and `testing::assert_lockstep`. It must hold no `Rc`, `Arc` or `Weak`, and a key
/// of a map or set must hold no such field; else saving is an error that says so.
///
/// An image of another version is matched by names, and what changed must be told:
///
/// | on a saved field | in older images |
/// |---|---|
/// | `#[checkpoint(since = N, default = EXPR)]` | it is missing before version N of the type, and gets the value |
/// | `#[checkpoint(was = "old")]` | it has another name |
/// | `#[checkpoint(from(OldType, path))]` | it has another type; `path(old)` makes its value (`Some` if it is in an `Option` now) |
/// | `#[checkpoint(try_from(OldType, path))]` | so it has, and `path(old)` is a `Result` |
///
/// | on a variant | in older images |
/// |---|---|
/// | `#[checkpoint(since = N)]` | it is missing before version N |
/// | `#[checkpoint(was = "Old")]` | it has another name |
/// | `#[checkpoint(id = N)]` | it has this identity, whatever its name is |
///
/// | on a type | what it means |
/// |---|---|
/// | `#[checkpoint(root)]` | the program's state hangs from it |
/// | `#[checkpoint(version = N)]` | the version of its saved form, 1 if not told |
/// | `#[checkpoint(name = "…")]` | the name that images know it by, else its identifier |
/// | `#[checkpoint(was = "Old")]` | it has another name in older images |
/// | `#[checkpoint(removed("old"))]` | older images have this field, variant or `Variant.field`, which is not needed any more |
/// | `#[checkpoint(migrate(OldType, with = path))]` | where older images hold `OldType`, `path(old)` makes the value of it, as a `Result` |
/// | `#[checkpoint(before_save = path)]` and the like | `path` is called then, see below |
/// | `#[checkpoint(manual)]` | `Checkpoint` is written by hand, see below |
/// | `#[checkpoint(implements(dyn Trait, "name"))]` | behind this trait it is restored by this name |
/// | `#[checkpoint(crate = path)]` | where the crate `samestate` is, if it was renamed |
///
/// `migrate` is for what no attribute on a field can tell, such as fields that moved into a struct of
/// their own. `OldType` derives `Checkpoint`, too, with the `name` that the type had. There may be
/// several, for several old versions; the one whose description is that of the image counts.
///
/// With `manual`, the derive leaves the record and gives what to write the rest with. All of it is
/// private to the module. `NameFields` has the saved fields of `Name` and nothing else: references
/// when saving, values when restoring. Whoever takes it apart and builds it without `..` is told by
/// the compiler where a field that was added later is missing:
///
/// ```text
/// impl<T: Checkpoint> Checkpoint for Queue<T> {
///     fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
///         let QueueFields { items, turn } = self.saved_fields();
///         items.save(saver)?;
///         turn.save(saver)
///     }
///
///     fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
///         let items = Vec::restore(restorer)?;
///         let turn = u64::restore(restorer)?;
///         Self::from_restored(QueueFields { items, turn }, restorer)
///     }
///
///     fn schema(schema: &mut SchemaBuilder) -> TypeRef {
///         Self::schema_of_fields(schema)
///     }
/// }
/// ```
///
/// `from_restored` sets the fields that are not saved as their attributes say. For an enum,
/// `NameFields` is one, too; `self.save_variant(saver)` goes before the fields, and
/// `Self::restore_variant(restorer)?` tells by an enum `NameVariant` which ones follow:
///
/// ```text
/// match self.saved_fields() {
///     JobFields::Idle => Ok(()),
///     JobFields::Running { step } => step.save(saver),
/// }
///
/// let fields = match Self::restore_variant(restorer)? {
///     JobVariant::Idle => JobFields::Idle,
///     JobVariant::Running => JobFields::Running { step: u64::restore(restorer)? },
/// };
/// Self::from_restored(fields, restorer)
/// ```
///
/// Functions around saving and restoring a value of the type:
///
/// | word | function | when it is called |
/// |---|---|---|
/// | `before_save` | `fn(&Self) -> Result<(), impl Display>` | before its fields are saved; an error ends the save |
/// | `after_save` | `fn(&Self, Result<(), &SaveError>)` | after that, if `before_save` agreed: once, whatever happens |
/// | `before_restore` | `fn(Option<&Self>) -> Result<(), impl Display>` | before its fields are read; with the value that runs, if that is restored in place; an error refuses the image |
/// | `after_restore` | `fn(&mut Self) -> Result<(), impl Display>` | with the restored value: to check it, or to set what is not saved; an error refuses the image |
/// | `restore_failed` | `fn(Option<&Self>, &RestoreError)` | if `before_restore` agreed and the value could not be restored |
///
/// `after_save` and `restore_failed` are called as well if code of the program panics meanwhile. A
/// value is saved when it is encoded, which is before a store writes the file; and one that is restored
/// may be dropped again because another one in the image cannot be: what concerns the whole image
/// belongs on the root. In place, `after_restore` judges a new value before anything is touched, so no
/// field of it can be kept. An object that holds weak pointers to itself is tried out before it is
/// restored; then no function is called. If it holds a field with `external`, the trial ends there:
/// what is wrong behind that field ends a program with `panic = "abort"`, and is an error in all others.
#[proc_macro_derive(Checkpoint, attributes(checkpoint))]
pub fn derive_checkpoint(item: TokenStream) -> TokenStream {
    expand::derive(item.into()).into()
}

/// Makes the trait objects of a trait part of checkpoints: `Box`, `Rc`, `Arc` and `Weak` of
/// `dyn Trait`, `dyn Trait + Send` and `dyn Trait + Send + Sync`.
///
/// Every type that may stand behind the trait in a checkpoint says so, with a name that images know
/// it by:
///
/// ```text
/// #[samestate::dynamic]
/// trait Device {
///     fn tick(&mut self);
/// }
///
/// #[derive(Checkpoint)]
/// #[checkpoint(implements(dyn Device, "uart"))]
/// struct Uart {
///     buffer: Vec<u8>,
/// }
/// ```
///
/// A type that does not is an error when it is saved, which names it. `#[dynamic(name = "…")]` is the
/// name that images know the trait by, else its identifier; `#[dynamic(crate = path)]` says where the
/// crate `samestate` is, if it was renamed.
#[proc_macro_attribute]
pub fn dynamic(words: TokenStream, item: TokenStream) -> TokenStream {
    dynamic::expand(words.into(), item.into()).into()
}
