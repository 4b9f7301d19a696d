//! From a file to the sections that matter. The only module that knows `object`.
//!
//! Only debug sections and records are read, so that a large program costs no more memory than
//! its debug information does.

mod cache;
mod layout;
mod parts;
mod places;
mod tables;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use object::{Architecture, FileKind, Object, ObjectSection as _};

use self::cache::Cache;
pub(crate) use self::layout::Layout;
use self::parts::{Plan, Wanted};
use self::places::Places;
use crate::error::Error;
use crate::memory::Target;

/// The debug sections of one file, decompressed, by their names without `.dwo`.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    by_name: BTreeMap<String, Vec<u8>>,
    /// Byte order of the file.
    pub(crate) little_endian: bool,
    /// What could not be read of what an object file leaves to the linker.
    pub(crate) damage: Vec<String>,
}

impl Sections {
    /// The bytes of a section; empty if the file has none of that name.
    pub(crate) fn get(&self, name: &str) -> &[u8] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The part of the binary that holds records.
#[derive(Debug)]
pub(crate) struct RecordSection {
    /// Where it is loaded.
    pub(crate) address: u64,
    /// Its bytes as they stand in the file.
    pub(crate) bytes: Vec<u8>,
}

/// What was read of one executable.
#[derive(Debug)]
pub(crate) struct Binary {
    /// The file as it was named.
    pub(crate) path: PathBuf,
    /// Its debug sections, or those of its separate debug file.
    pub(crate) sections: Sections,
    /// The debug sections of the `.dwp` beside it, if there is one.
    pub(crate) package: Option<Sections>,
    /// The sections that hold records.
    pub(crate) records: Vec<RecordSection>,
    /// Remarks on what was looked for elsewhere, for people.
    pub(crate) notes: Vec<String>,
    /// A separate debug file that the binary names and that is not there.
    pub(crate) missing_debug_file: Option<MissingDebugFile>,
    /// A file that holds debug information of several programs, which is not read.
    pub(crate) shared_debug_file: Option<String>,
    /// When the file was written, where the file system tells.
    pub(crate) written: Option<SystemTime>,
    /// Where everything is loaded.
    pub(crate) layout: Layout,
    /// The machine that it was built for.
    pub(crate) target: Target,
}

/// A separate debug file that could not be used.
#[derive(Debug)]
pub(crate) struct MissingDebugFile {
    /// Its name.
    pub(crate) name: String,
    /// A file of that name, of another build.
    pub(crate) foreign: Option<PathBuf>,
}

/// Reads an executable, following `.gnu_debuglink` and the build id to its debug file, and
/// picking up a `.dwp` that lies beside it.
pub(crate) fn load(path: &Path) -> Result<Binary, Error> {
    let file = open(path)?;
    let written = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let cache = Cache::new(&file);
    let object = parse(path, &cache)?;
    let mut places = places_of(path, &object)?;
    let shared = object.gnu_debugaltlink().ok().flatten();
    let shared = shared.map(|(name, _)| String::from_utf8_lossy(name).into_owned());
    let link = object.gnu_debuglink().ok().flatten();
    let link = link.map(|(name, crc)| (String::from_utf8_lossy(name).into_owned(), crc));
    let build_id = object.build_id().ok().flatten().map(<[u8]>::to_vec);
    let plan = Plan::new(path, &file, &object, &mut places, Wanted::Linked)?;
    let record_plan = parts::records(path, &object, &places)?;
    let names = object.section_by_name(".strtab").and_then(|section| section.file_range());
    let mut sections = None;
    let layout = rayon::in_place_scope(|scope| {
        scope.spawn(|_| sections = Some(plan.read(path, &file)));
        names.into_iter().for_each(|names| cache.read_names(names));
        Layout::read(&object, &file, &places)
    });
    let target = target(&object);
    drop(cache);

    let mut binary = Binary {
        path: path.to_owned(),
        sections: sections.transpose()?.unwrap_or_default(),
        package: None,
        records: Vec::new(),
        notes: Vec::new(),
        missing_debug_file: None,
        shared_debug_file: shared,
        written,
        layout,
        target,
    };
    for (address, part) in record_plan {
        binary.records.push(RecordSection { address, bytes: part.read(path, &file)? });
    }
    if places.is_unlinked() {
        binary.notes.push(UNLINKED.to_owned());
    }
    if binary.sections.get(".debug_info").is_empty() && (link.is_some() || build_id.is_some()) {
        follow_debug_link(&mut binary, link, build_id.as_deref())?;
    }
    for package in package_names(path) {
        if package.is_file() {
            binary.package = Some(load_debug_sections(&package)?);
            binary.notes.push(format!("types read from {}", package.display()));
            break;
        }
    }
    Ok(binary)
}

/// Reads only the debug sections of a file: a `.dwo`, a `.dwp` or a separate debug file.
pub(crate) fn load_debug_sections(path: &Path) -> Result<Sections, Error> {
    let file = open(path)?;
    let cache = Cache::new(&file);
    let object = parse(path, &cache)?;
    let mut places = places_of(path, &object)?;
    let plan = Plan::new(path, &file, &object, &mut places, Wanted::Split)?;
    drop(cache);
    plan.read(path, &file)
}

/// What an object file alone cannot tell.
const UNLINKED: &str = "the file is not linked: implementers of traits, statics and code in other \
                        objects are not seen, and what a linker would remove is";

fn places_of(path: &Path, object: &Elf<'_, '_>) -> Result<Places, Error> {
    Places::new(object).ok_or_else(|| {
        damaged(path, "section headers", "the sections are longer than memory can be")
    })
}

fn open(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Error::NotElf { path: path.to_owned(), found: "a directory" });
    }
    Ok(file)
}

