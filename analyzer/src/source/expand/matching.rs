//! Whether what a macro is given matches one of its rules.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser as _};

use super::{Bindings, Bound, Repetition, is_mark, repeated, repetition};

/// A part of what a rule matches.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// This token.
    Token(String),
    /// Brackets with these inside.
    Group(Delimiter, Vec<Self>),
    /// `$name:kind`
    Fragment { name: String, kind: String },
    /// `$(…),*`
    Repeat(Vec<Self>, Repetition),
}

/// The parts of a rule.
pub(super) fn patterns(tokens: TokenStream) -> Option<Vec<Pattern>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '$' => match tokens.get(at) {
                Some(TokenTree::Ident(name)) if is_mark(tokens.get(at + 1), ':') => {
                    let Some(TokenTree::Ident(kind)) = tokens.get(at + 2) else { return None };
                    let (name, kind) = (name.to_string(), kind.to_string());
                    found.push(Pattern::Fragment { name, kind });
                    at += 3;
                }
                next => {
                    let inside = repeated(next)?;
                    let (repetition, len) = repetition(&tokens[at + 1..])?;
                    found.push(Pattern::Repeat(patterns(inside)?, repetition));
                    at += 1 + len;
                }
            },
            TokenTree::Group(group) => {
                found.push(Pattern::Group(group.delimiter(), patterns(group.stream())?));
            }
            token => found.push(Pattern::Token(token.to_string())),
        }
    }
    Some(found)
}

/// Why tokens are not matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// They surely do not match.
    No,
    /// The compiler may see a match here, or something that it refuses: what it does then is not
    /// told by the rules that follow.
    Unknown,
}

/// Takes so many tokens from what may be spent.
fn spend(left: &mut usize, tokens: usize) -> Result<(), Miss> {
    *left = left.checked_sub(tokens).ok_or(Miss::Unknown)?;
    Ok(())
}

/// How many of the tokens the patterns match, with what their names stand for. `left` is what may
/// be spent on it.
pub(super) fn matches(
    patterns: &[Pattern],
    given: &[TokenTree],
    bindings: &mut Bindings,
    left: &mut usize,
) -> Result<usize, Miss> {
    let mut at = 0;
    for pattern in patterns {
        let rest = given.get(at..).ok_or(Miss::No)?;
        spend(left, 1)?;
        at += match pattern {
            Pattern::Token(text) => {
                if rest.first().ok_or(Miss::No)?.to_string() != *text {
                    return Err(Miss::No);
                }
                1
            }
            Pattern::Group(delimiter, inside) => {
                let Some(TokenTree::Group(group)) = rest.first() else { return Err(Miss::No) };
                if group.delimiter() != *delimiter {
                    return Err(Miss::No);
                }
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                spend(left, tokens.len())?;
                if matches(inside, &tokens, bindings, left)? != tokens.len() {
                    return Err(Miss::No);
                }
                1
            }
            Pattern::Fragment { name, kind } => {
                let len = fragment(kind, rest, left)?;
                spend(left, len)?;
                bindings.insert(name.clone(), Bound::One(rest[..len].to_vec()));
                len
            }
            Pattern::Repeat(inside, repetition) => {
                rounds((inside, repetition), rest, bindings, left)?
            }
        };
    }
    Ok(at)
}

/// As many rounds of a repetition as there are.
fn rounds(
    (inside, repetition): (&[Pattern], &Repetition),
    given: &[TokenTree],
    bindings: &mut Bindings,
    left: &mut usize,
) -> Result<usize, Miss> {
    let mut all: Vec<Bindings> = Vec::new();
    let mut at = 0;
    while repetition.mark != '?' || all.is_empty() {
        let mut start = at;
        if let (Some(separator), false) = (&repetition.separator, all.is_empty()) {
            if given.get(at).is_none_or(|token| token.to_string() != separator.to_string()) {
                break;
            }
            start += 1;
        }
        let mut own = Bindings::new();
        let len = match matches(inside, &given[start..], &mut own, left) {
            Ok(len) => len,
            Err(Miss::No) => break,
            Err(Miss::Unknown) => return Err(Miss::Unknown),
        };
        // A round of nothing would go on for ever.
        if start + len == at {
            break;
        }
        at = start + len;
        all.push(own);
    }
    if repetition.mark == '+' && all.is_empty() {
        return Err(Miss::No);
    }
    for name in names(inside) {
        let values = all.iter().filter_map(|own| own.get(&name).cloned()).collect();
        bindings.insert(name, Bound::Many(values));
    }
    Ok(at)
}

