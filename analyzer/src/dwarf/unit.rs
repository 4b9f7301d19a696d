//! One unit: from its entries to types that refer to each other by offset.

use std::collections::BTreeSet;

use gimli::DwTag;
use xxhash_rust::xxh3::xxh3_128;

use super::attrs::{self, Attrs, Number, Ref};
use super::declared::{Declarations, Static};
use super::offsets::Offsets;
pub(super) use super::shape::Shape;
use super::shape::shape_of;
use super::tags::{self, Mark, Subject, UnitTags};
use super::{Input, Unit, unnamed};
use crate::graph::BitField;
use crate::limits::{MAX_ATTRIBUTES_PER_BYTE, MAX_NAME_LEN, MAX_SCOPE_DEPTH};

/// A type as its unit describes it.
#[derive(Debug)]
pub(super) struct Local<'a> {
    pub(super) shape: Shape,
    /// Which of the unit's scopes it stands in.
    pub(super) scope: u32,
    pub(super) name: &'a [u8],
    pub(super) size_bytes: Option<u64>,
    pub(super) align_bytes: Option<u64>,
    /// Target, element, the type of a discriminant, or the type whose methods a vtable holds.
    pub(super) target: Ref,
    pub(super) members: Chain,
    pub(super) params: Chain,
    /// The numbers of an enum; of one that holds data, the discriminants of its variants.
    pub(super) enumerators: Chain,
    /// Length of an array, from its first subrange; of an enum that holds data, where in it the
    /// discriminant stands.
    pub(super) len: Option<u64>,
    /// Whether an enum's numbers have a sign.
    pub(super) encoding: Option<gimli::DwAte>,
}

/// Which of the unit's members or enumerators belong to one type. Types stand between them, so
/// each names the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    first: u32,
    last: u32,
    /// How many there are.
    pub(super) len: u32,
}

/// The end of a chain.
const END: u32 = u32::MAX;

impl Chain {
    const EMPTY: Self = Self { first: END, last: END, len: 0 };

    /// Adds an item to the end; returns the place of the one before it.
    fn add(&mut self, index: u32) -> Option<u32> {
        let last = (self.len > 0).then_some(self.last);
        if last.is_none() {
            self.first = index;
        }
        self.last = index;
        self.len += 1;
        last
    }
}

/// A member, a variant or a type parameter.
#[derive(Debug)]
pub(super) struct LocalMember<'a> {
    pub(super) name: &'a [u8],
    pub(super) ty: Ref,
    pub(super) offset_bytes: u64,
    pub(super) bits: Option<BitField>,
    next: u32,
}

/// What encloses types: a namespace, or a type.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    parent: u32,
    /// The outermost scope that it stands in.
    crate_scope: u32,
    /// Length in bytes of its qualified name.
    len: usize,
    name: &'a [u8],
    /// Of its qualified name.
    pub(super) hash: u128,
}

/// A function that may be evidence.
#[derive(Debug)]
pub(super) struct Function<'a> {
    pub(super) linkage_name: &'a [u8],
    pub(super) file: Option<u64>,
    pub(super) line: Option<u64>,
}

/// What one unit holds.
#[derive(Debug, Default)]
pub(super) struct UnitTypes<'a> {
    /// Where the unit starts in its section.
    pub(super) offset: usize,
    /// How many entries were read.
    pub(super) entries: u64,
    pub(super) types: Vec<Local<'a>>,
    /// Where in the unit each of them starts.
    offsets: Offsets,
    members: Vec<LocalMember<'a>>,
    enumerators: Vec<(&'a [u8], Number, u32)>,
    pub(super) scopes: Vec<Scope<'a>>,
    pub(super) statics: Vec<Static<'a>>,
    pub(super) functions: Vec<Function<'a>>,
    /// Files of functions, each with the outermost scope that one of its functions stands in.
    pub(super) homes: BTreeSet<(u64, u32)>,
    /// Whether it is not of Rust.
    pub(super) is_foreign: bool,
    /// What the tags of C and C++ say.
    pub(super) tags: UnitTags<'a>,
    /// Set if reading stopped early: why and where.
    pub(super) problem: Option<String>,
}

