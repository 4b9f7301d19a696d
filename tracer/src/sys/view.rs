//! A view of the files of its own for a program that is about to be started: what it changes in some
//! folders stays in layers beside them.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The kernel reads one page of options, and leaves out what follows.
const MOST_OPTIONS: usize = 4096;

/// What the child does before it becomes the program.
#[derive(Debug)]
pub(crate) struct View {
    layers: Vec<Layer>,
    /// Where it goes on, as its folder may have been covered.
    directory: CString,
    /// What makes the user somebody who may mount, where it takes that.
    ids: Option<Ids>,
}

/// A folder that is covered.
#[derive(Debug)]
struct Layer {
    folder: CString,
    options: CString,
}

/// Whom a process is in a namespace of users: who it was.
#[derive(Debug)]
struct Ids {
    user: Vec<u8>,
    group: Vec<u8>,
}

impl View {
    /// A view with a layer for each folder: the folder, what is changed in it, and a folder that
    /// the kernel needs for its work. All are absolute; the two last are on one file system.
    ///
    /// # Errors
    /// If a path holds a NUL byte, or is too long.
    pub(crate) fn new<'a>(
        layers: impl IntoIterator<Item = (&'a Path, PathBuf, PathBuf)>,
        directory: &Path,
    ) -> io::Result<Self> {
        let ids = (!is_root()).then(Ids::ours);
        // In a namespace of users the marks of a layer are attributes that users may set. What is
        // flushed there is flushed for nobody.
        let more: &[u8] = match ids {
            Some(_) => b",volatile,userxattr",
            None => b",volatile,redirect_dir=on",
        };
        let layer = |(folder, upper, work): (&Path, PathBuf, PathBuf)| {
            let mut options = b"lowerdir=".to_vec();
            options.extend(escaped(folder));
            options.extend(b",upperdir=");
            options.extend(escaped(&upper));
            options.extend(b",workdir=");
            options.extend(escaped(&work));
            options.extend(more);
            if options.len() >= MOST_OPTIONS {
                return Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG));
            }
            let folder = CString::new(folder.as_os_str().as_bytes())?;
            Ok(Layer { folder, options: CString::new(options)? })
        };
        Ok(Self {
            layers: layers.into_iter().map(layer).collect::<io::Result<_>>()?,
            directory: CString::new(directory.as_os_str().as_bytes())?,
            ids,
        })
    }

    /// Whether the program gets no new rights, as without a view.
    pub(crate) const fn is_of_user(&self) -> bool {
        self.ids.is_some()
    }

    /// Gives the calling process this view. Every call here is async-signal-safe, and nothing is
    /// allocated. False if the kernel refuses, which `errno` tells more about.
    pub(super) fn enter(&self) -> bool {
        let users = if self.ids.is_some() { libc::CLONE_NEWUSER } else { 0 };
        // SAFETY: takes plain numbers.
        if unsafe { libc::unshare(libc::CLONE_NEWNS | users) } != 0 {
            return false;
        }
        if let Some(ids) = &self.ids {
            let entered = put(c"/proc/self/setgroups", b"deny")
                && put(c"/proc/self/uid_map", &ids.user)
                && put(c"/proc/self/gid_map", &ids.group);
            if !entered {
                return false;
            }
        }
        // Else what is mounted here would be mounted for all.
        let private = libc::MS_REC | libc::MS_PRIVATE;
        mount(c"none", c"/", c"none", private, c"")
            && self
                .layers
                .iter()
                .all(|layer| mount(c"overlay", &layer.folder, c"overlay", 0, &layer.options))
            // SAFETY: the string ends with a NUL and outlives the call.
            && unsafe { libc::chdir(self.directory.as_ptr()) } == 0
    }
}

impl Ids {
    fn ours() -> Self {
        // SAFETY: takes nothing and cannot fail.
        let user = unsafe { libc::geteuid() };
        // SAFETY: as above.
        let group = unsafe { libc::getegid() };
        let line = |id| format!("{id} {id} 1").into_bytes();
        Self { user: line(user), group: line(group) }
    }
}

fn is_root() -> bool {
    // SAFETY: takes nothing and cannot fail.
    (unsafe { libc::geteuid() }) == 0
}

/// A path as an option of the overlay, where a comma ends an option and a colon a folder.
fn escaped(path: &Path) -> impl Iterator<Item = u8> {
    path.as_os_str().as_bytes().iter().flat_map(|byte| {
        let escape = matches!(byte, b',' | b':' | b'\\').then_some(b'\\');
        escape.into_iter().chain([*byte])
    })
}

fn mount(from: &CStr, at: &CStr, kind: &CStr, flags: libc::c_ulong, options: &CStr) -> bool {
    // SAFETY: all strings end with a NUL and outlive the call, which keeps none of them.
    let result = unsafe {
        libc::mount(from.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast())
    };
    result == 0
}

/// Writes to a file that is there, at once.
fn put(path: &CStr, text: &[u8]) -> bool {
    // SAFETY: the string ends with a NUL and outlives the call.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return false;
    }
    // SAFETY: the kernel reads as many bytes as there are, which outlive the call.
    let written = unsafe { libc::write(file, text.as_ptr().cast(), text.len()) };
    // SAFETY: the descriptor is ours alone, and not used any more.
    unsafe { libc::close(file) };
    usize::try_from(written) == Ok(text.len())
}
