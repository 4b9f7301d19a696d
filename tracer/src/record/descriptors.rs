//! What the descriptors of a process lead to.
//!
//! Nothing is known of a descriptor until it is used; then the kernel is asked once, and the
//! answer holds until the descriptor is closed or replaced. So only what closes or replaces one
//! needs to be followed, and a descriptor that arrived by a way we do not know is still right.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::rc::Rc;

use super::mapped::Mapped;
use super::outside::Source;
use crate::sys::Tid;
use crate::trace::{Object, ObjectKind, Payload};

/// What is known of a descriptor.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The object of the trace.
    pub(super) object: u32,
    /// The same for all descriptors that one was made the other from: they share an offset.
    pub(super) description: u32,
    pub(super) kind: ObjectKind,
    /// Its path, as the program sees it.
    pub(super) path: Rc<[u8]>,
    /// Where it leads to, if that is outside.
    pub(super) source: Option<Source>,
    /// It is a socket that carries datagrams.
    pub(super) datagrams: bool,
}

/// The descriptors of one process, or of several that share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    objects: BTreeMap<i32, Known>,
    /// Addresses at which files are mapped so that what is written there goes to the file.
    pub(super) shared: Vec<Mapped>,
}

impl Table {
    /// What the descriptor leads to, if that is known.
    pub(super) fn get(&self, fd: i32) -> Option<&Known> {
        self.objects.get(&fd)
    }

    /// Whether one of them leads to this.
    pub(super) fn leads_to(&self, description: u32) -> bool {
        self.objects.values().any(|known| known.description == description)
    }

    /// Where what has this number in the trace leads, if that is outside.
    pub(super) fn source_of(&self, object: Option<u32>) -> Option<Source> {
        let object = object?;
        self.objects.values().find(|known| known.object == object)?.source
    }

    /// The same, to note more of it.
    pub(super) fn get_mut(&mut self, fd: i32) -> Option<&mut Known> {
        self.objects.get_mut(&fd)
    }

    /// All that lead to what has this path.
    pub(super) fn all_that_lead_to(&mut self, path: &[u8]) -> impl Iterator<Item = &mut Known> {
        self.objects.values_mut().filter(move |known| *known.path == *path)
    }

    /// What the descriptor leads to from here on.
    pub(super) fn set(&mut self, fd: i32, known: Known) {
        self.objects.insert(fd, known);
    }

    /// The descriptor is closed.
    pub(super) fn remove(&mut self, fd: i32) {
        self.objects.remove(&fd);
    }

    /// All descriptors in a range are closed.
    pub(super) fn remove_range(&mut self, first: u64, last: u64) {
        self.objects.retain(|fd, _| u64::try_from(*fd).is_ok_and(|fd| fd < first || fd > last));
    }

    /// Forgets what a new program did not inherit.
    pub(super) fn executed(&mut self, pid: Tid) {
        self.shared.clear();
        self.objects.retain(|fd, _| std::fs::symlink_metadata(link(pid, *fd)).is_ok());
    }
}

/// It is always a thread that is asked: the first one of its process may have ended before the others,
/// and tells nothing then.
fn link(tid: Tid, fd: i32) -> String {
    format!("/proc/{tid}/fd/{fd}")
}

/// Asks the kernel what a descriptor leads to. `kind` if that is known already.
pub(super) fn ask(pid: Tid, fd: i32, id: u32, kind: Option<ObjectKind>) -> Object {
    let link = link(pid, fd);
    let path =
        std::fs::read_link(&link).map(|path| path.into_os_string().into_vec()).unwrap_or_default();
    let kind = kind.unwrap_or_else(|| find_kind(&link, &path));
    Object { id, fd, kind, inherited: false, from: None, path }
}

fn find_kind(link: &str, path: &[u8]) -> ObjectKind {
    if path.starts_with(b"anon_inode:") {
        return ObjectKind::Kernel;
    }
    let Ok(about) = std::fs::metadata(link) else { return ObjectKind::Unknown };
    let kind = about.file_type();
    if kind.is_file() {
        ObjectKind::File
    } else if kind.is_dir() {
        ObjectKind::Folder
    } else if kind.is_fifo() {
        ObjectKind::Pipe
    } else if kind.is_socket() {
        ObjectKind::Socket
    } else if kind.is_block_device() {
        ObjectKind::Disk
    } else if is_terminal(about.rdev()) {
        ObjectKind::Terminal
    } else {
        ObjectKind::Device
    }
}

/// Whether a character device is a terminal: virtual consoles, serial lines, pseudo terminals.
fn is_terminal(device: u64) -> bool {
    let major = libc::major(device);
    matches!(major, 4 | 5) || (136..=143).contains(&major)
}

/// Where a descriptor stands and how it was opened. One that can only append stands at the end of
/// its file, wherever the kernel says that it does.
pub(super) fn position(pid: Tid, fd: i32) -> Option<(u64, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let offset = field("pos:")?.parse().ok()?;
    let flags = u64::from_str_radix(field("flags:")?, 8).ok()?;
    let appends: u64 = (libc::O_ACCMODE | libc::O_APPEND).cast_unsigned().into();
    if flags & appends == u64::from((libc::O_WRONLY | libc::O_APPEND).cast_unsigned())
        && let Ok(about) = std::fs::metadata(link(pid, fd))
        && about.is_file()
    {
        return Some((about.len(), flags));
    }
    Some((offset, flags))
}

/// What a file holds from an offset on: the bytes that the kernel has just moved from there.
pub(super) fn content(pid: Tid, fd: i32, offset: u64, count: u64, limit: usize) -> Option<Payload> {
    const PIECE: u64 = 1 << 20;
    let file = File::open(link(pid, fd)).ok().filter(|file| {
        // Reading anything else would take the bytes away from whoever waits for them.
        file.metadata().is_ok_and(|about| about.is_file())
    })?;
    let mut bytes = Vec::new();
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    let mut piece = vec![0; usize::try_from(count.min(PIECE)).ok()?];
    let mut done = 0;
    while done < count {
        let wanted = usize::try_from((count - done).min(PIECE)).ok()?;
        file.read_exact_at(&mut piece[..wanted], offset.checked_add(done)?).ok()?;
        hasher.update(&piece[..wanted]);
        let room = limit.saturating_sub(bytes.len()).min(wanted);
        bytes.extend_from_slice(&piece[..room]);
        done += wanted as u64;
    }
    Some(Payload { length: count, hash: hasher.digest(), bytes })
}

/// All descriptors of a process, in order.
pub(super) fn all(pid: Tid) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let mut fds: Vec<i32> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    fds.sort_unstable();
    fds
}
