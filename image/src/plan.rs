//! What the blocks of an image hold, before anything is decoded: read off the schema and the
//! values, as far as that is quickly done.

use samestate_schema::treatment::Treatment;
use samestate_schema::types::{Field, Primitive, Table, Type, TypeRef};

use crate::layout::{BLOCK_MIN, LONG_LEN, plain, variant_width};

/// Deepest nesting that is followed.
const DEPTH: u32 = 32;

/// How many values may be passed over for each block, so that it costs little beside the blocks.
const STEPS_PER_BLOCK: usize = 64;

/// The numbers of the first blocks, of which there are `blocks`; `None` for one whose numbers are
/// not those of a sequence. What it returns is a guess: it checks nothing.
pub(crate) fn blocks(table: &Table, values: &[u8], blocks: usize) -> Vec<Option<Primitive>> {
    let steps = blocks.saturating_mul(STEPS_PER_BLOCK);
    let mut plan = Plan { table, values, blocks, steps, found: Vec::new() };
    // It stops where it cannot go on; what it found until then holds.
    let _ = plan.value(table.root, DEPTH);
    plan.found
}

struct Plan<'a> {
    table: &'a Table,
    /// What was not passed over yet.
    values: &'a [u8],
    blocks: usize,
    steps: usize,
    found: Vec<Option<Primitive>>,
}

impl Plan<'_> {
    fn skip(&mut self, count: usize) -> Option<&[u8]> {
        let (skipped, rest) = self.values.split_at_checked(count)?;
        self.values = rest;
        Some(skipped)
    }

    fn little(&mut self, count: usize) -> Option<u64> {
        let bytes = self.skip(count)?;
        Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn len(&mut self) -> Option<u64> {
        match self.little(1)? {
            long if long == u64::from(LONG_LEN) => self.little(8),
            short => Some(short),
        }
    }

    /// Passes over a value; `None` if it cannot, or need not any more.
    fn value(&mut self, ty: TypeRef, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.steps = self.steps.checked_sub(1)?;
        let table = self.table;
        match table.get(ty)? {
            Type::Primitive(primitive) => self.skip(primitive.size()).map(drop),
            Type::Str | Type::Opaque(_) => {
                let len = usize::try_from(self.len()?).ok()?;
                self.skip(len).map(drop)
            }
            Type::Option(inner) => match self.little(1)? {
                0 => Some(()),
                _ => self.value(*inner, depth),
            },
            Type::Sequence(inner) => {
                let count = self.len()?;
                self.elements(*inner, count, depth, true)
            }
            Type::Array(inner, count) => self.elements(*inner, *count, depth, false),
            Type::Tuple(types) => types.iter().try_for_each(|ty| self.value(*ty, depth)),
            Type::Struct(def) => self.fields(&def.fields, depth),
            Type::Enum(def) => {
                let number = self.little(variant_width(def.variants.len()))?;
                let variant = def.variants.get(usize::try_from(number).ok()?)?;
                self.fields(&variant.fields, depth)
            }
            Type::Map(..) | Type::Set(_) | Type::Shared(_) | Type::Weak(_) | Type::Dyn(_) => None,
        }
    }

    fn fields(&mut self, fields: &[Field], depth: u32) -> Option<()> {
        let saved = fields.iter().filter(|field| field.treatment == Treatment::Saved);
        saved.filter_map(|field| field.ty).try_for_each(|ty| self.value(ty, depth))
    }

    fn elements(&mut self, inner: TypeRef, count: u64, depth: u32, sequence: bool) -> Option<()> {
        let Some((primitive, size)) = plain(&self.table.types, inner).filter(|&(_, size)| size > 0)
        else {
            return (0..count).try_for_each(|_| self.value(inner, depth));
        };
        let len = usize::try_from(count.checked_mul(size)?).ok()?;
        if len < BLOCK_MIN {
            return self.skip(len).map(drop);
        }
        let alone = sequence && size == primitive.size() as u64;
        self.found.push(alone.then_some(primitive));
        (self.found.len() < self.blocks).then_some(())
    }
}
