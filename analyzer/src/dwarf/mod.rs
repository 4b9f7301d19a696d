//! From debug information to the type graph. The only module that knows `gimli`.
//!
//! Units are read in parallel; each puts its types into one table by identity and is forgotten.
//! References between units are resolved when all have been read. Damage never stops the rest:
//! it becomes a [`Problem`].

mod abbreviations;
mod assemble;
mod attrs;
mod canon;
mod cross;
mod declared;
mod intern;
mod leads;
mod merge;
mod offsets;
mod shape;
mod sources;
mod tags;
mod unit;
mod unnamed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use gimli::{Dwarf, DwarfFileType, EndianSlice, RunTimeEndian, SectionId, UnitType};
use rayon::prelude::*;

use self::attrs::Location;
use self::intern::{Table, Types};
use crate::graph::{Graph, TypeId};
use crate::load::{self, Binary, Sections};
use crate::names;
use crate::timings;

pub(crate) use self::tags::{FieldTag, Tags, TypeTags};

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;
type Input<'a> = Dwarf<Slice<'a>>;
type Unit<'a> = gimli::Unit<Slice<'a>>;

/// What the debug information of a binary says.
#[derive(Debug)]
pub(crate) struct Contents {
    /// Its types.
    pub(crate) graph: Graph,
    /// The tables of methods that are alive in the binary.
    pub(crate) vtables: Vec<Vtable>,
    /// Its statics, by address.
    pub(crate) statics: BTreeMap<u64, Static>,
    /// What each of its threads has a copy of, by offset in the thread's block and by name: what
    /// the linker removed is left at offset 0.
    pub(crate) thread_locals: BTreeMap<(u64, String), Static>,
    /// Functions that may be evidence.
    pub(crate) functions: Vec<Function>,
    /// The crates it was built of, by name.
    pub(crate) crates: BTreeMap<String, BTreeSet<CrateRoot>>,
    /// The source files that code of those crates was compiled from.
    pub(crate) compiled: BTreeSet<PathBuf>,
    /// What tags of C and C++ say.
    pub(crate) tags: Tags,
    /// How many units were read.
    pub(crate) units: u64,
    /// How many bytes of `.debug_info` they have.
    pub(crate) info_len: u64,
    /// What could not be read.
    pub(crate) problems: Vec<Problem>,
    /// Whether any unit is of Rust.
    pub(crate) has_rust: bool,
}

/// A table of methods: proof that a value of the type is used as a trait object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Vtable {
    /// The trait with its arguments, as the compiler spells it.
    pub(crate) trait_name: String,
    /// The type behind the object.
    pub(crate) concrete: TypeId,
}

/// A variable that lives as long as the program or one of its threads.
#[derive(Clone, Debug)]
pub(crate) struct Static {
    /// Its qualified name.
    pub(crate) name: String,
    /// The name that the linker knows it by; empty if the debug information does not tell.
    pub(crate) linkage_name: String,
    /// Its type.
    pub(crate) ty: TypeId,
    /// The file and the line, from 1, of its definition.
    pub(crate) place: Option<(PathBuf, u32)>,
    /// Whether a tag of C says what happens to it.
    pub(crate) is_tagged: bool,
    /// Whether it is not of Rust.
    pub(crate) is_foreign: bool,
}

/// A function by its mangled name, with the place of its definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Function {
    /// The mangled name.
    pub(crate) linkage_name: String,
    /// The file, as absolute as the debug information tells it.
    pub(crate) file: Option<PathBuf>,
    /// The line, from 1.
    pub(crate) line: u32,
}

/// Where the source of a crate starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CrateRoot {
    /// The folder that the compiler ran in.
    pub(crate) folder: PathBuf,
    /// The first file, relative to that folder or absolute.
    pub(crate) file: PathBuf,
}

/// A part of the debug information that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Problem {
    /// A unit is damaged; its types may be missing.
    Unit {
        /// Where it starts in `.debug_info`.
        offset: u64,
        /// What is wrong.
        detail: String,
    },
    /// A part of an object file that a linker would have filled in cannot be read.
    Relocation {
        /// What is wrong, and where.
        detail: String,
    },
    /// Types that several programs share stand in a file that is not read.
    SharedFile {
        /// Its name.
        name: String,
    },
    /// The file that the unit's types stood in is of another build.
    ForeignSplitFile {
        /// The file.
        path: PathBuf,
    },
    /// The unit's types stand in a file that is not there.
    MissingSplitFile {
        /// The file.
        path: PathBuf,
    },
}

