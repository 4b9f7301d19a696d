//! The attributes of one entry that matter here, read in one pass.

use std::ops::Deref;

use gimli::{AttributeValue, Operation, Reader, Section as _};

use super::{Input, Unit};
use crate::graph::BitField;

/// What an entry refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ref {
    /// Nothing.
    #[default]
    None,
    /// An entry of the same unit, by its offset there.
    Local(usize),
    /// An entry anywhere in `.debug_info`, by its offset in the section.
    Global(usize),
    /// A type unit, by its signature.
    Signature(u64),
}

/// A number whose sign DWARF does not tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    bits: u128,
    /// How many bits the form has; 0 if the value is what it says.
    width: u32,
}

impl Number {
    /// The value, if the type it belongs to is signed or not.
    pub(super) fn value(self, signed: bool) -> i128 {
        let bits = self.bits.cast_signed();
        if signed && (1..128).contains(&self.width) {
            let unused = 128 - self.width;
            return (bits << unused) >> unused;
        }
        bits
    }
}

/// The attributes of one entry.
#[derive(Debug, Default)]
pub(super) struct Attrs<'a> {
    pub(super) name: Option<&'a [u8]>,
    pub(super) ty: Ref,
    pub(super) size_bytes: Option<u64>,
    pub(super) align_bytes: Option<u64>,
    pub(super) offset_bytes: u64,
    pub(super) is_declaration: bool,
    pub(super) encoding: Option<gimli::DwAte>,
    pub(super) decl_file: Option<u64>,
    pub(super) decl_line: Option<u64>,
    /// Whether any of the others may be there.
    has_more: bool,
    more: More<'a>,
}

/// The attributes that few entries have, apart so that most entries need not clear them.
#[derive(Debug, Default)]
pub(super) struct More<'a> {
    /// That of a function, not looked up yet.
    pub(super) function_name: Option<AttributeValue<super::Slice<'a>>>,
    /// Not looked up yet: few are needed, and each costs a walk over a long string.
    pub(super) linkage_name: Option<AttributeValue<super::Slice<'a>>>,
    pub(super) containing_type: Ref,
    /// The declaration that a definition belongs to.
    pub(super) specification: Ref,
    /// Of a member that is a bit field.
    pub(super) bits: Option<BitField>,
    /// Of an enumerator, or what the discriminant of a variant is.
    pub(super) value: Option<Number>,
    pub(super) count: Option<u64>,
    pub(super) location: Option<Location>,
    pub(super) signature: Option<u64>,
    /// The first of its tags, as gcc writes them.
    pub(super) annotation: Ref,
}

impl<'a> Deref for Attrs<'a> {
    type Target = More<'a>;

    fn deref(&self) -> &More<'a> {
        &self.more
    }
}

/// gcc's name for the attribute that leads to the first tag of an entry.
const DW_AT_GNU_ANNOTATION: gimli::DwAt = gimli::DwAt(0x2139);

/// Entries that are tags: clang's below what they belong to, gcc's in chains.
pub(super) const ANNOTATIONS: [gimli::DwTag; 2] = [gimli::DwTag(0x6000), gimli::DwTag(0x6001)];

/// Whether [`Attrs::read`] looks at an attribute.
const fn is_wanted(name: gimli::DwAt) -> bool {
    matches!(
        name,
        gimli::DW_AT_name
            | gimli::DW_AT_type
            | gimli::DW_AT_byte_size
            | gimli::DW_AT_data_member_location
            | gimli::DW_AT_linkage_name
            | gimli::DW_AT_MIPS_linkage_name
            | gimli::DW_AT_decl_file
            | gimli::DW_AT_decl_line
            | gimli::DW_AT_containing_type
            | gimli::DW_AT_declaration
            | gimli::DW_AT_encoding
            | gimli::DW_AT_const_value
            | gimli::DW_AT_count
            | gimli::DW_AT_upper_bound
            | gimli::DW_AT_location
            | gimli::DW_AT_signature
            | DW_AT_GNU_ANNOTATION
            | gimli::DW_AT_alignment
            | gimli::DW_AT_discr_value
            | gimli::DW_AT_specification
            | gimli::DW_AT_bit_size
            | gimli::DW_AT_data_bit_offset
            | gimli::DW_AT_bit_offset
    )
}

impl<'a> Attrs<'a> {
    fn clear(&mut self) {
        self.name = None;
        self.ty = Ref::None;
        (self.size_bytes, self.align_bytes, self.offset_bytes) = (None, None, 0);
        (self.is_declaration, self.encoding) = (false, None);
        (self.decl_file, self.decl_line) = (None, None);
        if std::mem::take(&mut self.has_more) {
            self.more = More::default();
        }
    }

