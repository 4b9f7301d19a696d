//! What a call is about to change among the files, told before the kernel gets to see it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use samestate_schema::marker::Kind;

use super::descriptors;
use super::engine::Engine;
use super::entry::low;
use super::proc::folder_path;
use crate::Error;
use crate::sys::{Tid, memory};
use crate::table::{Class, Row};

/// What is about to be changed. Paths are absolute, and no folder on their way is a link.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    /// What stands at this path: its content, or what is known of it.
    At(&'a Path),
    /// This name comes into being, or goes.
    Name(&'a Path),
    /// The first becomes the second, with all that is in it; `swapped` if that becomes the first.
    Moved { from: &'a Path, to: &'a Path, swapped: bool },
    /// This file, by a name that is gone, while it has others. Device and inode.
    Unnamed(u64, u64),
    /// This file, at any time from here on, without any call.
    Mapped(&'a Path),
}

/// As many links as the kernel follows.
const MOST_LINKS: usize = 40;
/// No path that the kernel takes is longer.
const LONGEST_PATH: usize = 4096;

const CREATE: i32 = libc::O_CREAT;
const TRUNCATE: i32 = libc::O_TRUNC;
const NEW_NAMESPACE: u64 = 0x2_0000;
const NO_FOLLOW: u64 = 0x100;
const FOLLOW: u64 = 0x400;
const EMPTY_PATH: u64 = 0x1000;
const EXCHANGE: u64 = 2;

impl Engine<'_> {
    /// A call is about to enter the kernel: whoever watches is told what it may change.
    pub(super) fn changes(
        &mut self,
        tid: Tid,
        row: &Row,
        arguments: &[u64; 6],
    ) -> Result<(), Error> {
        if !self.watch.keeps() {
            return Ok(());
        }
        match row.class {
            Class::Descriptor => self.changes_open(tid, row, arguments),
            Class::File => self.changes_named(tid, row, arguments),
            Class::Memory if row.name == "mmap" => self.changes_mapped(tid, arguments),
            Class::Network if row.name == "bind" => self.changes_socket(tid, arguments),
            Class::Process | Class::System => self.changes_view(tid, row, arguments),
            _ => Ok(()),
        }
    }

    /// Something was announced: from here on every first change counts anew.
    pub(super) fn changes_from_here(&mut self, kind: Kind) -> Result<(), Error> {
        if kind != Kind::Saved || !self.watch.keeps() {
            return Ok(());
        }
        self.changed.clear();
        // What others are in the middle of.
        let inside = self.tasks.iter().filter_map(|(tid, task)| {
            let pending = task.pending.as_ref()?;
            Some((*tid, pending.row?, pending.arguments))
        });
        let inside: Vec<_> = inside.collect();
        inside.into_iter().try_for_each(|(tid, row, arguments)| self.changes(tid, row, &arguments))
    }

    fn changes_open(&mut self, tid: Tid, row: &Row, arguments: &[u64; 6]) -> Result<(), Error> {
        let at = match row.name {
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "ftruncate"
            | "fallocate" | "fchmod" | "fchown" | "fsetxattr" | "fremovexattr" | "sendfile" => 0,
            "copy_file_range" | "splice" => 2,
            // FICLONE, FICLONERANGE, FIDEDUPERANGE leaves all as it is, FS_IOC_SETFLAGS.
            "ioctl" if matches!(low(arguments[1]), 0x4004_9409 | 0x4020_940d | 0x4008_6602) => 0,
            "io_submit" => {
                // Which ones stands in structures that need not be read for that.
                for fd in descriptors::all(tid) {
                    if is_writable(tid, fd) {
                        self.change_open(tid, fd)?;
                    }
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.change_open(tid, low(arguments[at]))
    }

    /// What a descriptor leads to is about to be changed.
    fn change_open(&mut self, tid: Tid, fd: i32) -> Result<(), Error> {
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        let object = task.descriptors.borrow().get(fd).map(|known| known.object);
        if object.is_some_and(|object| !self.changed.insert(object)) {
            return Ok(());
        }
        self.must_be_followed(tid)?;
        match behind(&self.root_of(tid), tid, fd) {
            Behind::File(path) => self.watch.changes(Change::At(&path)),
            Behind::Nothing => Ok(()),
            Behind::Unnamed(device, inode) => self.watch.changes(Change::Unnamed(device, inode)),
        }
    }

    fn changes_mapped(&mut self, tid: Tid, arguments: &[u64; 6]) -> Result<(), Error> {
        let [_, _, _, flags, fd, _] = *arguments;
        let anonymous = u64::from(libc::MAP_ANONYMOUS.cast_unsigned());
        if !matches!(flags & 0xf, 1 | 3) || flags & anonymous != 0 {
            return Ok(());
        }
        self.must_be_followed(tid)?;
        // What it may not write now it may allow itself later.
        if !is_writable(tid, low(fd)) {
            return Ok(());
        }
        match behind(&self.root_of(tid), tid, low(fd)) {
            Behind::File(path) => self.watch.changes(Change::Mapped(&path)),
            Behind::Nothing => Ok(()),
            Behind::Unnamed(device, inode) => self.watch.changes(Change::Unnamed(device, inode)),
        }
    }

    fn changes_named(&mut self, tid: Tid, row: &Row, arguments: &[u64; 6]) -> Result<(), Error> {
        let [a, b, c, d, e, _] = *arguments;
        let here = |path| (i64::from(libc::AT_FDCWD).cast_unsigned(), path);
        let follows = |flags: u64| flags & NO_FOLLOW == 0;
        match row.name {
            "open" => self.opens(tid, here(a), low(b)),
            "creat" => self.opens(tid, here(a), CREATE | TRUNCATE),
            "openat" => self.opens(tid, (a, b), low(c)),
            "openat2" => {
                let flags = memory::read_u64(tid, c).unwrap_or(0);
                self.opens(tid, (a, b), low(flags))
            }
            "open_by_handle_at" if low(c) & TRUNCATE != 0 => {
                self.untraced(tid, "a file that is emptied by a handle of its own".to_owned())
            }
            "truncate" | "chmod" | "chown" | "utime" | "utimes" | "setxattr" | "removexattr" => {
                self.change_at(tid, here(a), true)
            }
            "lchown" | "lsetxattr" | "lremovexattr" => self.change_at(tid, here(a), false),
            "fchmodat" => self.change_at(tid, (a, b), true),
            "fchmodat2" | "utimensat" => self.change_at_or_open(tid, (a, b), d, follows(d)),
            "futimesat" => self.change_at_or_open(tid, (a, b), 0, true),
            "fchownat" => self.change_at_or_open(tid, (a, b), e, follows(e)),
            "setxattrat" | "removexattrat" => self.change_at_or_open(tid, (a, b), c, follows(c)),
            "file_setattr" => self.change_at_or_open(tid, (a, b), e, follows(e)),
            "unlink" | "rmdir" => self.change_name(tid, here(a), true),
            "unlinkat" => self.change_name(tid, (a, b), true),
            "mkdir" | "mknod" => self.change_name(tid, here(a), false),
            "mkdirat" | "mknodat" => self.change_name(tid, (a, b), false),
            "symlink" => self.change_name(tid, here(b), false),
            "symlinkat" => self.change_name(tid, (b, c), false),
            // What is written by one name is seen by the other.
            "link" => {
                self.change_at(tid, here(a), false)?;
                self.change_name(tid, here(b), false)
            }
            "linkat" => {
                self.change_at_or_open(tid, (a, b), e, e & FOLLOW != 0)?;
                self.change_name(tid, (c, d), false)
            }
            "rename" => self.change_of_place(tid, here(a), here(b), 0),
            "renameat" => self.change_of_place(tid, (a, b), (c, d), 0),
            "renameat2" => self.change_of_place(tid, (a, b), (c, d), e),
            "chroot" => self.changes_root(tid),
            _ => Ok(()),
        }
    }

    fn opens(&mut self, tid: Tid, place: (u64, u64), flags: i32) -> Result<(), Error> {
        if flags & (CREATE | TRUNCATE) == 0
            || flags & libc::O_PATH != 0
            || flags & libc::O_TMPFILE == libc::O_TMPFILE
        {
            return Ok(());
        }
        let follow = flags & libc::O_NOFOLLOW == 0 && flags & libc::O_EXCL == 0;
        let Some(path) = self.place(tid, place, follow)? else { return Ok(()) };
        let exists = self.is_there(tid, &path);
        match exists {
            true if flags & TRUNCATE != 0 => self.watch.changes(Change::At(&path)),
            false if flags & CREATE != 0 => self.watch.changes(Change::Name(&path)),
            _ => Ok(()),
        }
    }

    fn change_at(&mut self, tid: Tid, place: (u64, u64), follow: bool) -> Result<(), Error> {
        let path = self.place(tid, place, follow)?;
        match path.filter(|path| self.is_there(tid, path)) {
            Some(path) => self.watch.changes(Change::At(&path)),
            None => Ok(()),
        }
    }

    /// The same where an empty path, or none, stands for the descriptor itself.
    fn change_at_or_open(
        &mut self,
        tid: Tid,
        place: (u64, u64),
        flags: u64,
        follow: bool,
    ) -> Result<(), Error> {
        let mut byte = [0];
        let is_empty = place.1 == 0
            || flags & EMPTY_PATH != 0 && memory::read(tid, place.1, &mut byte) == 1 && byte == [0];
        if is_empty {
            return self.change_open(tid, low(place.0));
        }
        self.change_at(tid, place, follow)
    }

    /// A name comes into being or goes; nothing happens if it is there already, or not.
    fn change_name(&mut self, tid: Tid, place: (u64, u64), goes: bool) -> Result<(), Error> {
        let Some(path) = self.place(tid, place, false)? else { return Ok(()) };
        if self.is_there(tid, &path) != goes {
            return Ok(());
        }
        self.watch.changes(Change::Name(&path))
    }

    fn change_of_place(
        &mut self,
        tid: Tid,
        from: (u64, u64),
        to: (u64, u64),
        flags: u64,
    ) -> Result<(), Error> {
        let (Some(from), Some(to)) = (self.place(tid, from, false)?, self.place(tid, to, false)?)
        else {
            return Ok(());
        };
        if !self.is_there(tid, &from) {
            return Ok(());
        }
        let swapped = flags & EXCHANGE != 0;
        self.watch.changes(Change::Moved { from: &from, to: &to, swapped })
    }

    /// A socket gets a name among the files.
    fn changes_socket(&mut self, tid: Tid, arguments: &[u64; 6]) -> Result<(), Error> {
        const FAMILY: usize = 2;
        let length = usize::try_from(arguments[2]).unwrap_or(0).min(110);
        let mut bytes = vec![0; length];
        let got = memory::read(tid, arguments[1], &mut bytes);
        bytes.truncate(got);
        let unix = i32::from(bytes.first().copied().unwrap_or(0)) == libc::AF_UNIX;
        let name = bytes.get(FAMILY..).unwrap_or_default();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        if !unix || name.is_empty() {
            return Ok(());
        }
        self.must_be_followed(tid)?;
        let path = self.resolve(tid, libc::AT_FDCWD, name, false)?;
        match path.filter(|path| !self.is_there(tid, path)) {
            Some(path) => self.watch.changes(Change::Name(&path)),
            None => Ok(()),
        }
    }

    /// The paths of a program may lead elsewhere than ours.
    fn changes_view(&mut self, tid: Tid, row: &Row, arguments: &[u64; 6]) -> Result<(), Error> {
        match row.name {
            "unshare" | "clone" if arguments[0] & NEW_NAMESPACE != 0 => self.changes_root(tid),
            "clone3"
                if memory::read_u64(tid, arguments[0])
                    .is_some_and(|flags| flags & NEW_NAMESPACE != 0) =>
            {
                self.changes_root(tid)
            }
            "setns" | "pivot_root" | "mount" | "umount2" | "move_mount" => self.changes_root(tid),
            _ => Ok(()),
        }
    }

    fn changes_root(&mut self, tid: Tid) -> Result<(), Error> {
        if self.is_seated() {
            return Err(Error::NotFollowed { what: "it gets a root or mounts of its own" });
        }
        self.untraced(
            tid,
            "what is changed below a root or a mount of the program's own: those files are not \
             put back"
                .to_owned(),
        )
    }

    /// Where the path is that stands at an address, from the folder of a descriptor.
    fn place(
        &self,
        tid: Tid,
        (folder, path): (u64, u64),
        follow: bool,
    ) -> Result<Option<PathBuf>, Error> {
        self.must_be_followed(tid)?;
        match memory::read_string(tid, path, LONGEST_PATH) {
            Some(path) => self.resolve(tid, low(folder), &path, follow),
            None => Ok(None),
        }
    }

    /// Where a path leads that a task names, from the folder of a descriptor; `None` if nowhere.
    ///
    /// # Errors
    /// If the task sees other files than we do, and the path leads to those of somebody else.
    pub(super) fn resolve(
        &self,
        tid: Tid,
        folder: i32,
        path: &[u8],
        follow: bool,
    ) -> Result<Option<PathBuf>, Error> {
        if path.is_empty() || !self.tasks.contains_key(&tid) {
            return Ok(None);
        }
        let path = Path::new(OsStr::from_bytes(path));
        let base = match folder {
            _ if path.is_absolute() => PathBuf::new(),
            libc::AT_FDCWD => folder_path(tid),
            fd => match std::fs::read_link(format!("/proc/{tid}/fd/{fd}")) {
                Ok(folder) => folder,
                Err(_) => return Ok(None),
            },
        };
        let is_elsewhere = |link: &Path| self.is_seated() && !self.is_of_ours(link);
        resolved(&self.root_of(tid), &base.join(path), tid, follow, &is_elsewhere)
    }

    /// Whether a link below `/proc` is that of a task of this run.
    fn is_of_ours(&self, link: &Path) -> bool {
        let owner = link.iter().nth(2).and_then(OsStr::to_str);
        let owner: Option<Tid> = owner.and_then(|owner| owner.parse().ok());
        owner.is_some_and(|owner| {
            self.tasks.contains_key(&owner) || self.tasks.values().any(|task| task.pid == owner)
        })
    }

    /// Whether something stands at an absolute path, as a task sees it.
    pub(super) fn is_there(&self, tid: Tid, path: &Path) -> bool {
        std::fs::symlink_metadata(below(&self.root_of(tid), path)).is_ok()
    }

    /// A task that sees other files than we do may only change what we can look at as it does:
    /// nothing seems to be there if we cannot.
    fn must_be_followed(&self, tid: Tid) -> Result<(), Error> {
        match !self.is_seated() || std::fs::metadata(self.root_of(tid)).is_ok() {
            true => Ok(()),
            false => {
                Err(Error::NotFollowed { what: "its files cannot be looked at as it sees them" })
            }
        }
    }
}

/// What a descriptor leads to, among what has a name.
enum Behind {
    File(PathBuf),
    /// It has names, but not the one by which it was opened. Device and inode.
    Unnamed(u64, u64),
    /// Something that is nowhere, or no file.
    Nothing,
}

fn behind(root: &Path, tid: Tid, fd: i32) -> Behind {
    let link = format!("/proc/{tid}/fd/{fd}");
    let Ok(about) = std::fs::metadata(&link) else { return Behind::Nothing };
    if !about.is_file() && !about.is_dir() {
        return Behind::Nothing;
    }
    let Ok(path) = std::fs::read_link(&link) else { return Behind::Nothing };
    let same = std::fs::symlink_metadata(below(root, &path))
        .is_ok_and(|now| (now.dev(), now.ino()) == (about.dev(), about.ino()));
    match about.nlink() {
        _ if same => Behind::File(path),
        0 => Behind::Nothing,
        // Memory that has a name and is nowhere.
        _ if path.as_os_str().as_bytes().starts_with(b"/memfd:") => Behind::Nothing,
        _ => Behind::Unnamed(about.dev(), about.ino()),
    }
}

fn is_writable(tid: Tid, fd: i32) -> bool {
    descriptors::position(tid, fd).is_some_and(|(_, flags)| {
        flags & u64::from(libc::O_ACCMODE.cast_unsigned())
            != u64::from(libc::O_RDONLY.cast_unsigned())
    })
}

/// The path without links and dots, as thread `tid` sees it, whose paths begin at `root` for us; the
/// last part is left as it is unless links are to be followed. What is missing on the way stays as it
/// is written. The kernel's own links below `/proc` may lead to files of somebody else.
fn resolved(
    root: &Path,
    path: &Path,
    tid: Tid,
    follow: bool,
    is_elsewhere: &dyn Fn(&Path) -> bool,
) -> Result<Option<PathBuf>, Error> {
    let mut left: Vec<std::ffi::OsString> = parts(path);
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let own = at == Path::new("/proc") && (part == "self" || part == "thread-self");
        let next = if own { at.join(tid.to_string()) } else { at.join(&part) };
        let is_link = !own
            && (follow || !left.is_empty())
            && std::fs::symlink_metadata(below(root, &next)).is_ok_and(|about| about.is_symlink());
        if !is_link {
            at = next;
            continue;
        }
        links += 1;
        let target = std::fs::read_link(below(root, &next)).ok().filter(|_| links <= MOST_LINKS);
        let Some(target) = target else { return Ok(None) };
        if target.is_absolute() {
            if next.starts_with("/proc") && is_elsewhere(&next) {
                return Err(Error::NotFollowed {
                    what: "it changes files as another process sees them",
                });
            }
            at = PathBuf::from("/");
        } else if at.starts_with("/proc") && target.as_os_str().as_bytes().contains(&b'[') {
            // A pipe or the like, which has no path.
            return Ok(None);
        }
        left.extend(parts(&target));
    }
    Ok(Some(at))
}

/// An absolute path, from where it begins for us.
pub(crate) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<std::ffi::OsString> {
    use std::path::Component;
    let part = |component: Component<'_>| match component {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().rev().filter_map(part).collect()
}