/// The names that patterns bind.
fn names(patterns: &[Pattern]) -> Vec<String> {
    let mut found = Vec::new();
    for pattern in patterns {
        match pattern {
            Pattern::Token(_) => {}
            Pattern::Fragment { name, .. } => found.push(name.clone()),
            Pattern::Group(_, inside) | Pattern::Repeat(inside, _) => found.extend(names(inside)),
        }
    }
    found
}

/// How many tokens a fragment of this kind takes.
fn fragment(kind: &str, given: &[TokenTree], left: &mut usize) -> Result<usize, Miss> {
    let is_lifetime = is_mark(given.first(), '\'');
    let is = |is: bool, len| if is { Ok(len) } else { Err(Miss::No) };
    match kind {
        // `_` is no identifier.
        "ident" => {
            let is_name =
                |token: &TokenTree| matches!(token, TokenTree::Ident(name) if name != "_");
            is(given.first().is_some_and(is_name), 1)
        }
        "lifetime" => is(is_lifetime, 2),
        "tt" => is(!given.is_empty(), if is_lifetime { 2 } else { glued(given) }),
        "vis" => match parsed::<syn::Visibility>(given, left) {
            Err(Miss::No) => Ok(0),
            read => read,
        },
        "literal" if !starts_literal(given) => Err(Miss::No),
        "literal" => parsed::<syn::Lit>(given, left),
        "ty" => parsed::<syn::Type>(given, left),
        "path" => parsed::<syn::Path>(given, left),
        // Whether these are expressions hangs on the edition.
        "expr" | "expr_2021" if starts_with(given, &["_", "const", "let"]) => Err(Miss::Unknown),
        "expr" | "expr_2021" => parsed::<syn::Expr>(given, left),
        "block" if !matches!(given.first(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace) => {
            Err(Miss::No)
        }
        "block" => parsed::<syn::Block>(given, left),
        "item" => parsed::<syn::Item>(given, left)
            .map_err(|miss| if given.is_empty() { miss } else { Miss::Unknown }),
        "meta" => parsed::<syn::Meta>(given, left),
        // Patterns and statements, and what is yet to come.
        _ => Err(Miss::Unknown),
    }
}

/// How many tokens are one `T`.
fn parsed<T: Parse + ToTokens>(given: &[TokenTree], left: &mut usize) -> Result<usize, Miss> {
    // Each fragment is read from a copy of all that follows.
    spend(left, given.len())?;
    if given.is_empty() {
        return Err(Miss::No);
    }
    let parse = |input: ParseStream<'_>| {
        let _: T = input.parse()?;
        input.parse::<TokenStream>()
    };
    let tokens: TokenStream = given.iter().cloned().collect();
    // The compiler looks at the first token only: what then is wrong is an error, and this
    // program has been compiled.
    let Ok(rest) = parse.parse2(tokens) else {
        return Err(if starts_none(given) { Miss::No } else { Miss::Unknown });
    };
    given.len().checked_sub(rest.into_iter().count()).ok_or(Miss::Unknown)
}

/// Keywords that start no expression, no type, no path and no attribute.
const INNER: &[&str] = &[
    "as", "else", "enum", "in", "mod", "mut", "pub", "ref", "struct", "trait", "type", "use",
    "where",
];

/// Whether the first token can start none of the fragments that are parsed.
fn starts_none(given: &[TokenTree]) -> bool {
    match given.first() {
        Some(TokenTree::Punct(mark)) => !"#<&!-*|'".contains(mark.as_char()),
        Some(TokenTree::Ident(_)) => starts_with(given, INNER),
        Some(_) => false,
        None => true,
    }
}

fn starts_literal(given: &[TokenTree]) -> bool {
    matches!(given.first(), Some(TokenTree::Literal(_)))
        || is_mark(given.first(), '-') && matches!(given.get(1), Some(TokenTree::Literal(_)))
        || starts_with(given, &["true", "false"])
}

fn starts_with(given: &[TokenTree], words: &[&str]) -> bool {
    matches!(given.first(), Some(TokenTree::Ident(name)) if words.iter().any(|word| name == word))
}

/// Marks that are one token to a macro, the longest first.
const GLUED: &[&str] = &[
    "<<=", ">>=", "...", "..=", "==", "!=", "<=", ">=", "&&", "||", "+=", "-=", "*=", "/=", "%=",
    "^=", "&=", "|=", "<<", ">>", "->", "<-", "=>", "::", "..",
];

/// How many marks make the one token that stands at the start.
fn glued(given: &[TokenTree]) -> usize {
    let mut marks = String::new();
    for token in given.iter().take(3) {
        let TokenTree::Punct(mark) = token else { break };
        marks.push(mark.as_char());
        if mark.spacing() == Spacing::Alone {
            break;
        }
    }
    GLUED.iter().find(|glued| marks.starts_with(**glued)).map_or(1, |glued| glued.len())
}