    const fn more(&mut self) -> &mut More<'a> {
        self.has_more = true;
        &mut self.more
    }

    /// Reads all attributes of the entry at the cursor, in the place of those of another one.
    pub(super) fn read(
        &mut self,
        input: &Input<'a>,
        unit: &Unit<'a>,
        cursor: &mut gimli::EntriesRaw<'_, super::Slice<'a>>,
        specs: &[gimli::AttributeSpecification],
        is_function: bool,
    ) -> gimli::Result<()> {
        self.clear();
        let attrs = self;
        let mut bits = Bits::default();
        let mut left = specs;
        while let Some((spec, behind)) = left.split_first() {
            // Most attributes are of no interest; skipping them is cheaper than reading them.
            if !is_wanted(spec.name()) {
                let more = behind.iter().take_while(|spec| !is_wanted(spec.name())).count();
                let (skipped, behind) = left.split_at(1 + more);
                cursor.skip_attributes(skipped)?;
                left = behind;
                continue;
            }
            left = behind;
            let value = cursor.read_attribute(*spec)?.raw_value();
            match spec.name() {
                gimli::DW_AT_name if is_function => attrs.more().function_name = Some(value),
                gimli::DW_AT_name => {
                    // What `dwz -m` moved elsewhere is told once, for the whole file.
                    let is_shared = matches!(value, AttributeValue::DebugStrRefSup(_));
                    let at = match &value {
                        AttributeValue::DebugStrRef(offset) => offset.0,
                        AttributeValue::DebugLineStrRef(offset) => offset.0,
                        AttributeValue::DebugStrOffsetsIndex(index) => index.0,
                        _ => 0,
                    };
                    attrs.name = string(input, unit, value);
                    if attrs.name.is_none() && !is_shared {
                        // A field without a name would pass for one that needs none.
                        return Err(gimli::Error::OffsetOutOfBounds(at as u64));
                    }
                }
                gimli::DW_AT_type => attrs.ty = reference(value),
                gimli::DW_AT_byte_size => attrs.size_bytes = value.udata_value(),
                gimli::DW_AT_data_member_location => {
                    attrs.offset_bytes = value.udata_value().unwrap_or(0);
                }
                gimli::DW_AT_bit_size => bits.len = value.udata_value(),
                gimli::DW_AT_data_bit_offset => bits.start = value.udata_value(),
                gimli::DW_AT_bit_offset => bits.from_top = value.sdata_value(),
                gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name => {
                    attrs.more().linkage_name = Some(value);
                }
                gimli::DW_AT_decl_file => attrs.decl_file = value.udata_value(),
                gimli::DW_AT_decl_line => attrs.decl_line = value.udata_value(),
                gimli::DW_AT_specification => attrs.more().specification = reference(value),
                gimli::DW_AT_containing_type => attrs.more().containing_type = reference(value),
                gimli::DW_AT_declaration => {
                    attrs.is_declaration = matches!(value, AttributeValue::Flag(true));
                }
                gimli::DW_AT_encoding => {
                    let encoding = value.udata_value().and_then(|value| u8::try_from(value).ok());
                    attrs.encoding = encoding.map(gimli::DwAte);
                }
                gimli::DW_AT_alignment => attrs.align_bytes = value.udata_value(),
                gimli::DW_AT_const_value | gimli::DW_AT_discr_value => {
                    attrs.more().value = number(value)
                }
                gimli::DW_AT_count => attrs.more().count = value.udata_value(),
                gimli::DW_AT_upper_bound => {
                    attrs.more().count = value.udata_value().and_then(|last| last.checked_add(1));
                }
                gimli::DW_AT_location => attrs.more().location = location(input, unit, value),
                gimli::DW_AT_signature => {
                    if let AttributeValue::DebugTypesRef(signature) = value {
                        attrs.more().signature = Some(signature.0);
                    }
                }
                DW_AT_GNU_ANNOTATION => attrs.more().annotation = reference(value),
                _ => {}
            }
        }
        if let Some((start, field)) = bits.place(attrs.offset_bytes, attrs.size_bytes) {
            attrs.offset_bytes = start;
            attrs.more().bits = field;
        }
        Ok(())
    }
}

/// What an entry says of the bits of a member.
#[derive(Default)]
struct Bits {
    len: Option<u64>,
    /// From the start of the type.
    start: Option<u64>,
    /// From the highest bit of the bytes that hold it, as DWARF before 4 has it.
    from_top: Option<i64>,
}

impl Bits {
    /// The byte that the member starts in, and its bits if it is a bit field. The bytes that hold
    /// it are `size` bytes from `offset` on.
    fn place(&self, offset: u64, size: Option<u64>) -> Option<(u64, Option<BitField>)> {
        let start = match (self.start, self.from_top) {
            (Some(start), _) => start,
            (None, None) => offset.checked_mul(8)?,
            (None, Some(from_top)) => {
                let end = offset.checked_add(size.unwrap_or(0))?.checked_mul(8)?;
                // Without a size only the order of the bits is wrong, not that they differ.
                let sign = if size.is_some() { -1 } else { 1 };
                let len = size.and(self.len).unwrap_or(0);
                end.checked_add_signed(from_top.checked_mul(sign)?)?.checked_sub(len)?
            }
        };
        let first = u8::try_from(start % 8).ok()?;
        let field =
            self.len.map(|len| BitField { first, len: u16::try_from(len).unwrap_or(u16::MAX) });
        (self.start.is_some() || field.is_some()).then_some((start / 8, field))
    }
}

