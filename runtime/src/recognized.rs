//! What to do with types that no image can hold. The derive knows them by their names and asks for
//! one of these traits instead of [`Checkpoint`], so that the error tells what fits exactly this
//! type. Whatever implements `Checkpoint` implements all of them: a type of the program's that is
//! called the same is saved as any other.

use crate::Checkpoint;

macro_rules! recognized {
    ($($(#[$attr:meta])* $name:ident)*) => {
        $(
            $(#[$attr])*
            pub trait $name: Checkpoint {}

            // Else the error would be that of `Checkpoint`.
            #[diagnostic::do_not_recommend]
            impl<T: Checkpoint> $name for T {}
        )*

        /// `Checkpoint` under other names, which only those types have that implement the trait.
        pub mod asked {
            use crate::{
                Assignment, Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder,
                TypeRef,
            };

            $(
                $(#[$attr])*
                pub trait $name: Sized {
                    /// The type itself.
                    type Field: Checkpoint;
                    /// As that of `Checkpoint`.
                    const MIN_LEN: usize;
                    /// As that of `Checkpoint`.
                    const MAY_KEEP: bool;
                    /// As that of `Checkpoint`.
                    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError>;
                    /// As that of `Checkpoint`.
                    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError>;
                    /// As that of `Checkpoint`.
                    fn describe(schema: &mut SchemaBuilder) -> TypeRef;
                    /// As that of `Checkpoint`.
                    fn stage(
                        &self,
                        restorer: &mut Restorer<'_>,
                    ) -> Result<Assignment<Self>, RestoreError>;
                }

                impl<T: super::$name> $name for T {
                    type Field = T;
                    const MIN_LEN: usize = <T as Checkpoint>::MIN_LEN;
                    const MAY_KEEP: bool = <T as Checkpoint>::MAY_KEEP;
                    #[inline]
                    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
                        <T as Checkpoint>::save(self, saver)
                    }
                    #[inline]
                    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
                        <T as Checkpoint>::restore(restorer)
                    }
                    fn describe(schema: &mut SchemaBuilder) -> TypeRef {
                        <T as Checkpoint>::describe(schema)
                    }
                    fn stage(
                        &self,
                        restorer: &mut Restorer<'_>,
                    ) -> Result<Assignment<Self>, RestoreError> {
                        <T as Checkpoint>::stage(self, restorer)
                    }
                }
            )*
        }
    };
}

recognized! {
    /// `Instant`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: it means nothing in another process",
        label = "a point in time of this process alone",
        note = "if it may start anew: \
                `#[checkpoint(skip(value = Instant::now()), reason = \"…\")]`",
        note = "if the time that has passed matters: `#[checkpoint(with = module)]`, whose functions \
                save `elapsed()` and restore `Instant::now()` less that; or keep a `Duration` or a \
                `SystemTime`, which can be saved",
        note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
    )]
    Clock

    /// `File` and other descriptors.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: it is open in this process alone",
        label = "an open file",
        note = "if the restored program opens it: `#[checkpoint(external = \"name\")]`, and \
                `Handles::new().with(\"name\", file)` when restoring",
        note = "if its path is in another field: `#[checkpoint(rebuild = open, needs(path))]`; \
                the position in it is lost unless a field has it",
        note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
    )]
    OpenFile

    /// `TcpStream` and other sockets.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: the other side knows this process alone",
        label = "a socket",
        note = "if the restored program connects or binds it: `#[checkpoint(external = \"name\")]`, \
                and `Handles::new().with(\"name\", socket)` when restoring",
        note = "if its address is in another field: \
                `#[checkpoint(rebuild = connect, needs(address))]`",
        note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
    )]
    Socket

    /// `JoinHandle` and other threads.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: a restored program has not started \
                   its thread",
        label = "a running thread",
        note = "if it can be started from saved fields: \
                `#[checkpoint(rebuild = start, needs(work))]`",
        note = "if the restored program starts it: `#[checkpoint(external = \"name\")]`",
        note = "if it is an `Option` that is filled later: \
                `#[checkpoint(skip(default), reason = \"…\")]`",
        note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
    )]
    Running

    /// `Receiver`, `Sender` and their like.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: its other end and what is on the way \
                   stay behind",
        label = "one end of a channel",
        note = "hand in an end of a new channel when restoring: `#[checkpoint(external = \"name\")]`",
        note = "messages on the way are lost: receive them before saving, into a field that is \
                saved (`VecDeque<T>`)",
        note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
    )]
    Channel

    /// `MutexGuard` and their like.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: it borrows what it guards",
        label = "a lock that is held",
        note = "keep what it guards (`Arc<Mutex<T>>`) in the field and lock it where it is used: a \
                `Mutex`, an `RwLock` and a `RefCell` can be saved",
        note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
    )]
    Guard

    /// `Child` and its pipes.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: the process is a child of this one alone",
        label = "a running process",
        note = "if it can be started from saved fields: \
                `#[checkpoint(rebuild = start, needs(command))]`",
        note = "if the restored program starts it: `#[checkpoint(external = \"name\")]`",
        note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
    )]
    Process

    /// `Condvar`, `Barrier` and `Once`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: no thread waits for it in a restored \
                   program",
        label = "what threads wait for",
        note = "make a new one: `#[checkpoint(skip(value = …), reason = \"nobody waits yet\")]`, or \
                `skip(default)` for a `Condvar`",
        note = "if it is a type of yours, put `#[derive(Checkpoint)]` on it"
    )]
    Waiting

    /// `&T`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: nothing would own what it borrows",
        label = "a reference",
        note = "own it: `String` for `&str`, `Vec<T>` for `&[T]`, `Box<T>` for `&T`, `Arc<T>` if it \
                is shared",
        note = "if it is a constant of the program: \
                `#[checkpoint(skip(value = CONSTANT), reason = \"…\")]`, or \
                `#[checkpoint(rebuild = find, needs(key))]` if a saved field tells which"
    )]
    Borrowed

    /// `Box<dyn Fn()>` and its like.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: code and what it captured cannot be \
                   saved",
        label = "a closure",
        note = "save what it captured, and make it anew: \
                `#[checkpoint(rebuild = path, needs(captured))]`",
        note = "if there is one closure only: `#[checkpoint(skip(value = …), reason = \"…\")]`",
        note = "if there are several kinds: an enum of them, or a trait with `#[samestate::dynamic]`"
    )]
    Closure

    /// `Box<dyn Any>` and its like.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be part of a checkpoint: nothing tells which type to restore",
        label = "a value of any type",
        note = "if the types are known: an enum of them, or a trait of yours with \
                `#[samestate::dynamic]` instead of `Any`",
        note = "if the restored program brings it: `#[checkpoint(external = \"name\")]`"
    )]
    Untyped
}
