//! Reading the parts of an ELF file. The only module that knows `object`.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use object::read::ReadCache;
use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _, SymbolKind};

use crate::Error;

/// A section that claims more than this is not read.
const LARGEST: u64 = 4 << 30;

/// The length of a page of memory.
const PAGE: u64 = 4096;

/// What tells one build of a file from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The build id that the linker wrote; empty if there is none.
    pub build_id: Vec<u8>,
    /// The file's length in bytes.
    pub length: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified: i64,
}

impl Identity {
    /// What the file is now.
    ///
    /// # Errors
    /// If it cannot be read, or is no ELF file.
    pub fn of(path: &Path) -> Result<Self, Error> {
        Elf::open(path)?
            .with(|object| Ok(object.build_id().ok().flatten().map(<[u8]>::to_vec)))
            .and_then(|build_id| {
                let failed = |source| Error::Read { path: path.to_owned(), source };
                let about = fs::metadata(path).map_err(failed)?;
                Ok(Self {
                    build_id: build_id.unwrap_or_default(),
                    length: about.len(),
                    modified: about
                        .mtime()
                        .saturating_mul(1_000_000_000)
                        .saturating_add(about.mtime_nsec()),
                })
            })
    }

    /// Whether both are of the same build: by their build ids where both have one, else by length
    /// and time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        if self.build_id.is_empty() && other.build_id.is_empty() {
            (self.length, self.modified) == (other.length, other.modified)
        } else {
            self.build_id == other.build_id
        }
    }
}

/// An ELF file that is read piece by piece.
pub(crate) struct Elf {
    path: PathBuf,
    file: File,
}

/// The parsed headers.
pub(crate) type Object<'c, 'f> = object::File<'c, &'c ReadCache<&'f File>>;

/// A function of the symbol table.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub(crate) address: u64,
    pub(crate) size: u64,
    pub(crate) name: String,
}

/// A part of the file that is loaded to be executed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) address: u64,
}

impl Elf {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        // A pipe or a device would never end.
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(Error::Malformed { path: path.to_owned(), what: "no file".to_owned() });
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Looks at the headers.
    pub(crate) fn with<T>(
        &self,
        look: impl FnOnce(&Object<'_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let cache = ReadCache::new(&self.file);
        let object = object::File::parse(&cache).map_err(|error| self.malformed(&error))?;
        if !object.is_little_endian() || object.format() != object::BinaryFormat::Elf {
            return Err(self.malformed(&"no ELF file of this kind of machine"));
        }
        look(&object)
    }

    fn malformed(&self, what: &dyn std::fmt::Display) -> Error {
        Error::Malformed { path: self.path.clone(), what: what.to_string() }
    }

    /// The address and the decompressed bytes of a section; `None` if there is none, or it cannot
    /// be read.
    pub(crate) fn section(&self, object: &Object<'_, '_>, name: &str) -> Option<(u64, Vec<u8>)> {
        let section = object.section_by_name(name)?;
        if section.size() > LARGEST {
            return None;
        }
        let data = section.uncompressed_data().ok()?;
        Some((section.address(), data.into_owned()))
    }

    /// The address of a section.
    pub(crate) fn address(object: &Object<'_, '_>, name: &str) -> Option<u64> {
        object.section_by_name(name).map(|section| section.address())
    }

    /// What is loaded to be executed, and from where.
    pub(crate) fn loaded(object: &Object<'_, '_>) -> Vec<Loaded> {
        object
            .segments()
            .filter(|segment| segment.permissions().executable())
            .map(|segment| {
                let (offset, length) = segment.file_range();
                // Whole pages are mapped, so what stands before it in its page is as well.
                let before = offset % PAGE;
                Loaded {
                    offset: offset - before,
                    length: length.saturating_add(before),
                    address: segment.address().wrapping_sub(before),
                }
            })
            .collect()
    }

    /// The functions whose extent is known, by address.
    pub(crate) fn symbols(object: &Object<'_, '_>) -> Vec<Symbol> {
        let mut all: Vec<Symbol> = object
            .symbols()
            .chain(object.dynamic_symbols())
            .filter(|symbol| {
                symbol.kind() == SymbolKind::Text && symbol.size() > 0 && symbol.is_definition()
            })
            .filter_map(|symbol| {
                let name = symbol.name().ok().filter(|name| !name.is_empty())?;
                Some(Symbol { address: symbol.address(), size: symbol.size(), name: name.into() })
            })
            .collect();
        all.sort_by(|a, b| (a.address, &a.name).cmp(&(b.address, &b.name)));
        all.dedup_by(|a, b| a.address == b.address && a.name == b.name);
        all
    }

    /// The file that holds the debug information, if it is another one and is there: by build id,
    /// or by the name that the program gives.
    pub(crate) fn debug_file(&self, object: &Object<'_, '_>) -> Option<PathBuf> {
        let build_id = object.build_id().ok().flatten().unwrap_or_default();
        if let [first, rest @ ..] = build_id {
            let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
            let (first, rest) = (hex(&[*first]), hex(rest));
            let path = format!("/usr/lib/debug/.build-id/{first}/{rest}.debug");
            if Path::new(&path).is_file() {
                return Some(path.into());
            }
        }
        let (name, _) = object.gnu_debuglink().ok().flatten()?;
        let name = std::str::from_utf8(name).ok()?;
        let folder = self.path.parent()?;
        let below = folder.strip_prefix("/").unwrap_or(folder);
        let candidates = [
            folder.join(name),
            folder.join(".debug").join(name),
            Path::new("/usr/lib/debug").join(below).join(name),
        ];
        candidates.into_iter().find(|path| {
            // Of the same build, or its lines are those of another program.
            let is_same = |identity: Identity| identity.build_id == build_id;
            !build_id.is_empty() && Identity::of(path).is_ok_and(is_same)
        })
    }
}