/// What one unit contributes besides its types.
#[derive(Default)]
struct Harvest {
    units: u64,
    entries: u64,
    info_len: u64,
    /// The types that it met first.
    types: Vec<Types>,
    vtables: Vec<(String, Option<TypeId>)>,
    statics: Vec<FoundStatic>,
    functions: Vec<Function>,
    crates: Vec<(String, CrateRoot)>,
    compiled: Vec<PathBuf>,
    /// The types that type units are there for.
    signatures: Vec<(u64, TypeId)>,
    tags: Vec<tags::FoundTag>,
    tag_places: Vec<tags::FoundPlace>,
    lost_tags: Vec<tags::LostTags>,
    /// How many units include the header of the tags.
    tag_units: u64,
    /// Whether any unit is of Rust.
    has_rust: bool,
    problems: Vec<Problem>,
}

/// A static whose type is not resolved yet.
struct FoundStatic {
    location: Location,
    name: String,
    linkage_name: String,
    ty: Option<TypeId>,
    place: Option<(PathBuf, u32)>,
    is_tagged: bool,
    is_foreign: bool,
}

/// Reads the debug information of a binary.
pub(crate) fn read(binary: &Binary) -> Contents {
    let mut main = dwarf_of(&binary.sections, DwarfFileType::Main);
    let package = binary.package.as_ref().and_then(package_of);
    let (headers, mut problems) = unit_headers(&main);
    cache_abbreviations(&mut main, &headers);
    let table = Table::new();
    let reader = UnitReader { main: &main, package: package.as_ref(), table: &table };
    let harvests: Vec<Harvest> = timings::phase("read units", || {
        let units = headers.par_iter().enumerate().with_max_len(1);
        units.map(|(index, header)| reader.unit(index, *header)).collect()
    });
    let mut all = Harvest::default();
    harvests.into_iter().for_each(|harvest| all.add(harvest));
    all.problems.append(&mut problems);
    all.problems.extend(damage(&binary.sections));
    let shared = binary.shared_debug_file.clone();
    all.problems.extend(shared.map(|name| Problem::SharedFile { name }));
    all.problems.extend(binary.package.iter().flat_map(damage));
    timings::note(|timings| {
        timings.units += all.units;
        timings.entries += all.entries;
        timings.info_bytes += all.info_len;
    });
    let foreign = timings::phase("follow references between units", || {
        cross::targets(&main, &headers, &table, &all)
    });
    assemble::contents(&table, all, foreign)
}

/// Reads a table that many units share once; of units that may not be read, none.
fn cache_abbreviations(dwarf: &mut Input<'_>, headers: &[Header<'_>]) {
    if !headers.is_empty() {
        dwarf.populate_abbreviations_cache(gimli::AbbreviationsCacheStrategy::Duplicates);
    }
}

fn dwarf_of(sections: &Sections, file_type: DwarfFileType) -> Input<'_> {
    let endian = if sections.little_endian { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let section = |id: SectionId| EndianSlice::new(sections.get(id.name()), endian);
    let loaded = gimli::DwarfSections::load(|id| Ok::<_, gimli::Error>(section(id)));
    let mut dwarf = match loaded {
        Ok(loaded) => loaded.borrow(|section| *section),
        // The closure above cannot fail.
        Err(_) => Dwarf::default(),
    };
    dwarf.file_type = file_type;
    dwarf
}

fn package_of(sections: &Sections) -> Option<gimli::DwarfPackage<Slice<'_>>> {
    let endian = if sections.little_endian { RunTimeEndian::Little } else { RunTimeEndian::Big };
    let section = |id: SectionId| {
        let bytes = id.dwo_name().map_or(&[][..], |_| sections.get(id.name()));
        Ok::<_, gimli::Error>(EndianSlice::new(bytes, endian))
    };
    gimli::DwarfPackage::load(section, EndianSlice::new(&[], endian)).ok()
}

type Header<'a> = gimli::UnitHeader<Slice<'a>>;

fn unit_headers<'a>(dwarf: &Input<'a>) -> (Vec<Header<'a>>, Vec<Problem>) {
    let mut headers = Vec::new();
    let mut problems = Vec::new();
    let mut units = dwarf.units();
    loop {
        match units.next() {
            Ok(Some(header)) => headers.push(header),
            Ok(None) => break,
            Err(error) => {
                let offset = headers.last().map_or(0, end_of);
                let detail = error.to_string();
                problems.push(Problem::Unit { offset, detail });
                break;
            }
        }
    }
    let mut types = dwarf.type_units();
    loop {
        match types.next() {
            Ok(Some(header)) => headers.push(header),
            Ok(None) => break,
            Err(error) => {
                let detail = format!("type unit: {error}");
                problems.push(Problem::Unit { offset: 0, detail });
                break;
            }
        }
    }
    if !abbreviations::are_bounded(dwarf, &headers) {
        headers.clear();
        let detail = "its tables of abbreviations lie within each other".to_owned();
        problems.push(Problem::Unit { offset: 0, detail });
    }
    (headers, problems)
}