impl<'a> UnitTypes<'a> {
    /// The members of a chain, in order.
    pub(super) fn members(&self, chain: Chain) -> impl Iterator<Item = &LocalMember<'a>> {
        let mut next = chain.first;
        std::iter::from_fn(move || {
            let member = self.members.get(next as usize)?;
            next = member.next;
            Some(member)
        })
    }

    /// A member by its index.
    pub(super) fn member(&self, index: u32) -> Option<&LocalMember<'a>> {
        self.members.get(index as usize)
    }

    /// The indices of a type's members, in order.
    pub(super) fn member_indices(&self, ty: usize) -> Vec<u32> {
        let mut next = self.types[ty].members.first;
        let indices = std::iter::from_fn(|| {
            let index = next;
            next = self.members.get(index as usize)?.next;
            Some(index)
        });
        indices.collect()
    }

    /// The enumerators of a chain, in order.
    pub(super) fn enumerators(&self, chain: Chain) -> impl Iterator<Item = (&'a [u8], Number)> {
        let mut next = chain.first;
        std::iter::from_fn(move || {
            let &(name, number, after) = self.enumerators.get(next as usize)?;
            next = after;
            Some((name, number))
        })
    }

    /// The index of the type at this offset of the unit.
    pub(super) fn at(&self, offset: usize) -> Option<usize> {
        self.offsets.find(offset)
    }

    /// Whether the qualified name of a type is no longer than names may be.
    pub(super) fn has_name_that_fits(&self, local: &Local<'_>) -> bool {
        let scope = if local.name.is_empty() { 0 } else { local.scope };
        let before = self.scopes[scope as usize].len;
        before + local.name.len() <= MAX_NAME_LEN
    }

    /// A name with its scope before it.
    pub(super) fn qualified(&self, scope: u32, name: &[u8]) -> Result<String, String> {
        let mut parts = vec![name];
        let mut len = name.len();
        let mut at = scope;
        while at != 0 {
            let scope = &self.scopes[at as usize];
            parts.push(scope.name);
            len += scope.name.len() + 2;
            at = scope.parent;
        }
        if len > MAX_NAME_LEN {
            return Err(too_long());
        }
        let mut whole = String::with_capacity(len);
        for (index, part) in parts.into_iter().rev().enumerate() {
            if index > 0 {
                whole.push_str("::");
            }
            whole.push_str(&String::from_utf8_lossy(part));
        }
        Ok(whole)
    }

    /// The first part of the name of a scope.
    pub(super) fn crate_of(&self, scope: u32) -> String {
        let outermost = self.scopes[scope as usize].crate_scope;
        String::from_utf8_lossy(self.scopes[outermost as usize].name).into_owned()
    }
}

/// What encloses an entry.
#[derive(Clone, Copy)]
struct Enclosing {
    scope: u32,
    owner: Owner,
}

/// Which type a child entry belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// None, at the level of a unit or a namespace.
    Scope,
    /// The fields of a type.
    Type(usize),
    /// The part of an enum that holds its variants; a member of it is the discriminant.
    VariantPart(usize),
    /// One variant of a type.
    Variant(usize),
    /// A member, by its type's index and its own: what stands below it are its tags.
    Member(usize, u32),
    /// A static, likewise.
    Static(usize),
    /// Code, whose locals are not read.
    Code,
    /// Anything else: children are read for the types in them only.
    Other,
}

/// Names of the functions that can be evidence.
const EVIDENCE_FUNCTIONS: [&[u8]; 3] = [b"save", b"restore", b"restore_in_place"];

/// Reads all types, statics and evidence functions of a unit. Damage ends the unit early and is
/// reported, what was read before it stays.
pub(super) fn read<'a>(input: &Input<'a>, unit: &Unit<'a>) -> UnitTypes<'a> {
    let global = Scope { parent: 0, crate_scope: 0, len: 0, name: b"", hash: 0 };
    let mut reader = UnitReader {
        out: UnitTypes {
            offset: unit.header.offset().0,
            scopes: vec![global],
            ..UnitTypes::default()
        },
        is_foreign: !is_rust(unit),
        typedefs: Vec::new(),
        discriminant: None,
        declarations: Declarations::default(),
    };
    match unit.entries_raw(None) {
        Ok(mut cursor) => {
            if let Err(problem) = reader.entries(input, unit, &mut cursor) {
                reader.out.problem = Some(problem);
            }
        }
        Err(error) => reader.out.problem = Some(error.to_string()),
    }
    std::mem::take(&mut reader.declarations).define(&mut reader.out.statics);
    let typedefs = std::mem::take(&mut reader.typedefs);
    if reader.is_foreign
        && let Err(problem) = unnamed::name(&mut reader, &typedefs)
    {
        reader.out.problem.get_or_insert(problem);
    }
    reader.out.is_foreign = reader.is_foreign;
    reader.out
}