/// The text of a tag, and the tag that comes after it in a chain. Tags of other kinds have no text.
pub(super) fn annotation<'a>(
    input: &Input<'a>,
    unit: &Unit<'a>,
    cursor: &mut gimli::EntriesRaw<'_, super::Slice<'a>>,
    specs: &[gimli::AttributeSpecification],
) -> gimli::Result<(&'a [u8], Ref)> {
    let (mut kind, mut text, mut next) = (None, None, Ref::None);
    for spec in specs {
        let value = cursor.read_attribute(*spec)?.raw_value();
        match spec.name() {
            gimli::DW_AT_name => kind = string(input, unit, value),
            gimli::DW_AT_const_value => text = string(input, unit, value),
            DW_AT_GNU_ANNOTATION => next = reference(value),
            _ => {}
        }
    }
    let text = text.filter(|_| kind == Some(b"btf_decl_tag"));
    Ok((text.unwrap_or(b""), next))
}

/// Whether the text that an attribute stands for may start with one of these bytes.
pub(super) fn may_start_with(
    input: &Input<'_>,
    value: &AttributeValue<super::Slice<'_>>,
    starts: &[u8],
) -> bool {
    match value {
        AttributeValue::DebugStrRef(offset) => {
            let text = input.debug_str.reader().slice();
            text.get(offset.0).is_some_and(|first| starts.contains(first))
        }
        _ => true,
    }
}

/// The text that an attribute stands for.
pub(super) fn string<'a>(
    input: &Input<'a>,
    unit: &Unit<'a>,
    value: AttributeValue<super::Slice<'a>>,
) -> Option<&'a [u8]> {
    match value {
        AttributeValue::String(text) => Some(text.slice()),
        // The common case; gimli looks for the end of the text byte by byte.
        AttributeValue::DebugStrRef(offset) => {
            let text = input.debug_str.reader().slice().get(offset.0..)?;
            text.get(..memchr::memchr(0, text)?)
        }
        value => input.attr_string(unit, value).ok().map(|text| text.slice()),
    }
}

fn reference<R: Reader<Offset = usize>>(value: AttributeValue<R>) -> Ref {
    match value {
        AttributeValue::UnitRef(offset) => Ref::Local(offset.0),
        AttributeValue::DebugInfoRef(offset) => Ref::Global(offset.0),
        AttributeValue::DebugTypesRef(signature) => Ref::Signature(signature.0),
        _ => Ref::None,
    }
}

fn number<R: Reader<Offset = usize>>(value: AttributeValue<R>) -> Option<Number> {
    let exact = |value: i128| Number { bits: value.cast_unsigned(), width: 0 };
    Some(match value {
        AttributeValue::Data1(bits) => Number { bits: bits.into(), width: 8 },
        AttributeValue::Data2(bits) => Number { bits: bits.into(), width: 16 },
        AttributeValue::Data4(bits) => Number { bits: bits.into(), width: 32 },
        AttributeValue::Data8(bits) => Number { bits: bits.into(), width: 64 },
        AttributeValue::Data16(bits) => Number { bits, width: 128 },
        AttributeValue::Sdata(value) => exact(value.into()),
        AttributeValue::Udata(value) => exact(value.into()),
        AttributeValue::Block(bytes) => {
            // 128-bit discriminants come as blocks of little-endian bytes.
            let bytes = bytes.to_slice().ok()?;
            let mut wide = [0; 16];
            wide.get_mut(..bytes.len())?.copy_from_slice(&bytes);
            let width = u32::try_from(bytes.len() * 8).ok()?;
            Number { bits: u128::from_le_bytes(wide), width }
        }
        _ => return None,
    })
}

/// Where a variable lives that lives as long as the program or a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// At this address.
    Address(u64),
    /// In each thread, at this offset of its block.
    Thread(u64),
}

/// Where a static is: its location is that one operation, or an offset and the operation that adds
/// the thread's block. What optimization took apart has more operations after its address.
fn location<'a>(
    input: &Input<'a>,
    unit: &Unit<'a>,
    value: AttributeValue<super::Slice<'a>>,
) -> Option<Location> {
    let mut operations = value.exprloc_value()?.operations(unit.encoding());
    let (first, is_address) = match operations.next().ok()?? {
        Operation::Address { address } => (address, true),
        Operation::AddressIndex { index } => (input.address(unit, index).ok()?, true),
        Operation::UnsignedConstant { value } => (value, false),
        Operation::ConstantIndex { index } => (input.address(unit, index).ok()?, false),
        _ => return None,
    };
    match operations.next().ok()? {
        // A pointer to a static, whose own value is in no memory.
        Some(Operation::StackValue) => None,
        _ if is_address => Some(Location::Address(first)),
        Some(Operation::TLS) => Some(Location::Thread(first)),
        _ => None,
    }
}
