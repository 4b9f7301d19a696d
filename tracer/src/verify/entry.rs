//! What stands at a path, and how it is written to the journal.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::sys::file;
use crate::trace::varint::{Cursor, DecodeError, put, put_bytes, put_signed};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Nothing,
    /// A file, and the copy of its content.
    File {
        copy: PathBuf,
        about: About,
    },
    /// Another name of the file at this path.
    Name {
        of: PathBuf,
    },
    Folder {
        about: About,
    },
    Link {
        target: PathBuf,
        about: About,
    },
    /// A pipe, a socket or a device: it has no content that could be put back.
    Node {
        about: About,
        device: u64,
    },
}

/// What is put back of a file or a folder besides its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// Kind and permissions.
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
    /// Seconds and nanoseconds since 1970.
    pub(super) modified: (i64, i64),
    pub(super) accessed: (i64, i64),
    /// Names and values of its extended attributes, in order.
    pub(super) attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Device and inode: whether what stands there now is still the same file.
    pub(super) inode: (u64, u64),
}

/// The files at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot(pub(super) BTreeMap<PathBuf, Entry>);

impl About {
    /// Of what stands at a path.
    pub(super) fn at(path: &Path, about: &Metadata) -> Self {
        // Where there are none to be had, there are none to be put back.
        let attributes = file::attributes(path).unwrap_or_default();
        Self { attributes, ..Self::of(about) }
    }

    /// Without its extended attributes.
    pub(super) fn of(about: &Metadata) -> Self {
        Self {
            attributes: Vec::new(),
            mode: about.mode(),
            owner: about.uid(),
            group: about.gid(),
            modified: (about.mtime(), about.mtime_nsec()),
            accessed: (about.atime(), about.atime_nsec()),
            inode: (about.dev(), about.ino()),
        }
    }

    /// Whether that is all as it is of what stands at a path now, but for when it was last looked at.
    pub(super) fn is_of(&self, path: &Path, now: &Metadata) -> bool {
        let now = Self::at(path, now);
        (now.mode, now.owner, now.group, now.modified, &now.attributes)
            == (self.mode, self.owner, self.group, self.modified, &self.attributes)
    }

    /// Gives a file, a folder or a node its owner, its times and its permissions.
    pub(super) fn apply(&self, path: &Path) -> Result<(), Error> {
        let failed = |error| Error::file("put back the mode and times of", path)(error);
        let now = fs::symlink_metadata(path).map_err(failed)?;
        let now = Self::at(path, &now);
        if (now.owner, now.group) != (self.owner, self.group) {
            std::os::unix::fs::lchown(path, Some(self.owner), Some(self.group)).map_err(failed)?;
        }
        for (name, value) in &self.attributes {
            if !now.attributes.iter().any(|now| now == &(name.clone(), value.clone())) {
                file::set_attribute(path, name, Some(value)).map_err(failed)?;
            }
        }
        for (name, _) in &now.attributes {
            if !self.attributes.iter().any(|(wanted, _)| wanted == name) {
                file::set_attribute(path, name, None).map_err(failed)?;
            }
        }
        if (now.modified, now.accessed) != (self.modified, self.accessed) {
            file::set_times(path, [self.accessed, self.modified]).map_err(failed)?;
        }
        let is_link = self.mode & libc::S_IFMT == libc::S_IFLNK;
        if is_link || now.mode == self.mode && now.owner == self.owner && now.group == self.group {
            return Ok(());
        }
        // A change of the owner may have taken some of them away, so this comes last.
        let permissions = fs::Permissions::from_mode(self.mode & 0o7777);
        fs::set_permissions(path, permissions).map_err(failed)
    }

