//! Structures of the kernel: what of them is compared, and how they are shown.

use std::fmt::Write as _;

use crate::table::Layout;
use crate::trace::Payload;

/// Type and name of each entry of a folder.
pub(crate) fn entries(layout: Layout, bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while let Some(length) = u16_at(rest, 16).map(usize::from) {
        let Some(entry) = rest.get(..length).filter(|entry| entry.len() > 19) else { break };
        // `linux_dirent64` has the type before the name, `linux_dirent` in its last byte.
        let (kind, name) = match layout {
            Layout::Entries64 => (entry[18], &entry[19..]),
            _ => (entry[length - 1], &entry[18..length - 1]),
        };
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
        entries.push((kind, &name[..end]));
        rest = &rest[length..];
    }
    entries
}

/// What two runs must have in common of a structure; `None` for all of its bytes.
pub(crate) fn canonical(layout: Layout, payload: &Payload) -> Option<Vec<u8>> {
    let bytes = &payload.bytes;
    match layout {
        Layout::Plain
        | Layout::Timespec
        | Layout::Timeval
        | Layout::Sigset
        | Layout::WaitStatus => None,
        Layout::SocketAddress => Some(socket_address(bytes).to_vec()),
        Layout::Opaque | Layout::FdPair | Layout::PollFds | Layout::EpollEvent => Some(Vec::new()),
        Layout::Stat => Some(stat(bytes).map_or_else(Vec::new, |stat| stat.canonical())),
        Layout::Statx => Some(statx(bytes).map_or_else(Vec::new, |stat| stat.canonical())),
        // Its type and its block size; the rest changes with whatever else uses the disk.
        Layout::Statfs => bytes.get(..16).map(<[u8]>::to_vec),
        Layout::Entries | Layout::Entries64 => {
            let mut all = entries(layout, bytes);
            all.sort_unstable();
            let mut out = Vec::new();
            for (kind, name) in all {
                out.push(kind);
                out.extend_from_slice(name);
                out.push(0);
            }
            Some(out)
        }
        Layout::Sigaction => {
            // Handlers are addresses, but "default" and "ignore" are not.
            let handler = u64_at(bytes, 0).map_or(0, |handler| handler.min(2));
            let mut out = handler.to_le_bytes().to_vec();
            out.extend_from_slice(bytes.get(8..16).unwrap_or_default());
            out.extend_from_slice(bytes.get(24..32).unwrap_or_default());
            Some(out)
        }
        // Flags and the signal at exit.
        Layout::CloneArgs => {
            let mut out = bytes.get(..8).unwrap_or_default().to_vec();
            out.extend_from_slice(bytes.get(32..40).unwrap_or_default());
            Some(out)
        }
    }
}

/// A structure for people, if there is something better than its bytes.
pub(crate) fn show(layout: Layout, payload: &Payload) -> Option<String> {
    let bytes = &payload.bytes;
    match layout {
        Layout::Stat => Some(stat(bytes)?.to_string()),
        Layout::Statx => Some(statx(bytes)?.to_string()),
        Layout::Timespec => Some(format!("{}.{:09}s", i64_at(bytes, 0)?, i64_at(bytes, 8)?)),
        Layout::Timeval => Some(format!("{}.{:06}s", i64_at(bytes, 0)?, i64_at(bytes, 8)?)),
        Layout::Entries | Layout::Entries64 => {
            let all = entries(layout, bytes);
            let mut out = format!("[{} entries", all.len());
            for (_, name) in all.iter().take(4) {
                let _infallible = write!(out, " {}", name.escape_ascii());
            }
            if all.len() > 4 {
                out.push_str(" …");
            }
            out.push(']');
            Some(out)
        }
        Layout::FdPair => {
            let first = u32_at(bytes, 0)?.cast_signed();
            Some(format!("[{first}, {}]", u32_at(bytes, 4)?.cast_signed()))
        }
        Layout::SocketAddress if bytes.first_chunk() == Some(&[1, 0]) => {
            Some(format!("{{unix \"{}\"}}", socket_address(bytes)[2..].escape_ascii()))
        }
        Layout::Sigset => Some(format!("{:#x}", u64_at(bytes, 0)?)),
        Layout::Sigaction => Some(match u64_at(bytes, 0)? {
            0 => "SIG_DFL".to_owned(),
            1 => "SIG_IGN".to_owned(),
            handler => format!("{{handler {handler:#x}, flags {:#x}}}", u64_at(bytes, 8)?),
        }),
        Layout::WaitStatus => {
            let status = u32_at(bytes, 0)?.cast_signed();
            Some(if libc::WIFEXITED(status) {
                format!("[exited {}]", libc::WEXITSTATUS(status))
            } else {
                format!("[{status:#x}]")
            })
        }
        _ => None,
    }
}

/// The part of an address that means something: the path of a Unix socket ends with a NUL, and
/// what follows is left over, unless the name is abstract.
fn socket_address(bytes: &[u8]) -> &[u8] {
    let is_unix = bytes.first_chunk() == Some(&[1, 0]);
    match bytes.get(2) {
        Some(&first) if is_unix && first != 0 => {
            let end =
                bytes[2..].iter().position(|&byte| byte == 0).map_or(bytes.len(), |at| at + 2);
            &bytes[..end]
        }
        _ => bytes,
    }
}