fn end_of(header: &Header<'_>) -> u64 {
    (header.offset().0 + header.length_including_self()) as u64
}

/// Where one unit's types go, and where they may come from.
struct UnitReader<'r, 'a> {
    main: &'r Input<'a>,
    package: Option<&'r gimli::DwarfPackage<Slice<'a>>>,
    table: &'r Table,
}

impl<'a> UnitReader<'_, 'a> {
    fn unit(&self, index: usize, header: Header<'a>) -> Harvest {
        let failed = |error: gimli::Error| Harvest::failed(&header, &error);
        let unit = match self.main.unit(header) {
            Ok(unit) => unit,
            Err(error) => return failed(error),
        };
        let Some(dwo_id) = unit.dwo_id else {
            return harvest(self.table, 0, self.main, &unit, (self.main, &unit));
        };
        match unit.dwo_name() {
            // A full unit may carry an id too; a skeleton always names its file.
            Ok(Some(name)) => {
                let file = u32::try_from(index + 1).unwrap_or(u32::MAX);
                self.split_unit(file, &unit, dwo_id, name).unwrap_or_else(failed)
            }
            Ok(None) => harvest(self.table, 0, self.main, &unit, (self.main, &unit)),
            Err(error) => failed(error),
        }
    }

    fn split_unit(
        &self,
        file: u32,
        skeleton: &Unit<'a>,
        id: gimli::DwoId,
        name: gimli::AttributeValue<Slice<'a>>,
    ) -> gimli::Result<Harvest> {
        if let Some(package) = self.package
            && let Some(dwarf) = package.find_cu(id, self.main)?
        {
            return Ok(harvest_all(self.main, self.table, file, &dwarf, skeleton));
        }
        let name = self.main.attr_string(skeleton, name)?;
        let mut path = PathBuf::new();
        if let Some(folder) = skeleton.comp_dir {
            path.push(folder.to_string_lossy().as_ref());
        }
        path.push(name.to_string_lossy().as_ref());
        match load::load_debug_sections(&path) {
            Ok(sections) if is_foreign(&sections, self.main, id) => {
                let problems = vec![Problem::ForeignSplitFile { path }];
                Ok(Harvest { problems, ..Harvest::default() })
            }
            Ok(sections) => Ok(harvest_file(self.table, file, &sections, self.main, skeleton)),
            Err(_) => {
                let problems = vec![Problem::MissingSplitFile { path }];
                Ok(Harvest { problems, ..Harvest::default() })
            }
        }
    }
}

/// Whether a `.dwo` can be read and does not hold the unit of this id: it was compiled again since.
fn is_foreign<'s>(sections: &'s Sections, main: &Input<'s>, id: gimli::DwoId) -> bool {
    let mut dwarf = dwarf_of(sections, DwarfFileType::Dwo);
    dwarf.make_dwo(main);
    let (headers, problems) = unit_headers(&dwarf);
    let mut units = headers.into_iter().map(|header| dwarf.unit(header));
    problems.is_empty()
        && units.all(|unit| unit.is_ok_and(|unit| unit.dwo_id.is_none_or(|own| own != id)))
}

/// Reads a `.dwo`, whose sections live no longer than this call.
fn harvest_file<'s>(
    table: &Table,
    file: u32,
    sections: &'s Sections,
    main: &Input<'s>,
    skeleton: &Unit<'s>,
) -> Harvest {
    let mut dwarf = dwarf_of(sections, DwarfFileType::Dwo);
    dwarf.make_dwo(main);
    let (headers, _) = unit_headers(&dwarf);
    cache_abbreviations(&mut dwarf, &headers);
    let mut all = harvest_all(main, table, file, &dwarf, skeleton);
    all.problems.extend(damage(sections));
    all
}

fn damage(sections: &Sections) -> impl Iterator<Item = Problem> {
    sections.damage.iter().map(|detail| Problem::Relocation { detail: detail.clone() })
}