fn target(object: &Elf<'_, '_>) -> Target {
    let name = match object.architecture() {
        Architecture::X86_64 | Architecture::X86_64_X32 => "x86-64".to_owned(),
        Architecture::I386 => "x86".to_owned(),
        Architecture::Aarch64 | Architecture::Aarch64_Ilp32 => "aarch64".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    };
    let bits = if object.is_64() { 64 } else { 32 };
    Target { name, bits, is_little_endian: object.is_little_endian() }
}

/// An ELF file that is read piece by piece.
type Elf<'c, 'f> = object::File<'c, &'c Cache<'f>>;

fn parse<'c, 'f>(path: &Path, cache: &'c Cache<'f>) -> Result<Elf<'c, 'f>, Error> {
    let not_elf = |found| Error::NotElf { path: path.to_owned(), found };
    let kind = FileKind::parse(cache).map_err(|_| not_elf("no executable file"))?;
    match kind {
        FileKind::Elf32 | FileKind::Elf64 => {}
        FileKind::Archive => return Err(Error::Archive { path: path.to_owned() }),
        FileKind::MachO32 | FileKind::MachO64 | FileKind::MachOFat32 | FileKind::MachOFat64 => {
            return Err(not_elf("a Mach-O file"));
        }
        FileKind::Pe32 | FileKind::Pe64 => return Err(not_elf("a Windows executable")),
        _ => return Err(not_elf("a file of another kind")),
    }
    object::File::parse(cache).map_err(|error| Error::Malformed {
        path: path.to_owned(),
        what: "ELF headers".to_owned(),
        detail: error.to_string(),
    })
}

fn damaged(path: &Path, what: &str, detail: impl ToString) -> Error {
    Error::Malformed { path: path.to_owned(), what: what.to_owned(), detail: detail.to_string() }
}

fn package_names(path: &Path) -> Vec<PathBuf> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".dwp");
    vec![PathBuf::from(beside), path.with_extension("dwp")]
}

/// Where distributions and `objcopy --add-gnu-debuglink` put the debug file of a stripped binary.
fn follow_debug_link(
    binary: &mut Binary,
    link: Option<(String, u32)>,
    build_id: Option<&[u8]>,
) -> Result<(), Error> {
    let folder = binary.path.parent().map(Path::to_owned).unwrap_or_default();
    let mut candidates = Vec::new();
    if let Some((link, _)) = &link {
        // A link is a bare file name; anything else does not come from a linker.
        if !link.contains('/') && !link.is_empty() {
            candidates.push(folder.join(link));
            candidates.push(folder.join(".debug").join(link));
            if let Ok(absolute) = std::path::absolute(&folder) {
                let below = absolute.strip_prefix("/").unwrap_or(&absolute);
                candidates.push(Path::new("/usr/lib/debug").join(below).join(link));
            }
        }
    }
    if let Some([first, rest @ ..]) = build_id
        && !rest.is_empty()
    {
        let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
        candidates
            .push(PathBuf::from(format!("/usr/lib/debug/.build-id/{first:02x}/{rest}.debug")));
    }
    let mut foreign = None;
    for candidate in candidates {
        let is_itself = candidate == binary.path;
        if is_itself || !candidate.is_file() {
            continue;
        }
        let file = open(&candidate)?;
        let cache = Cache::new(&file);
        let object = parse(&candidate, &cache)?;
        let id = object.build_id().ok().flatten().map(<[u8]>::to_vec);
        // Where both have one, the build id says more than the checksum, which tools that change
        // the debug file leave as it was.
        let is_of_this_build = match (id.as_deref(), build_id, &link) {
            (Some(id), Some(build_id), _) => id == build_id,
            (_, _, Some((_, expected))) => checksum(&candidate)? == *expected,
            (_, _, None) => false,
        };
        if !is_of_this_build {
            binary.notes.push(format!("{} belongs to another build", candidate.display()));
            foreign.get_or_insert(candidate);
            continue;
        }
        if let Ok(Some((name, _))) = object.gnu_debugaltlink() {
            binary.shared_debug_file = Some(String::from_utf8_lossy(name).into_owned());
        }
        binary.layout.read_symbols(&object);
        binary.sections = load_debug_sections(&candidate)?;
        binary.notes.push(format!("types read from {}", candidate.display()));
        return Ok(());
    }
    binary.missing_debug_file = link.map(|(name, _)| MissingDebugFile { name, foreign });
    Ok(())
}

/// The checksum of a whole file, as `.gnu_debuglink` holds it.
fn checksum(path: &Path) -> Result<u32, Error> {
    let mut file = open(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize()),
            Ok(len) => hasher.update(&buffer[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
        }
    }
}
