//! How types lie in memory, written and read.
//!
//! ```text
//! target x86-64 64-bit little-endian
//!
//! layout sim::Machine {
//!   size 40 align 8
//!   0..24 cache: Vec<u8> (address)
//!   24..32 cycles: u64
//!   32..33 turbo: bool
//! }
//!
//! layout sim::Mode {
//!   size 8 align 4
//!   tag 0..4
//!   variant Off = 0
//!   variant Periodic = 1 {
//!     4..8 every: u32
//!   }
//! }
//! ```
//!
//! Fields stand in the order in which they lie in memory, each after its first byte and the one
//! behind its last; a bit field has its bits behind its type: `0..1 mode: u32 (bits 4..8)`. A variant without a number has all values of the tag that no other one has.

use std::fmt::Write as _;

use super::lines::{Lines, LockError};
use crate::memory::{FieldLayout, Layout, Memory, VariantLayout};
use crate::model::Model;

const ADDRESS: &str = " (address)";

/// What stands behind the type of a bit field, before its bits and a bracket.
const BITS: &str = " (bits ";

/// Writes all layouts, if the model has them.
pub(super) fn write(out: &mut String, model: &Model) {
    let (Some(target), Some(memory)) = (&model.target, &model.memory) else { return };
    let _ = writeln!(out, "\ntarget {target}");
    for (name, layout) in memory {
        let _ = write!(out, "\nlayout {name} {{\n  size {}", layout.size);
        if let Some(align) = layout.align {
            let _ = write!(out, " align {align}");
        }
        out.push('\n');
        if let Some(tag) = layout.discriminant {
            let _ = writeln!(out, "  tag {tag}");
        }
        for variant in &layout.variants {
            write_variant(out, variant);
        }
        out.push_str("}\n");
    }
}

fn write_variant(out: &mut String, variant: &VariantLayout) {
    let fields = |out: &mut String, indent: &str| {
        for FieldLayout { at, bits, name, ty, has_address } in &variant.fields {
            let address = if *has_address { ADDRESS } else { "" };
            let bits = bits.map_or_else(String::new, |bits| format!("{BITS}{bits})"));
            let _ = writeln!(out, "{indent}{at} {name}: {ty}{bits}{address}");
        }
    };
    if variant.name.is_empty() {
        fields(out, "  ");
        return;
    }
    let _ = write!(out, "  variant {}", variant.name);
    if let Some(value) = variant.value {
        let _ = write!(out, " = {value}");
    }
    if variant.fields.is_empty() {
        out.push('\n');
    } else {
        out.push_str(" {\n");
        fields(out, "    ");
        out.push_str("  }\n");
    }
}

/// Reads the machine that the layouts are for.
pub(super) fn read_target(
    lines: &Lines<'_>,
    text: &str,
    model: &mut Model,
) -> Result<(), LockError> {
    let Ok(target) = text.parse() else {
        return lines.wrong("a machine expected: `target x86-64 64-bit little-endian`");
    };
    if model.memory.is_some() {
        return lines.wrong("a second target");
    }
    (model.target, model.memory) = (Some(target), Some(Memory::new()));
    Ok(())
}

/// Reads the layout of a type, from behind its first line.
pub(super) fn read(lines: &mut Lines<'_>, name: &str) -> Result<Layout, LockError> {
    let mut layout = match lines.inside(name)?.map(size) {
        Some(Some(layout)) => layout,
        _ => return lines.wrong("the size of the type expected: `size 16 align 8`"),
    };
    while let Some(line) = lines.inside(name)? {
        if let Some(tag) = line.strip_prefix("tag ") {
            match tag.parse() {
                Ok(tag) if layout.discriminant.is_none() => layout.discriminant = Some(tag),
                _ => return lines.wrong("the place of one discriminant expected: `tag 0..4`"),
            }
        } else if let Some(rest) = line.strip_prefix("variant ") {
            let variant = variant(lines, rest)?;
            layout.variants.push(variant);
        } else {
            let field = field(lines, line)?;
            match &mut layout.variants[..] {
                [] => {
                    let fields = vec![field];
                    layout.variants.push(VariantLayout { fields, ..VariantLayout::default() });
                }
                [only] if only.name.is_empty() => only.fields.push(field),
                _ => return lines.wrong("a field outside of the variants"),
            }
        }
    }
    Ok(layout)
}

fn size(line: &str) -> Option<Layout> {
    let rest = line.strip_prefix("size ")?;
    let (size, align) = match rest.split_once(" align ") {
        Some((size, align)) => (size, Some(align.parse().ok()?)),
        None => (rest, None),
    };
    Some(Layout { size: size.parse().ok()?, align, ..Layout::default() })
}

fn variant(lines: &mut Lines<'_>, rest: &str) -> Result<VariantLayout, LockError> {
    let (head, has_fields) = match rest.strip_suffix(" {") {
        Some(head) => (head, true),
        None => (rest, false),
    };
    let (name, value) = match head.split_once(" = ") {
        Some((name, value)) => match value.parse() {
            Ok(value) => (name, Some(value)),
            Err(_) => return lines.wrong("the number of a variant expected"),
        },
        None => (head, None),
    };
    let mut variant = VariantLayout { name: name.to_owned(), value, fields: Vec::new() };
    while has_fields && let Some(line) = lines.inside(name)? {
        variant.fields.push(field(lines, line)?);
    }
    Ok(variant)
}

fn field(lines: &Lines<'_>, line: &str) -> Result<FieldLayout, LockError> {
    let parts = line.split_once(' ').and_then(|(at, rest)| {
        let (name, ty) = rest.split_once(": ")?;
        Some((at.parse().ok()?, name, ty))
    });
    let Some((at, name, ty)) = parts else {
        return lines.wrong("a field expected: `0..4 name: Type`");
    };
    let (ty, has_address) = match ty.strip_suffix(ADDRESS) {
        Some(ty) => (ty, true),
        None => (ty, false),
    };
    let bit_field = ty.strip_suffix(')').and_then(|ty| ty.rsplit_once(BITS));
    let (ty, bits) = match bit_field.map(|(ty, bits)| (ty, bits.parse())) {
        Some((ty, Ok(bits))) => (ty, Some(bits)),
        _ => (ty, None),
    };
    Ok(FieldLayout { at, bits, name: name.to_owned(), ty: ty.to_owned(), has_address })
}
