//! What a constant says, as far as its text tells: numbers, texts, arithmetic on them, and other
//! constants. Nothing is guessed: what cannot be read here, the compiler alone knows.

use quote::ToTokens as _;

use crate::dwarf::Contents;
use crate::names;
use crate::source::{MAX_NAMES, Sources};

/// How deep constants may lead to constants, and how many parts are looked at.
const MAX_DEPTH: usize = 64;
const MAX_STEPS: usize = 4096;

/// What a constant says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(i128),
    Bytes(Vec<u8>),
}

impl Value {
    /// As a line of a lock can hold it.
    pub(super) fn shown(&self) -> Result<String, String> {
        match self {
            Self::Number(number) => Ok(number.to_string()),
            Self::Bytes(bytes) if bytes.is_empty() => Err("is empty".to_owned()),
            Self::Bytes(bytes) if bytes.len() > MAX_STEPS => Err("is too long".to_owned()),
            Self::Bytes(bytes) if bytes.iter().all(u8::is_ascii_graphic) => {
                Ok(String::from_utf8_lossy(bytes).into_owned())
            }
            Self::Bytes(bytes) => {
                let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
                Ok(format!("0x{}", digits.collect::<String>()))
            }
        }
    }

    fn number(self) -> Result<i128, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Bytes(_) => Err("counts with what is no number".to_owned()),
        }
    }
}

/// Where an expression stands: its crate, and what is around it.
struct At<'a> {
    krate: &'a str,
    scope: &'a [String],
}

/// Reads expressions, each of them bounded.
pub(super) struct Reader<'a> {
    contents: &'a Contents,
    sources: &'a Sources<'a>,
    depth: usize,
    steps: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(contents: &'a Contents, sources: &'a Sources<'a>) -> Self {
        Self { contents, sources, depth: 0, steps: 0 }
    }

    /// The value of an expression in this crate, inside of these modules; or why it is not known.
    pub(super) fn read(
        &mut self,
        krate: &str,
        scope: &[String],
        expr: &syn::Expr,
    ) -> Result<Value, String> {
        self.value(&At { krate, scope }, expr)
    }

    fn value(&mut self, at: &At<'_>, expr: &syn::Expr) -> Result<Value, String> {
        self.steps += 1;
        if self.depth >= MAX_DEPTH || self.steps > MAX_STEPS {
            return Err("leads through too many constants, or to itself".to_owned());
        }
        self.depth += 1;
        let value = self.inside(at, expr);
        self.depth -= 1;
        value
    }

    fn inside(&mut self, at: &At<'_>, expr: &syn::Expr) -> Result<Value, String> {
        use syn::Expr as E;
        match expr {
            E::Paren(inner) => self.value(at, &inner.expr),
            E::Group(inner) => self.value(at, &inner.expr),
            // What a reference leads to is what counts.
            E::Reference(inner) => self.value(at, &inner.expr),
            E::Lit(literal) => value_of(&literal.lit),
            E::Unary(unary) => match unary.op {
                syn::UnOp::Deref(_) => self.value(at, &unary.expr),
                syn::UnOp::Neg(_) => {
                    let number = self.value(at, &unary.expr)?.number()?;
                    number.checked_neg().map(Value::Number).ok_or_else(too_large)
                }
                _ => Err(unread(expr)),
            },
            E::Binary(binary) => {
                let left = self.value(at, &binary.left)?.number()?;
                let right = self.value(at, &binary.right)?.number()?;
                computed(&binary.op, left, right).map(Value::Number)
            }
            E::Cast(cast) => {
                let number = self.value(at, &cast.expr)?.number()?;
                let ty = cast.ty.to_token_stream().to_string();
                wrapped(number, &ty).map(Value::Number).ok_or_else(|| unread(expr))
            }
            E::Array(array) => {
                let mut bytes = Vec::new();
                for element in &array.elems {
                    let number = self.value(at, element)?.number()?;
                    bytes.push(u8::try_from(number).map_err(|_| unread(expr))?);
                }
                Ok(Value::Bytes(bytes))
            }
            E::Block(block) if block.attrs.is_empty() => match &block.block.stmts[..] {
                [syn::Stmt::Expr(inner, None)] => self.value(at, inner),
                _ => Err(unread(expr)),
            },
            E::Const(block) => match &block.block.stmts[..] {
                [syn::Stmt::Expr(inner, None)] => self.value(at, inner),
                _ => Err(unread(expr)),
            },
            E::Path(path) if path.qself.is_none() => self.constant(at, &path.path),
            E::Call(call) => self.call(at, call),
            _ => Err(unread(expr)),
        }
    }

    /// What another constant says.
    fn constant(&mut self, at: &At<'_>, path: &syn::Path) -> Result<Value, String> {
        let shown = path.to_token_stream().to_string().replace(' ', "");
        let parts: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let mut path: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let [ty, name @ ("MAX" | "MIN")] = path[..]
            && let Some(number) = bound(ty, name == "MAX")
        {
            return Ok(Value::Number(number));
        }
        // What is around a constant of an impl ends with the type.
        if let (Some(&"Self"), Some(ty)) = (path.first(), at.scope.last()) {
            path[0] = ty;
        }
        let own = self.sources.krate(at.krate);
        let whole: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        let mut seen = (at.scope.to_vec(), whole);
        for _ in 0..MAX_NAMES {
            match own.imported_constant(&names::borrowed(&seen.0), &names::borrowed(&seen.1)) {
                Some(next) => seen = next,
                None => break,
            }
        }
        let (from, path) = (names::borrowed(&seen.0), names::borrowed(&seen.1));
        let mut name = at.krate;
        let mut found = own.constants_from(&from, &path);
        // What was imported with all names of a module.
        if found.is_empty()
            && let ["crate" | "self" | "super", .., ident] = path[..]
        {
            found = own.constants_named(ident);
        }
        let mut krate = own;
        if found.is_empty()
            && let Some((first, rest)) = path.split_first()
            && !rest.is_empty()
            && self.contents.crates.contains_key(*first)
        {
            (name, krate) = (first, self.sources.krate(first));
            found = krate.constants(rest);
        }
        match &found[..] {
            [] => Err(format!("counts on `{shown}`, which is not there in the sources")),
            [(scope, found)] => {
                if let Some(condition) = krate.doubt(&found.item) {
                    return Err(format!("counts on `{shown}`, which hangs on `{condition}`"));
                }
                self.value(&At { krate: name, scope }, &found.item.value)
            }
            _ => Err(format!("counts on `{shown}`, which may be one of several")),
        }
    }

    /// `u32::from_le_bytes(*b"SAVE")`: of functions, only those are known.
    fn call(&mut self, at: &At<'_>, call: &syn::ExprCall) -> Result<Value, String> {
        let whole = || unread(&syn::Expr::Call(call.clone()));
        let syn::Expr::Path(function) = &*call.func else { return Err(whole()) };
        let names: Vec<String> =
            function.path.segments.iter().map(|part| part.ident.to_string()).collect();
        let [ty, function] = &names[..] else { return Err(whole()) };
        let (Some((bits, is_signed)), Some(argument), 1) =
            (width(ty), call.args.first(), call.args.len())
        else {
            return Err(whole());
        };
        let is_little = match function.as_str() {
            "from_le_bytes" => true,
            "from_be_bytes" => false,
            _ => return Err(whole()),
        };
        let Value::Bytes(mut bytes) = self.value(at, argument)? else { return Err(whole()) };
        if u32::try_from(bytes.len() * 8) != Ok(bits) || (bits == 128 && !is_signed) {
            return Err(whole());
        }
        if !is_little {
            bytes.reverse();
        }
        let number = bytes.iter().rev().fold(0_i128, |all, byte| (all << 8) | i128::from(*byte));
        wrapped(number, ty).map(Value::Number).ok_or_else(whole)
    }
}

