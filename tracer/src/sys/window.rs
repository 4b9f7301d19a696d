//! Memory that a traced program shares with its tracer.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::MetadataExt;
use std::ptr::NonNull;

use super::landing::{CODE, LENGTH};
use super::{Tid, check};

/// What [`super::landing`] keeps, as the tracer sees it.
#[derive(Debug)]
pub(crate) struct Window {
    file: File,
    /// The start of `SIZE` bytes, mapped for as long as this lives, of a file that keeps its length.
    start: NonNull<u8>,
}

#[expect(clippy::cast_possible_truncation, reason = "less than forty thousand")]
const SIZE: usize = (LENGTH - CODE) as usize;

impl Window {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: the name ends with a NUL and outlives the call.
        let made = unsafe {
            libc::memfd_create(c"samestate".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)
        };
        check(made.into())?;
        // SAFETY: the kernel has just made it, and nobody else knows of it.
        let file = unsafe { File::from_raw_fd(made) };
        file.set_len(SIZE as u64)?;
        // A program that opens it, too, must not take away what we have mapped.
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: takes plain numbers, of a file that is ours.
        check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) }.into())?;
        // SAFETY: a new mapping at a place that the kernel chooses, of a file that is that long.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SIZE,
                libc::PROT_READ,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { file, start })
    }

    /// Where a program of this user finds the file.
    pub(crate) fn path(&self) -> Option<CString> {
        CString::new(format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())).ok()
    }

    /// Whether a descriptor of a stopped program leads to the file: where that sees other processes
    /// under our number it may have found anything.
    pub(crate) fn is(&self, tid: Tid, fd: i64) -> bool {
        let inode = |about: fs::Metadata| (about.dev(), about.ino());
        let theirs = fs::metadata(format!("/proc/{tid}/fd/{fd}")).map(inode);
        let ours = self.file.metadata().map(inode);
        matches!((ours, theirs), (Ok(ours), Ok(theirs)) if ours == theirs)
    }

    /// The first bytes. The programs that write there must be stopped.
    pub(crate) fn read(&self, bytes: &mut [u8]) {
        let words = bytes.chunks_mut(8).zip((0..SIZE).step_by(8));
        for (word, at) in words {
            // SAFETY: the eight bytes from `at` on are within the mapping, whose start is that of a
            // page and whose length is a multiple of eight.
            let place = unsafe { self.start.add(at) }.cast::<[u8; 8]>();
            // SAFETY: any bytes are a value. The read is volatile because another process has
            // written there.
            let read = unsafe { place.read_volatile() };
            word.copy_from_slice(&read[..word.len()]);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: nobody has a reference into the mapping, and it is this long.
        unsafe { libc::munmap(self.start.as_ptr().cast(), SIZE) };
    }
}