    /// Gives it its owner and its permissions, and leaves its times alone.
    pub(super) fn allow(&self, path: &Path) -> Result<(), Error> {
        let now = fs::symlink_metadata(path);
        let now = Self::of(&now.map_err(Error::file("look at", path))?);
        let as_now = Self { modified: now.modified, accessed: now.accessed, ..self.clone() };
        as_now.apply(path)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.mode, self.owner, self.group] {
            put(out, number.into());
        }
        for (seconds, nanoseconds) in [self.modified, self.accessed] {
            put_signed(out, seconds);
            put_signed(out, nanoseconds);
        }
        put(out, self.inode.0);
        put(out, self.inode.1);
        put(out, self.attributes.len() as u64);
        for (name, value) in &self.attributes {
            put_bytes(out, name);
            put_bytes(out, value);
        }
    }

    fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let (mode, owner, group) = (cursor.small()?, cursor.small()?, cursor.small()?);
        let mut time = || Ok((cursor.signed()?, cursor.signed()?));
        let (modified, accessed) = (time()?, time()?);
        let inode = (cursor.number()?, cursor.number()?);
        let mut attributes = Vec::new();
        for _ in 0..cursor.number()? {
            attributes.push((cursor.bytes()?.to_vec(), cursor.bytes()?.to_vec()));
        }
        Ok(Self { mode, owner, group, modified, accessed, attributes, inode })
    }
}

const NOTHING: u8 = 0;
const FILE: u8 = 1;
const NAME: u8 = 2;
const FOLDER: u8 = 3;
const LINK: u8 = 4;
const NODE: u8 = 5;

fn put_path(out: &mut Vec<u8>, path: &Path, base: &Path) {
    let path = path.strip_prefix(base).unwrap_or(path);
    put_bytes(out, path.as_os_str().as_bytes());
}

fn path(cursor: &mut Cursor<'_>, base: &Path) -> Result<PathBuf, DecodeError> {
    let relative = cursor.bytes()?;
    // Joining nothing would add a slash, which stands for a folder.
    Ok(if relative.is_empty() { base.to_owned() } else { base.join(OsStr::from_bytes(relative)) })
}

impl Snapshot {
    /// The entries at and below `root`. Paths are written relative to it, copies relative to
    /// `folder`, so that both may be moved together.
    pub(super) fn encode(&self, root: &Path, folder: &Path) -> Vec<u8> {
        let mut out = Vec::new();
        for (at, entry) in self.0.iter().filter(|(at, _)| at.starts_with(root)) {
            let tag = match entry {
                Entry::Nothing => NOTHING,
                Entry::File { .. } => FILE,
                Entry::Name { .. } => NAME,
                Entry::Folder { .. } => FOLDER,
                Entry::Link { .. } => LINK,
                Entry::Node { .. } => NODE,
            };
            out.push(tag);
            put_path(&mut out, at, root);
            match entry {
                Entry::Nothing => {}
                Entry::File { copy, about } => {
                    put_path(&mut out, copy, folder);
                    about.encode(&mut out);
                }
                Entry::Name { of } => put_path(&mut out, of, root),
                Entry::Folder { about } => about.encode(&mut out),
                Entry::Link { target, about } => {
                    put_bytes(&mut out, target.as_os_str().as_bytes());
                    about.encode(&mut out);
                }
                Entry::Node { about, device } => {
                    about.encode(&mut out);
                    put(&mut out, *device);
                }
            }
        }
        out
    }

    pub(super) fn decode(bytes: &[u8], root: &Path, folder: &Path) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(bytes, 0);
        let mut snapshot = Self::default();
        while cursor.offset() < bytes.len() {
            let error = cursor.error("what stands at a path");
            let tag = cursor.byte()?;
            let at = path(&mut cursor, root)?;
            let entry = match tag {
                NOTHING => Entry::Nothing,
                FILE => Entry::File {
                    copy: path(&mut cursor, folder)?,
                    about: About::decode(&mut cursor)?,
                },
                NAME => Entry::Name { of: path(&mut cursor, root)? },
                FOLDER => Entry::Folder { about: About::decode(&mut cursor)? },
                LINK => Entry::Link {
                    target: OsStr::from_bytes(cursor.bytes()?).into(),
                    about: About::decode(&mut cursor)?,
                },
                NODE => {
                    Entry::Node { about: About::decode(&mut cursor)?, device: cursor.number()? }
                }
                _ => return Err(error),
            };
            snapshot.0.insert(at, entry);
        }
        Ok(snapshot)
    }
}