fn value_of(literal: &syn::Lit) -> Result<Value, String> {
    Ok(match literal {
        syn::Lit::Int(number) => {
            Value::Number(number.base10_parse::<i128>().map_err(|_| too_large())?)
        }
        syn::Lit::Byte(byte) => Value::Number(i128::from(byte.value())),
        syn::Lit::Char(char) => Value::Number(i128::from(u32::from(char.value()))),
        syn::Lit::Str(text) => Value::Bytes(text.value().into_bytes()),
        syn::Lit::ByteStr(text) => Value::Bytes(text.value()),
        syn::Lit::CStr(text) => Value::Bytes(text.value().into_bytes()),
        _ => return Err("is neither a number nor a text".to_owned()),
    })
}

fn computed(op: &syn::BinOp, left: i128, right: i128) -> Result<i128, String> {
    use syn::BinOp as B;
    let bits = u32::try_from(right);
    let number = match op {
        B::Add(_) => left.checked_add(right),
        B::Sub(_) => left.checked_sub(right),
        B::Mul(_) => left.checked_mul(right),
        B::Div(_) => left.checked_div(right),
        B::Rem(_) => left.checked_rem(right),
        B::BitAnd(_) => Some(left & right),
        B::BitOr(_) => Some(left | right),
        B::BitXor(_) => Some(left ^ right),
        // Bits that are pushed out are lost in a width that is not known here.
        B::Shl(_) => bits.ok().and_then(|bits| 1_i128.checked_shl(bits)?.checked_mul(left)),
        B::Shr(_) => bits.ok().and_then(|bits| left.checked_shr(bits)),
        _ => None,
    };
    number.ok_or_else(|| format!("is a `{}` that cannot be computed here", op.to_token_stream()))
}

/// The bits of a type of numbers, and whether it has a sign. The target's width is not known here.
fn width(ty: &str) -> Option<(u32, bool)> {
    let bits = ty.strip_prefix(['u', 'i'])?.parse().ok()?;
    [8, 16, 32, 64, 128].contains(&bits).then(|| (bits, ty.starts_with('i')))
}

fn bound(ty: &str, is_max: bool) -> Option<i128> {
    match (width(ty)?, is_max) {
        ((128, false), true) => None,
        ((_, false), false) => Some(0),
        ((bits, false), true) => Some((1 << bits) - 1),
        ((bits, true), true) => Some(i128::MAX >> (128 - bits)),
        ((bits, true), false) => Some(i128::MIN >> (128 - bits)),
    }
}

/// The number as this type holds it; `None` for types of which that is not known.
fn wrapped(number: i128, ty: &str) -> Option<i128> {
    let (bits, is_signed) = match ty {
        // Whatever the width of an address is, it holds these.
        "usize" => return (0..=i128::from(u16::MAX)).contains(&number).then_some(number),
        "isize" => return (-32768..=32767).contains(&number).then_some(number),
        ty => width(ty)?,
    };
    if bits == 128 {
        return (is_signed || number >= 0).then_some(number);
    }
    let low = number & ((1 << bits) - 1);
    let is_negative = is_signed && low >> (bits - 1) == 1;
    Some(if is_negative { low - (1 << bits) } else { low })
}

fn too_large() -> String {
    "is a number that is too large to be read here".to_owned()
}

fn unread(expr: &syn::Expr) -> String {
    let text = expr.to_token_stream().to_string();
    let start: String = text.chars().take(60).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("is neither a number nor a text, nor made of such: `{start}{more}`")
}
