//! How types lie in memory: what somebody depends on who dumps it as it is.

mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub(crate) use self::read::read;
use crate::names::TypeExpr;

/// The layouts of all types that lie in memory below the types of a model, by name. Of several
/// layouts of one name, the later ones have a number after it.
pub(crate) type Memory = BTreeMap<String, Layout>;

/// A kind of machine, as far as memory depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The architecture, such as `x86-64`.
    pub(crate) name: String,
    /// Width of an address in bits.
    pub(crate) bits: u8,
    /// The order of the bytes of a number.
    pub(crate) is_little_endian: bool,
}

impl Target {
    /// Whether numbers and addresses look the same in the memory of both.
    pub(crate) const fn reads_like(&self, other: &Self) -> bool {
        self.bits == other.bits && self.is_little_endian == other.is_little_endian
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = if self.is_little_endian { LITTLE } else { BIG };
        write!(f, "{} {}-bit {order}", self.name, self.bits)
    }
}

const LITTLE: &str = "little-endian";
const BIG: &str = "big-endian";

impl FromStr for Target {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ');
        let mut next = || words.next().ok_or(());
        let (name, bits, order) = (next()?.to_owned(), next()?, next()?);
        let bits = bits.strip_suffix("-bit").and_then(|bits| bits.parse().ok()).ok_or(())?;
        let is_little_endian = match order {
            LITTLE => true,
            BIG => false,
            _ => return Err(()),
        };
        if words.next().is_some() {
            return Err(());
        }
        Ok(Self { name, bits, is_little_endian })
    }
}

/// How one type lies in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Layout {
    /// Size in bytes.
    pub(crate) size: u64,
    /// Alignment in bytes, if it is known.
    pub(crate) align: Option<u64>,
    /// Where the number stands that tells the variants of an enum apart, if there is one.
    pub(crate) discriminant: Option<Span>,
    /// What each variant looks like. A struct has one without a name, an enum of numbers none.
    pub(crate) variants: Vec<VariantLayout>,
}

/// The fields of a variant, or of a whole struct.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VariantLayout {
    pub(crate) name: String,
    /// What the discriminant is; none for a struct, and for the variant that has all values that
    /// no other one has.
    pub(crate) value: Option<i128>,
    /// In the order in which they lie in memory. What takes no room is left out.
    pub(crate) fields: Vec<FieldLayout>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldLayout {
    pub(crate) at: Span,
    /// Of a bit field, which bits of its bytes it has.
    pub(crate) bits: Option<Span>,
    pub(crate) name: String,
    pub(crate) ty: String,
    /// Whether there is an address in these bytes.
    pub(crate) has_address: bool,
}

/// Bytes of a type, from the first one to that behind the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl FromStr for Span {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (start, end) = text.split_once("..").ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        let (start, end) = (number(start)?, number(end)?);
        if start <= end { Ok(Self { start, end }) } else { Err(()) }
    }
}

impl Layout {
    /// All fields, whatever variant they are of.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &FieldLayout> {
        self.variants.iter().flat_map(|variant| &variant.fields)
    }

    /// Whether there is an address anywhere in it.
    pub(crate) fn has_address(&self) -> bool {
        self.fields().any(|field| field.has_address)
    }

    /// How many bytes of a struct belong to no field.
    pub(crate) fn padding(&self) -> u64 {
        let [only] = &self.variants[..] else { return 0 };
        if self.discriminant.is_some() {
            return 0;
        }
        // The members of a union lie one above the other.
        let (mut end, mut padding) = (0, 0);
        for field in &only.fields {
            padding += field.at.start.saturating_sub(end);
            end = field.at.end.max(end);
        }
        padding + self.size.saturating_sub(end)
    }
}

/// The type that lies in a field, once or as the elements of an array.
pub(crate) fn inside(ty: &str) -> String {
    let mut expr = TypeExpr::parse(ty);
    while let TypeExpr::Array(element, _) = expr {
        expr = *element;
    }
    expr.to_string()
}
