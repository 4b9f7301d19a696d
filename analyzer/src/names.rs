//! Type names as the compiler spells them, taken apart and put together for people.

use std::fmt::{self, Write as _};

use crate::limits::MAX_NAME_DEPTH;

/// A type name in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypeExpr {
    /// `a::b::Name<Args>`; constant arguments are paths without arguments.
    Path { name: String, args: Vec<TypeExpr> },
    /// `(A, B)`
    Tuple(Vec<TypeExpr>),
    /// `[T; 4]`
    Array(Box<TypeExpr>, String),
    /// `[T]`
    Slice(Box<TypeExpr>),
    /// `&T`, `&mut T`, `*const T`, `*mut T`: the part before the target, and the target.
    Pointer(&'static str, Box<TypeExpr>),
    /// `dyn A + B`, as it stands there.
    Dyn(String),
    /// Anything else: functions, or a name that cannot be taken apart.
    Other(String),
}

const POINTERS: [&str; 4] = ["&mut ", "&", "*const ", "*mut "];

impl TypeExpr {
    /// Takes a name apart. What cannot be taken apart stays whole.
    pub(crate) fn parse(name: &str) -> Self {
        let mut parser = Parser { text: name, at: 0, depth: 0 };
        match parser.expr() {
            Some(expr) if parser.rest().trim().is_empty() => expr,
            _ => Self::Other(name.to_owned()),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let spaces = self.rest().len() - self.rest().trim_start().len();
        let found = self.rest()[spaces..].starts_with(token);
        if found {
            self.at += spaces + token.len();
        }
        found
    }

    fn expr(&mut self) -> Option<TypeExpr> {
        self.depth += 1;
        if self.depth > MAX_NAME_DEPTH {
            return None;
        }
        let expr = self.expr_inside();
        self.depth -= 1;
        expr
    }

    fn expr_inside(&mut self) -> Option<TypeExpr> {
        for pointer in POINTERS {
            if self.eat(pointer) {
                return Some(TypeExpr::Pointer(pointer, Box::new(self.expr()?)));
            }
        }
        if self.eat("(") {
            let mut items = Vec::new();
            while !self.eat(")") {
                items.push(self.expr()?);
                let bound_list = matches!(items.last(), Some(TypeExpr::Dyn(_)));
                if !self.eat(",") {
                    if !self.eat(")") {
                        return None;
                    }
                    // `(dyn A + Send)` is in brackets, and no tuple.
                    if items.len() == 1 && bound_list {
                        return items.pop();
                    }
                    break;
                }
            }
            return Some(TypeExpr::Tuple(items));
        }
        if self.eat("[") {
            let element = Box::new(self.expr()?);
            if self.eat("]") {
                return Some(TypeExpr::Slice(element));
            }
            if !self.eat(";") {
                return None;
            }
            let len = self.until_closing();
            return self.eat("]").then(|| TypeExpr::Array(element, len.trim().to_owned()));
        }
        let start = self.rest().trim_start();
        if start.starts_with("dyn ") {
            return Some(TypeExpr::Dyn(self.until_closing().trim().to_owned()));
        }
        let is_fn =
            ["fn(", "extern ", "unsafe ", "for<"].iter().any(|word| start.starts_with(word));
        if is_fn || start.starts_with('<') {
            return Some(TypeExpr::Other(self.until_closing().trim().to_owned()));
        }
        let name = self.path_name();
        if name.is_empty() {
            return None;
        }
        let mut args = Vec::new();
        if self.eat("<") {
            while !self.eat(">") {
                args.push(self.expr()?);
                if !self.eat(",") {
                    if !self.eat(">") {
                        return None;
                    }
                    break;
                }
            }
        }
        // `Trait<A>::Assoc` and the like are not taken apart.
        if self.rest().starts_with("::") {
            return None;
        }
        Some(TypeExpr::Path { name, args })
    }

    /// A path up to its arguments. Closures and impls have brackets in their names.
    fn path_name(&mut self) -> String {
        let rest = self.rest();
        let skipped = rest.len() - rest.trim_start().len();
        let mut braces = 0_usize;
        let mut end = rest.len();
        for (at, c) in rest.char_indices().skip_while(|&(at, _)| at < skipped) {
            match c {
                '{' => braces += 1,
                '}' => braces = braces.saturating_sub(1),
                '<' | '>' | ',' | '(' | ')' | '[' | ']' | ';' | ' ' | '=' if braces == 0 => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        self.at += end;
        rest[skipped..end].to_owned()
    }

    /// The text up to a comma or a bracket that closes what stands around it.
    fn until_closing(&mut self) -> &'a str {
        let rest = self.rest();
        let mut depth = 0_usize;
        let mut previous = ' ';
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            match c {
                '<' | '(' | '[' | '{' => depth += 1,
                '>' if previous == '-' => {}
                '>' | ')' | ']' | '}' | ',' if depth == 0 => {
                    end = at;
                    break;
                }
                '>' | ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            previous = c;
        }
        self.at += end;
        &rest[..end]
    }
}

/// The crates whose types users know by their last name.
const STD: [&str; 3] = ["alloc", "core", "std"];

/// The first part of a path.
pub(crate) fn crate_of(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// Whether the path starts in one of the crates of the standard library.
pub(crate) fn is_std(path: &str) -> bool {
    STD.contains(&crate_of(path)) && path.contains("::")
}

/// The parts of a path, to be compared with parts that are not owned.
pub(crate) fn borrowed(parts: &[String]) -> Vec<&str> {
    parts.iter().map(String::as_str).collect()
}

/// The last part of a path.
pub(crate) fn last_segment(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// The type, the trait and the rest of `<T as Trait>::rest`.
pub(crate) fn of_impl(name: &str) -> Option<(&str, &str, &str)> {
    let inside = name.strip_prefix('<')?;
    let mut depth = 0_usize;
    let mut previous = ' ';
    let mut ty = None;
    for (at, c) in inside.char_indices() {
        match c {
            '>' if depth == 0 && previous != '-' => {
                let (ty, from) = ty?;
                return Some((ty, &inside[from..at], inside[at + 1..].strip_prefix("::")?));
            }
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if previous == '-' => {}
            '>' | ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && ty.is_none() && inside[at..].starts_with(" as ") => {
                ty = Some((&inside[..at], at + " as ".len()));
            }
            _ => {}
        }
        previous = c;
    }
    None
}

/// A path without its arguments.
pub(crate) fn without_arguments(path: &str) -> &str {
    path.split('<').next().unwrap_or(path).trim_end_matches("::")
}

/// Arguments that everybody leaves out.
fn is_default_argument(name: &str) -> bool {
    is_std(name) && matches!(last_segment(name), "Global" | "RandomState")
}

/// The short form: std types by their last name, without allocators and default hashers, and
/// closures and impls without their numbers, which change when the code around them does.
impl fmt::Display for TypeExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { name, args } => {
                let shown = if is_std(name) { last_segment(name) } else { name };
                f.write_str(&without_numbers(shown))?;
                let mut kept = args.iter().filter(
                    |arg| !matches!(arg, Self::Path { name, .. } if is_default_argument(name)),
                );
                if let Some(first) = kept.next() {
                    write!(f, "<{first}")?;
                    kept.try_for_each(|arg| write!(f, ", {arg}"))?;
                    f.write_char('>')?;
                }
                Ok(())
            }
            Self::Tuple(items) => {
                f.write_char('(')?;
                for (at, item) in items.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Self::Array(element, len) => write!(f, "[{element}; {len}]"),
            Self::Slice(element) => write!(f, "[{element}]"),
            Self::Pointer(kind, target) => write!(f, "{kind}{target}"),
            Self::Dyn(text) | Self::Other(text) => f.write_str(&without_numbers(text)),
        }
    }
}

/// `{closure_env#3}` and `{impl#0}` without the number.
fn without_numbers(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('#') {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let closes = rest[at + 1 + digits..].starts_with('}');
        out.push_str(&rest[..at]);
        if digits == 0 || !closes {
            out.push('#');
            rest = &rest[at + 1..];
        } else {
            rest = &rest[at + 1 + digits..];
        }
    }
    out.push_str(rest);
    out
}

/// The short form of a name.
pub(crate) fn short(name: &str) -> String {
    TypeExpr::parse(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::{of_impl, short};

    #[test]
    fn impls_are_taken_apart() {
        for (name, expected) in [
            ("<a::T as b::Tr>::m", Some(("a::T", "b::Tr", "m"))),
            (
                "<a::T<u8> as b::Tr<(u8, u16)>>::{vtable}",
                Some(("a::T<u8>", "b::Tr<(u8, u16)>", "{vtable}")),
            ),
            ("<fn(u8) -> u8 as b::Tr>::m", Some(("fn(u8) -> u8", "b::Tr", "m"))),
            ("<<a::T as b::It>::Item as b::Tr>::m", Some(("<a::T as b::It>::Item", "b::Tr", "m"))),
            ("<a::T>::m", None),
            ("a::m", None),
            ("<a::T as b::Tr", None),
        ] {
            assert_eq!(of_impl(name), expected, "{name}");
        }
    }

    #[test]
    fn short_names_keep_what_matters() {
        for (long, expected) in [
            ("alloc::vec::Vec<sim::Dev, alloc::alloc::Global>", "Vec<sim::Dev>"),
            (
                "std::collections::hash::map::HashMap<u32, (u8, sim::G<4>), std::hash::random::RandomState>",
                "HashMap<u32, (u8, sim::G<4>)>",
            ),
            (
                "alloc::boxed::Box<(dyn sim::Dev + core::marker::Send), alloc::alloc::Global>",
                "Box<dyn sim::Dev + core::marker::Send>",
            ),
            ("&mut [core::option::Option<u8>]", "&mut [Option<u8>]"),
            ("[[u8; 4]; 2]", "[[u8; 4]; 2]"),
            ("sim::run::{closure_env#3}<u8>", "sim::run::{closure_env}<u8>"),
            ("fn(u8, &str) -> alloc::string::String", "fn(u8, &str) -> alloc::string::String"),
            ("(u8,)", "(u8,)"),
            ("()", "()"),
            ("odd<<name", "odd<<name"),
        ] {
            assert_eq!(short(long), expected);
        }
    }
}
