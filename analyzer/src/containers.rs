//! What is known of types that hold others: the only place that names std and third-party types.
//!
//! A new container is one row. A type of these crates that has no row is looked at by its layout;
//! if it hides its payload behind an erased pointer, it is reported, never passed over.

pub(crate) mod cpp;

use crate::names::{is_std, last_segment};

/// What a known type does with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A value without parts.
    Nothing,
    /// Something of the host that no image can hold.
    Host(&'static str),
    /// One value of the parameter, at the same path.
    One(&'static str, Class),
    /// Values of the parameter, at `[]`.
    Many(&'static str),
    /// The elements of the array that is the parameter, at `[]`.
    Stored(&'static str),
    /// Keys and values, at `[key]` and `[value]`.
    Pairs(&'static str, &'static str),
    /// Values of each of its parameters, at `.0`, `.1`, and so on.
    Each,
    /// What its own members hold, at their names.
    Members,
    /// A claim about a type, but no value of it.
    Phantom,
}

/// How one value holds another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// As a part of itself.
    Inline,
    /// On the heap, alone.
    Owned,
    /// On the heap, with others.
    Shared,
    /// Without keeping it alive.
    Weak,
    /// By reference.
    Borrowed,
    /// By an address that nobody checks.
    Raw,
}

/// One known type.
struct Row {
    /// Its crate; `std` stands for all crates of the standard library.
    krate: &'static str,
    /// The last part of its path, because the modules in between move from release to release.
    name: &'static str,
    holds: Holds,
}

const fn row(krate: &'static str, name: &'static str, holds: Holds) -> Row {
    Row { krate, name, holds }
}

use Class::{Inline, Owned, Raw, Shared, Weak};
use Holds::{Host, Many, Nothing, One, Pairs, Phantom, Stored};

static TABLE: &[Row] = &[
    // Sequences, sets and maps.
    row("std", "Vec", Many("T")),
    row("std", "VecDeque", Many("T")),
    row("std", "LinkedList", Many("T")),
    row("std", "BinaryHeap", Many("T")),
    row("std", "BTreeSet", Many("T")),
    row("std", "BTreeMap", Pairs("K", "V")),
    row("std", "HashSet", Many("T")),
    row("std", "HashMap", Pairs("K", "V")),
    row("hashbrown", "HashSet", Many("T")),
    row("hashbrown", "HashMap", Pairs("K", "V")),
    row("hashbrown", "HashTable", Many("T")),
    row("indexmap", "IndexMap", Pairs("K", "V")),
    row("indexmap", "IndexSet", Many("T")),
    row("smallvec", "SmallVec", Stored("A")),
    row("tinyvec", "TinyVec", Stored("A")),
    row("tinyvec", "ArrayVec", Stored("A")),
    row("thin_vec", "ThinVec", Many("T")),
    row("arrayvec", "ArrayVec", Many("T")),
    row("slab", "Slab", Many("T")),
    row("slotmap", "SlotMap", Many("V")),
    row("slotmap", "DenseSlotMap", Many("V")),
    row("slotmap", "HopSlotMap", Many("V")),
    row("slotmap", "SecondaryMap", Many("V")),
    row("slotmap", "SparseSecondaryMap", Many("V")),
    row("generational_arena", "Arena", Many("T")),
    row("crossbeam_queue", "ArrayQueue", Many("T")),
    row("crossbeam_queue", "SegQueue", Many("T")),
    row("ndarray", "ArrayBase", Many("A")),
    row("dashmap", "DashMap", Pairs("K", "V")),
    // Text and bytes.
    row("std", "String", Nothing),
    row("std", "PathBuf", Nothing),
    row("std", "OsString", Nothing),
    row("std", "CString", Nothing),
    row("arrayvec", "ArrayString", Nothing),
    row("bytes", "Bytes", Nothing),
    row("bytes", "BytesMut", Nothing),
    // Smart pointers and cells.
    row("std", "Box", One("T", Owned)),
    row("std", "Rc", One("T", Shared)),
    row("std", "Arc", One("T", Shared)),
    row("std", "Weak", One("T", Weak)),
    row("std", "NonNull", One("T", Raw)),
    row("std", "Unique", One("T", Owned)),
    row("std", "Pin", One("Ptr", Inline)),
    row("std", "Cell", One("T", Inline)),
    row("std", "RefCell", One("T", Inline)),
    row("std", "UnsafeCell", One("T", Inline)),
    row("std", "SyncUnsafeCell", One("T", Inline)),
    row("std", "OnceCell", One("T", Inline)),
    row("std", "OnceLock", One("T", Inline)),
    row("std", "LazyCell", One("T", Inline)),
    row("std", "LazyLock", One("T", Inline)),
    row("std", "Mutex", One("T", Inline)),
    row("std", "RwLock", One("T", Inline)),
    row("std", "ReentrantLock", One("T", Inline)),
    row("std", "ManuallyDrop", One("T", Inline)),
    row("std", "MaybeUninit", One("T", Inline)),
    row("std", "MaybeDangling", One("T", Inline)),
    row("std", "AssertUnwindSafe", One("T", Inline)),
    row("parking_lot", "Mutex", One("T", Inline)),
    row("parking_lot", "RwLock", One("T", Inline)),
    row("lock_api", "Mutex", One("T", Inline)),
    row("lock_api", "RwLock", One("T", Inline)),
    row("once_cell", "OnceCell", One("T", Inline)),
    row("once_cell", "Lazy", One("T", Inline)),
    row("arc_swap", "ArcSwapAny", One("T", Shared)),
    // Numbers.
    row("std", "Wrapping", One("T", Inline)),
    row("std", "Saturating", One("T", Inline)),
    row("std", "Reverse", One("T", Inline)),
    row("std", "NonZero", Nothing),
    row("std", "Atomic", Nothing),
    row("std", "AtomicBool", Nothing),
    row("std", "AtomicU8", Nothing),
    row("std", "AtomicU16", Nothing),
    row("std", "AtomicU32", Nothing),
    row("std", "AtomicU64", Nothing),
    row("std", "AtomicUsize", Nothing),
    row("std", "AtomicI8", Nothing),
    row("std", "AtomicI16", Nothing),
    row("std", "AtomicI32", Nothing),
    row("std", "AtomicI64", Nothing),
    row("std", "AtomicIsize", Nothing),
    row("std", "AtomicPtr", One("T", Raw)),
    // Vectors of numbers.
    row("glam", "Vec2", Nothing),
    row("glam", "Vec3", Nothing),
    row("glam", "Vec3A", Nothing),
    row("glam", "Vec4", Nothing),
    row("glam", "Mat2", Nothing),
    row("glam", "Mat3", Nothing),
    row("glam", "Mat3A", Nothing),
    row("glam", "Mat4", Nothing),
    row("glam", "Quat", Nothing),
    row("glam", "Affine2", Nothing),
    row("glam", "Affine3A", Nothing),
    row("glam", "DVec2", Nothing),
    row("glam", "DVec3", Nothing),
    row("glam", "DVec4", Nothing),
    row("glam", "DMat2", Nothing),
    row("glam", "DMat3", Nothing),
    row("glam", "DMat4", Nothing),
    row("glam", "DQuat", Nothing),
    row("glam", "DAffine2", Nothing),
    row("glam", "DAffine3", Nothing),
    row("glam", "IVec2", Nothing),
    row("glam", "IVec3", Nothing),
    row("glam", "IVec4", Nothing),
    row("glam", "UVec2", Nothing),
    row("glam", "UVec3", Nothing),
    row("glam", "UVec4", Nothing),
    // Claims and time.
    row("std", "PhantomData", Phantom),
    row("std", "PhantomPinned", Phantom),
    row("std", "Discriminant", Nothing),
    row("std", "TypeId", Nothing),
    row("std", "Duration", Nothing),
    row("std", "SystemTime", Nothing),
    row("std", "RandomState", Nothing),
    row("std", "DefaultHasher", Nothing),
    // What belongs to the host.
    row("std", "File", Host("an open file")),
    row("std", "OwnedFd", Host("an open file")),
    row("std", "TcpStream", Host("a socket")),
    row("std", "TcpListener", Host("a socket")),
    row("std", "UdpSocket", Host("a socket")),
    row("std", "UnixStream", Host("a socket")),
    row("std", "UnixListener", Host("a socket")),
    row("std", "UnixDatagram", Host("a socket")),
    // Counted from when the machine was started.
    row("std", "Instant", Host("a moment of this machine's clock")),
    row("std", "MutexGuard", Host("a lock that is held")),
    row("std", "RwLockReadGuard", Host("a lock that is held")),
    row("std", "RwLockWriteGuard", Host("a lock that is held")),
    row("lock_api", "MutexGuard", Host("a lock that is held")),
    row("lock_api", "RwLockReadGuard", Host("a lock that is held")),
    row("lock_api", "RwLockWriteGuard", Host("a lock that is held")),
    row("std", "Ref", Host("a borrow that is held")),
    row("std", "RefMut", Host("a borrow that is held")),
    row("std", "ChildStdin", Host("a pipe")),
    row("std", "ChildStdout", Host("a pipe")),
    row("std", "ChildStderr", Host("a pipe")),
    row("std", "PipeReader", Host("a pipe")),
    row("std", "PipeWriter", Host("a pipe")),
    row("std", "BorrowedFd", Host("an open file")),
    row("std", "ReadDir", Host("an open folder")),
    row("parking_lot", "Condvar", Host("a condition variable")),
    row("crossbeam_channel", "Sender", Host("a channel")),
    row("crossbeam_channel", "Receiver", Host("a channel")),
    row("libc", "FILE", Host("an open file")),
    row("libc", "DIR", Host("an open folder")),
    row("tokio", "Runtime", Host("a pool of threads")),
    row("tokio", "Handle", Host("a pool of threads")),
    row("tokio", "JoinHandle", Host("a task")),
    row("tokio", "File", Host("an open file")),
    row("tokio", "TcpStream", Host("a socket")),
    row("tokio", "TcpListener", Host("a socket")),
    row("tokio", "UdpSocket", Host("a socket")),
    row("tokio", "UnixStream", Host("a socket")),
    row("tokio", "UnixListener", Host("a socket")),
    row("tokio", "Sender", Host("a channel")),
    row("tokio", "Receiver", Host("a channel")),
    row("tokio", "UnboundedSender", Host("a channel")),
    row("tokio", "UnboundedReceiver", Host("a channel")),
    row("memmap2", "Mmap", Host("a mapped file")),
    row("memmap2", "MmapMut", Host("a mapped file")),
    row("rayon_core", "ThreadPool", Host("a pool of threads")),
    row("std", "JoinHandle", Host("a thread")),
    row("std", "Thread", Host("a thread")),
    row("std", "Child", Host("a process")),
    row("std", "Stdin", Host("a stream of the process")),
    row("std", "Stdout", Host("a stream of the process")),
    row("std", "Stderr", Host("a stream of the process")),
    row("std", "Sender", Host("a channel")),
    row("std", "SyncSender", Host("a channel")),
    row("std", "Receiver", Host("a channel")),
    row("std", "Condvar", Host("a condition variable")),
    row("std", "Barrier", Host("a barrier")),
    row("std", "Once", Host("an initialization that ran or did not")),
];

/// Structs of C's libraries, by the names that glibc, musl and the BSDs give them.
static C: &[(&str, Holds)] = &[
    ("_IO_FILE", Host("an open file")),
    ("__sFILE", Host("an open file")),
    ("__dirstream", Host("an open folder")),
];

/// What is known of the type with this definition.
pub(crate) fn known(definition: &str) -> Option<Holds> {
    if cpp::is_std(definition) {
        return cpp::known(definition);
    }
    if !definition.contains("::") {
        return C.iter().find(|(name, _)| *name == definition).map(|(_, holds)| *holds);
    }
    let krate = if is_std(definition) { "std" } else { crate::names::crate_of(definition) };
    let name = last_segment(definition);
    TABLE.iter().find(|row| row.name == name && row.krate == krate).map(|row| row.holds)
}

/// How a value that nobody owns mutably can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Whenever somebody likes.
    Often,
    /// From nothing to its value.
    Once,
    /// In no way that matters to what the program computes.
    Never,
}

/// Types that change behind shared references, the outermost one of a static first of all.
static CHANGES: &[(&str, &str, Change)] = &[
    ("std", "Cell", Change::Often),
    ("std", "RefCell", Change::Often),
    ("std", "UnsafeCell", Change::Often),
    ("std", "SyncUnsafeCell", Change::Often),
    ("std", "Mutex", Change::Often),
    ("std", "RwLock", Change::Often),
    ("std", "ReentrantLock", Change::Often),
    ("std", "Atomic", Change::Often),
    ("std", "AtomicBool", Change::Often),
    ("std", "AtomicU8", Change::Often),
    ("std", "AtomicU16", Change::Often),
    ("std", "AtomicU32", Change::Often),
    ("std", "AtomicU64", Change::Often),
    ("std", "AtomicUsize", Change::Often),
    ("std", "AtomicI8", Change::Often),
    ("std", "AtomicI16", Change::Often),
    ("std", "AtomicI32", Change::Often),
    ("std", "AtomicI64", Change::Often),
    ("std", "AtomicIsize", Change::Often),
    ("std", "AtomicPtr", Change::Often),
    ("lock_api", "Mutex", Change::Often),
    ("lock_api", "RwLock", Change::Often),
    ("lock_api", "ReentrantMutex", Change::Often),
    ("dashmap", "DashMap", Change::Often),
    ("arc_swap", "ArcSwapAny", Change::Often),
    ("std", "OnceCell", Change::Once),
    ("std", "OnceLock", Change::Once),
    ("std", "LazyCell", Change::Once),
    ("std", "LazyLock", Change::Once),
    ("once_cell", "OnceCell", Change::Once),
    ("once_cell", "Lazy", Change::Once),
    ("once_cell", "OnceBox", Change::Once),
    ("once_cell", "OnceNonZeroUsize", Change::Once),
    ("once_cell", "OnceBool", Change::Once),
    ("lazy_static", "Lazy", Change::Once),
    // Whether an initialization ran: it runs again in the next process.
    ("std", "Once", Change::Never),
    ("parking_lot", "Once", Change::Never),
    // Who listens to a line of a log.
    ("tracing_core", "DefaultCallsite", Change::Never),
    ("tracing", "MacroCallsite", Change::Never),
];

/// How a static of this type can change, if the table tells.
pub(crate) fn change(definition: &str) -> Option<Change> {
    let krate = if is_std(definition) { "std" } else { crate::names::crate_of(definition) };
    let name = last_segment(definition);
    CHANGES.iter().find(|row| row.1 == name && row.0 == krate).map(|row| row.2)
}

/// Why the walk does not go from a trait object to all its implementers.
pub(crate) fn wide_trait(name: &str) -> Option<&'static str> {
    if !is_std(name) && crate::names::crate_of(name) != "core" {
        return None;
    }
    match last_segment(name) {
        "Any" | "Debug" | "Display" | "Error" | "Send" | "Sync" => {
            Some("nearly every type implements it")
        }
        "Fn" | "FnMut" | "FnOnce" => Some("every closure implements it"),
        "Future" | "Iterator" | "Write" | "Read" => Some("too many types implement it"),
        _ => None,
    }
}
