//! From a file to the sections that matter. The only module that knows `object`.
//!
//! Only debug sections and records are read, so that a large program costs no more memory than
//! its debug information does.

mod layout;
mod tables;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use object::read::ReadCache;
use object::{Architecture, FileKind, Object, ObjectKind, ObjectSection};
use rayon::prelude::*;
use samestate_schema::record;

pub(crate) use self::layout::Layout;
use crate::error::Error;
use crate::limits::{MAX_COMPRESSION_RATIO, MAX_SECTION_LEN};
use crate::memory::Target;

/// The debug sections of one file, decompressed, by their names without `.dwo`.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    by_name: BTreeMap<String, Vec<u8>>,
    /// Byte order of the file.
    pub(crate) little_endian: bool,
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
    pub(crate) missing_debug_file: Option<String>,
    /// When the file was written, where the file system tells.
    pub(crate) written: Option<SystemTime>,
    /// Where everything is loaded.
    pub(crate) layout: Layout,
    /// The machine that it was built for.
    pub(crate) target: Target,
}

/// Reads an executable, following `.gnu_debuglink` and the build id to its debug file, and
/// picking up a `.dwp` that lies beside it.
pub(crate) fn load(path: &Path) -> Result<Binary, Error> {
    let file = open(path)?;
    let written = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let cache = ReadCache::new(&file);
    let object = parse(path, &cache)?;
    if object.kind() == ObjectKind::Relocatable {
        return Err(Error::NotLinked { path: path.to_owned() });
    }
    let link = object.gnu_debuglink().ok().flatten();
    let link = link.map(|(name, _)| String::from_utf8_lossy(name).into_owned());
    let build_id = object.build_id().ok().flatten().map(<[u8]>::to_vec);
    let plan = debug_section_plan(path, &object)?;
    let record_plan = record_section_plan(path, &object)?;
    let little_endian = object.is_little_endian();
    let layout = Layout::read(&object, &file);
    let target = target(&object);
    drop(cache);

    let mut binary = Binary {
        path: path.to_owned(),
        sections: read_sections(path, &file, plan, little_endian)?,
        package: None,
        records: Vec::new(),
        notes: Vec::new(),
        missing_debug_file: None,
        written,
        layout,
        target,
    };
    for (address, part) in record_plan {
        binary.records.push(RecordSection { address, bytes: read_part(path, &file, &part)? });
    }
    if binary.sections.get(".debug_info").is_empty() && (link.is_some() || build_id.is_some()) {
        follow_debug_link(&mut binary, link.as_deref(), build_id.as_deref())?;
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
    let cache = ReadCache::new(&file);
    let object = parse(path, &cache)?;
    let plan = debug_section_plan(path, &object)?;
    let little_endian = object.is_little_endian();
    drop(cache);
    read_sections(path, &file, plan, little_endian)
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
type Elf<'c, 'f> = object::File<'c, &'c ReadCache<&'f File>>;

fn parse<'c, 'f>(path: &Path, cache: &'c ReadCache<&'f File>) -> Result<Elf<'c, 'f>, Error> {
    let not_elf = |found| Error::NotElf { path: path.to_owned(), found };
    let kind = FileKind::parse(cache).map_err(|_| not_elf("no executable file"))?;
    match kind {
        FileKind::Elf32 | FileKind::Elf64 => {}
        FileKind::Archive => return Err(not_elf("a library archive")),
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

/// Where a section's bytes stand in the file.
struct Part {
    name: String,
    offset: u64,
    len: u64,
    uncompressed_len: u64,
    format: object::CompressionFormat,
}

fn debug_section_plan(path: &Path, object: &Elf<'_, '_>) -> Result<Vec<Part>, Error> {
    const WANTED: [&str; 10] = [
        ".debug_abbrev",
        ".debug_addr",
        ".debug_cu_index",
        ".debug_info",
        ".debug_line",
        ".debug_line_str",
        ".debug_str",
        ".debug_str_offsets",
        ".debug_tu_index",
        ".debug_types",
    ];
    // Nothing here reads where values live, but the index of a package counts these in.
    const WANTED_SPLIT: [&str; 3] = [".debug_loc", ".debug_loclists", ".debug_rnglists"];
    let mut plan = Vec::new();
    for section in object.sections() {
        let Ok(name) = section.name() else { continue };
        let plain = name.strip_suffix(".dwo").unwrap_or(name);
        let is_split = plain.len() < name.len() && WANTED_SPLIT.contains(&plain);
        let plain = match plain.strip_prefix(".zdebug_") {
            Some(rest) => format!(".debug_{rest}"),
            None => plain.to_owned(),
        };
        if (WANTED.contains(&plain.as_str()) || is_split)
            && let Some(part) = part_of(path, &section, plain)?
        {
            plan.push(part);
        }
    }
    Ok(plan)
}

fn record_section_plan(path: &Path, object: &Elf<'_, '_>) -> Result<Vec<(u64, Part)>, Error> {
    let mut plan = Vec::new();
    for section in object.sections() {
        if section.name() == Ok(record::SECTION)
            && let Some(part) = part_of(path, &section, record::SECTION.to_owned())?
        {
            plan.push((section.address(), part));
        }
    }
    Ok(plan)
}

fn part_of<'a>(
    path: &Path,
    section: &impl ObjectSection<'a>,
    name: String,
) -> Result<Option<Part>, Error> {
    let range = section
        .compressed_file_range()
        .map_err(|error| damaged(path, &format!("header of section {name}"), error))?;
    if range.uncompressed_size == 0 {
        return Ok(None);
    }
    let most = match range.format {
        object::CompressionFormat::None => MAX_SECTION_LEN,
        _ => range.compressed_size.saturating_mul(MAX_COMPRESSION_RATIO).min(MAX_SECTION_LEN),
    };
    if range.uncompressed_size > most {
        let detail =
            format!("{} bytes claim to hold {}", range.compressed_size, range.uncompressed_size);
        return Err(damaged(path, &format!("section {name}"), detail));
    }
    Ok(Some(Part {
        name,
        offset: range.offset,
        len: range.compressed_size,
        uncompressed_len: range.uncompressed_size,
        format: range.format,
    }))
}

fn damaged(path: &Path, what: &str, detail: impl ToString) -> Error {
    Error::Malformed { path: path.to_owned(), what: what.to_owned(), detail: detail.to_string() }
}

fn read_sections(
    path: &Path,
    file: &File,
    plan: Vec<Part>,
    little_endian: bool,
) -> Result<Sections, Error> {
    let mut sections = Sections { little_endian, ..Sections::default() };
    let read: Vec<Result<Vec<u8>, Error>> =
        plan.par_iter().with_max_len(1).map(|part| read_part(path, file, part)).collect();
    for (part, bytes) in plan.into_iter().zip(read) {
        let bytes = bytes?;
        // A file has one section of each name; of several, the first with contents counts.
        sections.by_name.entry(part.name).or_insert(bytes);
    }
    Ok(sections)
}

/// A part of the file, if it is there.
fn read_at(mut file: &File, offset: u64, len: u64) -> Option<Vec<u8>> {
    let end = offset.checked_add(len)?;
    if end > file.metadata().ok()?.len() {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    file.seek(SeekFrom::Start(offset)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn read_part(path: &Path, file: &File, part: &Part) -> Result<Vec<u8>, Error> {
    let what = format!("section {}", part.name);
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let file_len = file.metadata().map_err(failed)?.len();
    if part.offset.checked_add(part.len).is_none_or(|end| end > file_len) {
        let end = u128::from(part.offset) + u128::from(part.len);
        let detail = format!("it ends at byte {end} of a file of {file_len} bytes");
        return Err(damaged(path, &what, detail));
    }
    let len = usize::try_from(part.len)
        .map_err(|_| damaged(path, &what, "it is longer than memory can be"))?;
    let mut bytes = vec![0; len];
    // Each reader has a place of its own in the file, since several read at once.
    let mut file = open(path)?;
    file.seek(SeekFrom::Start(part.offset)).map_err(failed)?;
    file.read_exact(&mut bytes).map_err(failed)?;
    if part.format == object::CompressionFormat::None {
        return Ok(bytes);
    }
    let compressed = object::CompressedData {
        format: part.format,
        data: &bytes,
        uncompressed_size: part.uncompressed_len,
    };
    let plain = compressed.decompress().map_err(|error| damaged(path, &what, error))?;
    Ok(plain.into_owned())
}

fn package_names(path: &Path) -> Vec<PathBuf> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".dwp");
    vec![PathBuf::from(beside), path.with_extension("dwp")]
}

/// Where distributions and `objcopy --add-gnu-debuglink` put the debug file of a stripped binary.
fn follow_debug_link(
    binary: &mut Binary,
    link: Option<&str>,
    build_id: Option<&[u8]>,
) -> Result<(), Error> {
    let folder = binary.path.parent().map(Path::to_owned).unwrap_or_default();
    let mut candidates = Vec::new();
    if let Some(link) = link {
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
    for candidate in candidates {
        let is_itself = candidate == binary.path;
        if is_itself || !candidate.is_file() {
            continue;
        }
        let file = open(&candidate)?;
        let cache = ReadCache::new(&file);
        let object = parse(&candidate, &cache)?;
        let id = object.build_id().ok().flatten().map(<[u8]>::to_vec);
        if id.is_some() && build_id.is_some() && id.as_deref() != build_id {
            binary.notes.push(format!("{} belongs to another build", candidate.display()));
            continue;
        }
        binary.layout.read_symbols(&object);
        binary.sections = load_debug_sections(&candidate)?;
        binary.notes.push(format!("types read from {}", candidate.display()));
        return Ok(());
    }
    binary.missing_debug_file = link.map(str::to_owned);
    Ok(())
}