fn harvest_all<'s>(
    main: &Input<'s>,
    table: &Table,
    file: u32,
    dwarf: &Input<'s>,
    skeleton: &Unit<'s>,
) -> Harvest {
    let (headers, problems) = unit_headers(dwarf);
    let mut all = Harvest { problems, ..Harvest::default() };
    for header in headers {
        match dwarf.unit(header) {
            Ok(mut unit) => {
                unit.copy_relocated_attributes(skeleton);
                all.add(harvest(table, file, dwarf, &unit, (main, skeleton)));
            }
            Err(error) => all.add(Harvest::failed(&header, &error)),
        }
    }
    all
}

/// Reads one unit. Its line program stands in `lines`: of a split unit, in its skeleton.
fn harvest<'s>(
    table: &Table,
    file: u32,
    dwarf: &Input<'s>,
    unit: &Unit<'s>,
    lines: (&Input<'s>, &Unit<'s>),
) -> Harvest {
    let offset = unit.header.offset().0 as u64;
    let info_len = unit.header.length_including_self() as u64;
    let mut harvest = Harvest { units: 1, info_len, ..Harvest::default() };
    let types = unit::read(dwarf, unit);
    harvest.entries = types.entries;
    let problem = |detail| Problem::Unit { offset, detail };
    harvest.problems.extend(types.problem.clone().map(problem));
    let (known, new, wrong) = match table.intern(file, &types) {
        Ok(interned) => interned,
        Err(detail) => {
            harvest.problems.push(problem(detail));
            return harvest;
        }
    };
    harvest.types.push(new);
    if let Some(detail) = wrong {
        harvest.problems.push(problem(detail));
        return harvest;
    }
    if let UnitType::Type { type_signature, type_offset }
    | UnitType::SplitType { type_signature, type_offset } = unit.header.type_()
        && let Some(index) = types.at(type_offset.0)
    {
        let number = known.number(index);
        harvest.signatures.extend(number.map(|number| (type_signature.0, number)));
    }
    sources::harvest(lines, unit, &types, &mut harvest);
    tags::harvest(lines, unit, file, &types, &known, &mut harvest);
    let tagged = tags::statics(&types);
    harvest.has_rust = !types.is_foreign;
    for (index, variable) in types.statics.iter().enumerate() {
        // What the linker removed is left at address 0: it is not part of the program.
        if variable.location == Location::Address(0) {
            continue;
        }
        let name = String::from_utf8_lossy(variable.name);
        if let Some(trait_name) = vtable_trait(&name) {
            if let attrs::Ref::Local(offset) = variable.ty
                && let Some(at) = types.at(offset)
            {
                let concrete = intern::resolve(file, &types, &known, types.types[at].target);
                harvest.vtables.push((trait_name.to_owned(), concrete));
            }
        } else if let Ok(name) = types.qualified(variable.scope, variable.name) {
            harvest.statics.push(FoundStatic {
                location: variable.location,
                name,
                linkage_name: String::from_utf8_lossy(variable.linkage_name).into_owned(),
                ty: intern::resolve(file, &types, &known, variable.ty),
                place: sources::place(lines, variable.file, variable.line),
                is_tagged: tagged.contains(&index),
                is_foreign: types.is_foreign,
            });
        }
    }
    harvest
}

/// The trait in the name of a vtable, `<T as Trait>::{vtable}`.
fn vtable_trait(name: &str) -> Option<&str> {
    // Most names are not even looked at.
    let name = name.ends_with("{vtable}").then_some(name)?;
    names::of_impl(name).filter(|(_, _, rest)| *rest == "{vtable}").map(|(_, name, _)| name)
}

impl Harvest {
    fn failed(header: &Header<'_>, error: &gimli::Error) -> Self {
        let offset = header.offset().0 as u64;
        let problem = Problem::Unit { offset, detail: error.to_string() };
        Self { problems: vec![problem], ..Self::default() }
    }

    fn add(&mut self, other: Self) {
        self.units += other.units;
        self.entries += other.entries;
        self.info_len += other.info_len;
        self.types.extend(other.types);
        self.vtables.extend(other.vtables);
        self.statics.extend(other.statics);
        self.functions.extend(other.functions);
        self.crates.extend(other.crates);
        self.compiled.extend(other.compiled);
        self.signatures.extend(other.signatures);
        self.tags.extend(other.tags);
        self.tag_places.extend(other.tag_places);
        self.lost_tags.extend(other.lost_tags);
        self.tag_units += other.tag_units;
        self.has_rust |= other.has_rust;
        self.problems.extend(other.problems);
    }
}
