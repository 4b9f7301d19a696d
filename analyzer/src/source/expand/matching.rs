//! Whether what a macro is given matches one of its rules.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
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

/// How many of the tokens the patterns match, with what their names stand for. `left` is what may
/// be spent on it.
pub(super) fn matches(
    patterns: &[Pattern],
    given: &[TokenTree],
    bindings: &mut Bindings,
    left: &mut usize,
) -> Option<usize> {
    let mut at = 0;
    for pattern in patterns {
        let rest = given.get(at..)?;
        *left = left.checked_sub(1)?;
        at += match pattern {
            Pattern::Token(text) => {
                if rest.first()?.to_string() != *text {
                    return None;
                }
                1
            }
            Pattern::Group(delimiter, inside) => {
                let TokenTree::Group(group) = rest.first()? else { return None };
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_same = group.delimiter() == *delimiter;
                if !is_same || matches(inside, &tokens, bindings, left)? != tokens.len() {
                    return None;
                }
                1
            }
            Pattern::Fragment { name, kind } => {
                let len = fragment(kind, rest, left)?;
                bindings.insert(name.clone(), Bound::One(rest[..len].to_vec()));
                len
            }
            Pattern::Repeat(inside, repetition) => {
                rounds((inside, repetition), rest, bindings, left)?
            }
        };
    }
    Some(at)
}

/// As many rounds of a repetition as there are.
fn rounds(
    (inside, repetition): (&[Pattern], &Repetition),
    given: &[TokenTree],
    bindings: &mut Bindings,
    left: &mut usize,
) -> Option<usize> {
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
        let Some(len) = matches(inside, &given[start..], &mut own, left) else { break };
        // A round of nothing would go on for ever.
        if start + len == at {
            break;
        }
        at = start + len;
        all.push(own);
    }
    if repetition.mark == '+' && all.is_empty() {
        return None;
    }
    for name in names(inside) {
        let values = all.iter().filter_map(|own| own.get(&name).cloned()).collect();
        bindings.insert(name, Bound::Many(values));
    }
    Some(at)
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
fn fragment(kind: &str, given: &[TokenTree], left: &mut usize) -> Option<usize> {
    let is_lifetime = is_mark(given.first(), '\'');
    match kind {
        "ident" => matches!(given.first()?, TokenTree::Ident(_)).then_some(1),
        "lifetime" => is_lifetime.then_some(2),
        "tt" => given.first().map(|_| if is_lifetime { 2 } else { 1 }),
        "vis" => Some(parsed::<syn::Visibility>(given, left).unwrap_or(0)),
        "literal" => parsed::<syn::Lit>(given, left),
        "ty" => parsed::<syn::Type>(given, left),
        "path" => parsed::<syn::Path>(given, left),
        "expr" | "expr_2021" => parsed::<syn::Expr>(given, left),
        "block" => parsed::<syn::Block>(given, left),
        "item" => parsed::<syn::Item>(given, left),
        "meta" => parsed::<syn::Meta>(given, left),
        // Patterns and statements make no items.
        _ => None,
    }
}

/// How many tokens are one `T`.
fn parsed<T: Parse + ToTokens>(given: &[TokenTree], left: &mut usize) -> Option<usize> {
    // Each fragment is read from a copy of all that follows.
    *left = left.checked_sub(given.len())?;
    let parse = |input: ParseStream<'_>| {
        let _: T = input.parse()?;
        input.parse::<TokenStream>()
    };
    let tokens: TokenStream = given.iter().cloned().collect();
    let left = parse.parse2(tokens).ok()?.into_iter().count();
    given.len().checked_sub(left)
}