pub(super) struct UnitReader<'a> {
    pub(super) out: UnitTypes<'a>,
    /// Whether it is not of Rust: the variables of functions can be statics, types can be without
    /// names, and there can be tags.
    is_foreign: bool,
    /// The indices of the typedefs of such a unit.
    typedefs: Vec<usize>,
    /// Of the variant that is being read.
    discriminant: Option<Number>,
    /// What is declared apart from its definition.
    declarations: Declarations<'a>,
}

impl<'a> UnitReader<'a> {
    fn entries(
        &mut self,
        input: &Input<'a>,
        unit: &Unit<'a>,
        cursor: &mut gimli::EntriesRaw<'_, super::Slice<'a>>,
    ) -> Result<(), String> {
        let mut stack: Vec<Enclosing> = Vec::new();
        let mut attrs = Attrs::default();
        let len = unit.header.length_including_self();
        // About as many as there are in real units.
        self.out.types.reserve(len / 80);
        self.out.members.reserve(len / 56);
        let mut budget = len.saturating_mul(MAX_ATTRIBUTES_PER_BYTE).saturating_add(1 << 12);
        while !cursor.is_empty() {
            let offset = cursor.next_offset().0;
            let depth = usize::try_from(cursor.next_depth()).unwrap_or(0);
            let Some(abbreviation) = cursor.read_abbreviation().map_err(at(offset))? else {
                continue;
            };
            self.out.entries += 1;
            stack.truncate(depth);
            let outer =
                stack.last().copied().unwrap_or(Enclosing { scope: 0, owner: Owner::Scope });
            let tag = abbreviation.tag();
            let specs = abbreviation.attributes();
            // Some forms take no bytes, so an entry of one byte may have a million attributes.
            budget = budget
                .checked_sub(specs.len())
                .ok_or_else(|| format!("more attributes than its length allows, at {offset:#x}"))?;
            let is_wanted =
                is_wanted(tag, outer.owner) || tag == gimli::DW_TAG_variable && self.is_foreign;
            let inner = if attrs::ANNOTATIONS.contains(&tag) && self.is_foreign {
                let (text, next) =
                    attrs::annotation(input, unit, cursor, specs).map_err(at(offset))?;
                self.out.tags.add(subject(outer.owner), offset, text, next);
                Enclosing { scope: outer.scope, owner: Owner::Other }
            } else if is_wanted {
                let is_function = tag == gimli::DW_TAG_subprogram && !self.is_foreign;
                attrs.read(input, unit, cursor, specs, is_function).map_err(at(offset))?;
                self.entry((input, unit), offset, tag, &attrs, outer)?
            } else {
                cursor.skip_attributes(specs).map_err(at(offset))?;
                let owner = match tag {
                    gimli::DW_TAG_variant_part => self.variant_part(outer.owner),
                    gimli::DW_TAG_lexical_block | gimli::DW_TAG_inlined_subroutine => Owner::Code,
                    gimli::DW_TAG_compile_unit
                    | gimli::DW_TAG_partial_unit
                    | gimli::DW_TAG_type_unit => Owner::Scope,
                    // The arguments of a parameter that takes any number of them.
                    gimli::DW_TAG_GNU_template_parameter_pack => outer.owner,
                    _ => Owner::Other,
                };
                Enclosing { scope: outer.scope, owner }
            };
            if abbreviation.has_children() {
                if stack.len() >= MAX_SCOPE_DEPTH {
                    return Err(format!(
                        "entries nest deeper than {MAX_SCOPE_DEPTH} at {offset:#x}"
                    ));
                }
                // A unit may start anywhere but at depth 0 only if it is damaged.
                stack.resize(depth, outer);
                stack.push(inner);
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        at: (&Input<'a>, &Unit<'a>),
        offset: usize,
        tag: DwTag,
        attrs: &Attrs<'a>,
        outer: Enclosing,
    ) -> Result<Enclosing, String> {
        let name = attrs.name.unwrap_or(b"");
        let same = Enclosing { scope: outer.scope, owner: Owner::Other };
        match tag {
            gimli::DW_TAG_namespace | gimli::DW_TAG_module => {
                let scope = self.scope(outer.scope, name)?;
                Ok(Enclosing { scope, owner: Owner::Scope })
            }
            gimli::DW_TAG_subprogram => {
                if let Owner::Type(owner) = outer.owner
                    && self.is_foreign
                    && name.starts_with(tags::MARK)
                {
                    let (returns, file) = (attrs.ty, attrs.decl_file);
                    let line = attrs.decl_line.unwrap_or(0);
                    self.out.tags.mark(Mark { owner, name, returns, file, line });
                }
                self.function(at, attrs, outer.scope);
                Ok(Enclosing { scope: outer.scope, owner: Owner::Code })
            }
            gimli::DW_TAG_variable => {
                if self.is_foreign {
                    self.out.tags.variable(name);
                }
                // Inside a type's `variant_part` or a function there are no statics of Rust.
                if let Some(location) = attrs.location {
                    let linkage_name = self.linkage_name(at, attrs).unwrap_or(b"");
                    let (scope, ty) = (outer.scope, attrs.ty);
                    let (file, line) = (attrs.decl_file, attrs.decl_line);
                    let found = Static { name, linkage_name, scope, ty, location, file, line };
                    let index = self.out.statics.len();
                    self.out.statics.push(found);
                    self.declarations.refer(index, attrs.specification);
                    self.out.tags.chain(Subject::Static(index), attrs.annotation);
                    return Ok(Enclosing { scope: outer.scope, owner: Owner::Static(index) });
                }
                if self.is_foreign {
                    self.declarations.add(at, offset, attrs, outer.scope);
                }
                Ok(same)
            }
            gimli::DW_TAG_member | gimli::DW_TAG_inheritance => {
                if self.is_foreign {
                    self.declarations.add(at, offset, attrs, outer.scope);
                }
                let owner = self.member(attrs, outer.owner)?;
                Ok(Enclosing { scope: outer.scope, owner })
            }
            gimli::DW_TAG_template_type_parameter => {
                if let Owner::Type(owner) = outer.owner {
                    let param =
                        LocalMember { name, ty: attrs.ty, offset_bytes: 0, bits: None, next: END };
                    self.add_member(owner, |local| &mut local.params, param)?;
                }
                Ok(same)
            }
            gimli::DW_TAG_variant => Ok(match outer.owner {
                Owner::VariantPart(owner) => {
                    self.discriminant = attrs.value;
                    Enclosing { scope: outer.scope, owner: Owner::Variant(owner) }
                }
                Owner::Scope
                | Owner::Type(_)
                | Owner::Variant(_)
                | Owner::Member(..)
                | Owner::Static(_)
                | Owner::Code
                | Owner::Other => same,
            }),
            gimli::DW_TAG_enumerator => {
                if let (Owner::Type(owner), Some(value)) = (outer.owner, attrs.value) {
                    self.add_enumerator(owner, name, value)?;
                }
                Ok(same)
            }
            gimli::DW_TAG_subrange_type => {
                if let Owner::Type(owner) = outer.owner {
                    // In C that says only that the length is not known.
                    let count = attrs.count.filter(|&count| count > 0 || !self.is_foreign);
                    let array = &mut self.out.types[owner];
                    // Arrays of several dimensions exist in C only; their lengths multiply.
                    array.len = match (array.len, count) {
                        (Some(outer), Some(inner)) => outer.checked_mul(inner),
                        (None, count) => count,
                        (Some(_), None) => None,
                    };
                }
                Ok(same)
            }
            _ => match shape_of(tag) {
                Some(shape) => {
                    if tag == gimli::DW_TAG_typedef && self.is_foreign {
                        self.typedefs.push(self.out.types.len());
                    }
                    self.ty(offset, shape, attrs, outer)
                }
                None => Ok(same),
            },
        }
    }

    fn ty(
        &mut self,
        offset: usize,
        shape: Shape,
        attrs: &Attrs<'a>,
        outer: Enclosing,
    ) -> Result<Enclosing, String> {
        let name = attrs.name.unwrap_or(b"");
        let target = match (attrs.signature, attrs.containing_type) {
            (Some(signature), _) => Ref::Signature(signature),
            (None, Ref::None) => attrs.ty,
            (None, containing) => containing,
        };
        let shape = if attrs.signature.is_some() {
            Shape::Alias
        } else if attrs.is_declaration {
            Shape::Declaration
        } else {
            shape
        };
        let index = self.out.types.len();
        self.out.offsets.push(offset, self::index(index)?);
        self.out.types.push(Local {
            shape,
            scope: outer.scope,
            name,
            size_bytes: attrs.size_bytes,
            align_bytes: attrs.align_bytes,
            target,
            members: Chain::EMPTY,
            params: Chain::EMPTY,
            enumerators: Chain::EMPTY,
            len: None,
            encoding: attrs.encoding,
        });
        self.out.tags.chain(Subject::Type(index), attrs.annotation);
        let owns_types = matches!(shape, Shape::Struct | Shape::Union | Shape::Enumeration);
        if self.is_foreign && owns_types {
            self.out.tags.ty(index, attrs.decl_file, attrs.decl_line.unwrap_or(0));
        }
        let scope = if owns_types && !name.is_empty() {
            self.scope(outer.scope, name)?
        } else {
            outer.scope
        };
        Ok(Enclosing { scope, owner: Owner::Type(index) })
    }

    fn member(&mut self, attrs: &Attrs<'a>, owner: Owner) -> Result<Owner, String> {
        let (name, offset_bytes) = (attrs.name.unwrap_or(b""), attrs.offset_bytes);
        // Static members of C++ are only declared here.
        if self.is_foreign && attrs.is_declaration {
            return Ok(Owner::Other);
        }
        let member = LocalMember { name, ty: attrs.ty, offset_bytes, bits: attrs.bits, next: END };
        let is_variant = matches!(owner, Owner::Variant(_));
        match owner {
            Owner::Type(owner) | Owner::Variant(owner) => {
                if is_variant && let Some(discriminant) = self.discriminant.take() {
                    self.add_enumerator(owner, name, discriminant)?;
                }
                let index = self.add_member(owner, |local| &mut local.members, member)?;
                self.out.tags.chain(Subject::Member(owner, index), attrs.annotation);
                if let Some(line) = attrs.decl_line.filter(|_| self.is_foreign) {
                    self.out.tags.member(owner, index, attrs.decl_file, line);
                }
                Ok(if self.is_foreign { Owner::Member(owner, index) } else { Owner::Other })
            }
            Owner::VariantPart(owner) => {
                let local = &mut self.out.types[owner];
                (local.target, local.len) = (attrs.ty, Some(offset_bytes));
                Ok(Owner::Other)
            }
            Owner::Scope | Owner::Member(..) | Owner::Static(_) | Owner::Code | Owner::Other => {
                Ok(Owner::Other)
            }
        }
    }

    fn add_enumerator(
        &mut self,
        owner: usize,
        name: &'a [u8],
        value: Number,
    ) -> Result<(), String> {
        let index = index(self.out.enumerators.len())?;
        self.out.enumerators.push((name, value, END));
        if let Some(before) = self.out.types[owner].enumerators.add(index) {
            self.out.enumerators[before as usize].2 = index;
        }
        Ok(())
    }

    fn add_member(
        &mut self,
        owner: usize,
        chain: for<'l> fn(&'l mut Local<'a>) -> &'l mut Chain,
        member: LocalMember<'a>,
    ) -> Result<u32, String> {
        let index = index(self.out.members.len())?;
        self.out.members.push(member);
        if let Some(before) = chain(&mut self.out.types[owner]).add(index) {
            self.out.members[before as usize].next = index;
        }
        Ok(index)
    }

    fn variant_part(&mut self, owner: Owner) -> Owner {
        match owner {
            Owner::Type(index) => {
                self.out.types[index].shape = Shape::Variants;
                Owner::VariantPart(index)
            }
            Owner::Scope
            | Owner::VariantPart(_)
            | Owner::Variant(_)
            | Owner::Member(..)
            | Owner::Static(_)
            | Owner::Code
            | Owner::Other => Owner::Other,
        }
    }

    fn function(&mut self, at: (&Input<'a>, &Unit<'a>), attrs: &Attrs<'a>, scope: u32) {
        if let Some(file) = attrs.decl_file
            && scope != 0
        {
            self.out.homes.insert((file, self.out.scopes[scope as usize].crate_scope));
        }
        // Most names need not be looked at, which would cost a walk over each.
        let name = match &attrs.function_name {
            Some(value) if attrs::may_start_with(at.0, value, b"sr") => {
                attrs::string(at.0, at.1, *value)
            }
            Some(_) => None,
            None => attrs.name,
        };
        let base = name.unwrap_or(b"");
        let base = base.split(|&byte| byte == b'<').next().unwrap_or(base);
        if EVIDENCE_FUNCTIONS.contains(&base)
            && let Some(linkage_name) = self.linkage_name(at, attrs)
        {
            let (file, line) = (attrs.decl_file, attrs.decl_line);
            self.out.functions.push(Function { linkage_name, file, line });
        }
    }

    fn linkage_name(&self, at: (&Input<'a>, &Unit<'a>), attrs: &Attrs<'a>) -> Option<&'a [u8]> {
        attrs::string(at.0, at.1, attrs.linkage_name?)
    }

    pub(super) fn scope(&mut self, parent: u32, name: &'a [u8]) -> Result<u32, String> {
        let index = index(self.out.scopes.len())?;
        let outer = &self.out.scopes[parent as usize];
        let len = outer.len + name.len() + 2;
        // Also keeps one name from being hashed again and again below itself.
        if len > MAX_NAME_LEN {
            return Err(too_long());
        }
        let crate_scope = if parent == 0 { index } else { outer.crate_scope };
        let own = xxh3_128(name);
        let mut both = [0; 32];
        both[..16].copy_from_slice(&outer.hash.to_le_bytes());
        both[16..].copy_from_slice(&own.to_le_bytes());
        self.out.scopes.push(Scope { parent, crate_scope, len, name, hash: xxh3_128(&both) });
        Ok(index)
    }
}

fn index(len: usize) -> Result<u32, String> {
    u32::try_from(len).ok().filter(|&len| len < END).ok_or_else(|| "too many entries".to_owned())
}

fn too_long() -> String {
    format!("a name of more than {MAX_NAME_LEN} bytes")
}

/// C and its kin have statics in functions; Rust's stand in a namespace of the function's name.
fn is_rust(unit: &Unit<'_>) -> bool {
    let mut entries = unit.entries();
    let language = entries.next_dfs().ok().flatten().and_then(|entry| {
        match entry.attr_value(gimli::DW_AT_language) {
            Some(gimli::AttributeValue::Language(language)) => Some(language),
            _ => None,
        }
    });
    language == Some(gimli::DW_LANG_Rust)
}

/// What a tag below this belongs to.
fn subject(owner: Owner) -> Option<Subject> {
    match owner {
        Owner::Type(ty) => Some(Subject::Type(ty)),
        Owner::Member(ty, member) => Some(Subject::Member(ty, member)),
        Owner::Static(index) => Some(Subject::Static(index)),
        Owner::Scope | Owner::VariantPart(_) | Owner::Variant(_) | Owner::Code | Owner::Other => {
            None
        }
    }
}

fn at(offset: usize) -> impl Fn(gimli::Error) -> String {
    move |error| format!("{error} at offset {offset:#x} of the unit")
}

fn is_wanted(tag: DwTag, owner: Owner) -> bool {
    match tag {
        gimli::DW_TAG_variant_part => false,
        gimli::DW_TAG_variable => owner == Owner::Scope,
        gimli::DW_TAG_member => {
            matches!(owner, Owner::Type(_) | Owner::Variant(_) | Owner::VariantPart(_))
        }
        gimli::DW_TAG_template_type_parameter
        | gimli::DW_TAG_inheritance
        | gimli::DW_TAG_enumerator
        | gimli::DW_TAG_subrange_type => matches!(owner, Owner::Type(_) | Owner::Variant(_)),
        gimli::DW_TAG_variant => matches!(owner, Owner::VariantPart(_)),
        gimli::DW_TAG_namespace | gimli::DW_TAG_module | gimli::DW_TAG_subprogram => true,
        _ => shape_of(tag).is_some(),
    }
}