/// What is compared of `stat` and `statx`. Times, the device, the inode and the blocks differ
/// between two runs that are otherwise alike; the size and the links of a folder depend on its
/// history.
struct About {
    mode: u32,
    links: u64,
    owner: u32,
    group: u32,
    size: u64,
    device: u64,
}

impl About {
    fn canonical(&self) -> Vec<u8> {
        let mut out = self.mode.to_le_bytes().to_vec();
        out.extend_from_slice(&self.owner.to_le_bytes());
        out.extend_from_slice(&self.group.to_le_bytes());
        match self.mode & libc::S_IFMT {
            libc::S_IFREG | libc::S_IFLNK => {
                out.extend_from_slice(&self.size.to_le_bytes());
                out.extend_from_slice(&self.links.to_le_bytes());
            }
            libc::S_IFCHR | libc::S_IFBLK => out.extend_from_slice(&self.device.to_le_bytes()),
            _ => {}
        }
        out
    }
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.mode & libc::S_IFMT {
            libc::S_IFREG => "file",
            libc::S_IFDIR => "folder",
            libc::S_IFLNK => "link",
            libc::S_IFIFO => "pipe",
            libc::S_IFSOCK => "socket",
            libc::S_IFCHR => "device",
            libc::S_IFBLK => "disk",
            _ => "?",
        };
        write!(
            f,
            "{{{kind} mode {:#o} size {} owner {} group {} links {}}}",
            self.mode & 0o7777,
            self.size,
            self.owner,
            self.group,
            self.links
        )
    }
}

fn stat(bytes: &[u8]) -> Option<About> {
    Some(About {
        links: u64_at(bytes, 16)?,
        mode: u32_at(bytes, 24)?,
        owner: u32_at(bytes, 28)?,
        group: u32_at(bytes, 32)?,
        device: u64_at(bytes, 40)?,
        size: u64_at(bytes, 48)?,
    })
}

fn statx(bytes: &[u8]) -> Option<About> {
    Some(About {
        links: u32_at(bytes, 16)?.into(),
        owner: u32_at(bytes, 20)?,
        group: u32_at(bytes, 24)?,
        mode: u16_at(bytes, 28)?.into(),
        size: u64_at(bytes, 40)?,
        device: u64_at(bytes, 128)?,
    })
}

/// What a program is told of a file besides what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    mode: u32,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) blocks: u64,
    /// Nanoseconds since 1970.
    pub(crate) accessed: i64,
    /// See [`Told::accessed`].
    pub(crate) modified: i64,
    /// See [`Told::accessed`].
    pub(crate) changed: i64,
}

/// Where [`Told`] stands in a structure: offsets of inode, blocks, and the seconds of the three
/// times.
struct Offsets {
    inode: usize,
    blocks: usize,
    times: [usize; 3],
}

const fn offsets(layout: Layout) -> Option<Offsets> {
    match layout {
        Layout::Stat => Some(Offsets { inode: 8, blocks: 64, times: [72, 88, 104] }),
        // Access, change of the content, change of anything; between them stands its birth.
        Layout::Statx => Some(Offsets { inode: 32, blocks: 48, times: [64, 112, 96] }),
        _ => None,
    }
}

/// Reads it from a structure.
pub(crate) fn told(layout: Layout, bytes: &[u8]) -> Option<Told> {
    let offsets = offsets(layout)?;
    let (about, device) = match layout {
        Layout::Stat => (stat(bytes)?, u64_at(bytes, 0)?),
        _ => (statx(bytes)?, u64_at(bytes, 136)?),
    };
    let time = |at: usize| -> Option<i64> {
        // The nanoseconds have 8 bytes in one structure and 4 in the other, and never need more.
        let nanoseconds = i64::from(u32_at(bytes, at + 8)?);
        Some(i64_at(bytes, at)?.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
    };
    Some(Told {
        mode: about.mode,
        device,
        inode: u64_at(bytes, offsets.inode)?,
        size: about.size,
        blocks: u64_at(bytes, offsets.blocks)?,
        accessed: time(offsets.times[0])?,
        modified: time(offsets.times[1])?,
        changed: time(offsets.times[2])?,
    })
}

impl Told {
    /// File, folder, link, …
    pub(crate) const fn kind(&self) -> u32 {
        self.mode & libc::S_IFMT
    }

    /// Writes it to a structure that is long enough; whether it was.
    pub(crate) fn put(&self, layout: Layout, bytes: &mut [u8]) -> bool {
        let Some(offsets) = offsets(layout) else { return false };
        let mut fits = true;
        let mut put = |at: usize, value: &[u8]| match bytes.get_mut(at..at + value.len()) {
            Some(place) => place.copy_from_slice(value),
            None => fits = false,
        };
        put(offsets.inode, &self.inode.to_le_bytes());
        put(offsets.blocks, &self.blocks.to_le_bytes());
        let times = [self.accessed, self.modified, self.changed];
        for (at, time) in offsets.times.into_iter().zip(times) {
            put(at, &time.div_euclid(1_000_000_000).to_le_bytes());
            let nanoseconds = u32::try_from(time.rem_euclid(1_000_000_000)).unwrap_or(0);
            put(at + 8, &nanoseconds.to_le_bytes());
        }
        fits
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn i64_at(bytes: &[u8], at: usize) -> Option<i64> {
    u64_at(bytes, at).map(u64::cast_signed)
}
