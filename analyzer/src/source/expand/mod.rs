//! `macro_rules!` of a crate, expanded where the crate calls them for items.
//!
//! What such a macro makes (definitions with their derives, impls) is code of the crate like any
//! other. Only macros of the crate itself are known; what others make is not seen. A call that does
//! not match, or whose result is no list of items, makes nothing here, so that the types behind it
//! stay unknown.

mod matching;
mod transcribing;

use std::collections::HashMap;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

use self::matching::{Miss, Pattern, matches, patterns};
use super::bounds::is_shallow;

/// The rules of one macro, in order.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    rules: Vec<(Vec<Pattern>, Vec<TokenTree>)>,
}

/// What the names in a rule stand for.
type Bindings = HashMap<String, Bound>;

/// What one name stands for.
#[derive(Clone, Debug)]
enum Bound {
    /// These tokens.
    One(Vec<TokenTree>),
    /// Something for each round of a repetition.
    Many(Vec<Bound>),
}

impl Rules {
    /// What stands in the braces of `macro_rules! name { … }`.
    pub(super) fn read(tokens: &TokenStream) -> Option<Self> {
        let mut rules = Vec::new();
        let mut tokens = tokens.clone().into_iter();
        while let Some(token) = tokens.next() {
            let TokenTree::Group(matcher) = token else { return None };
            // `=>`
            let is_arrow = |token: Option<TokenTree>, mark| matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == mark);
            if !is_arrow(tokens.next(), '=') || !is_arrow(tokens.next(), '>') {
                return None;
            }
            let Some(TokenTree::Group(body)) = tokens.next() else { return None };
            rules.push((patterns(matcher.stream())?, body.stream().into_iter().collect()));
            // `;`, which the last one need not have.
            tokens.next();
        }
        Some(Self { rules })
    }

    /// The items that a call of the macro becomes, at the place of the call. `left` is how many
    /// tokens may still be read and made.
    pub(super) fn expand(
        &self,
        call: &syn::Macro,
        at: Span,
        left: &mut usize,
    ) -> Option<syn::File> {
        let given: Vec<TokenTree> = call.tokens.clone().into_iter().collect();
        let (bindings, body) = self.chosen(&given, left)?;
        let made = transcribing::transcribe(body, &bindings, left)?;
        let made = placed(made, at);
        // The parser calls itself for each bracket.
        if !is_shallow(&made) {
            return None;
        }
        syn::parse2(made).ok()
    }
}

impl Rules {
    /// The first rule that matches, if it is certain that none before it does.
    fn chosen(&self, given: &[TokenTree], left: &mut usize) -> Option<(Bindings, &[TokenTree])> {
        for (patterns, body) in &self.rules {
            let mut bindings = Bindings::new();
            match matches(patterns, given, &mut bindings, left) {
                Ok(end) if end == given.len() => return Some((bindings, body)),
                Ok(_) | Err(Miss::No) => {}
                Err(Miss::Unknown) => return None,
            }
        }
        None
    }
}

/// The same tokens, all of them at one place.
fn placed(tokens: Vec<TokenTree>, at: Span) -> TokenStream {
    let put = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let inside = placed(group.stream().into_iter().collect(), at);
            let mut group = proc_macro2::Group::new(group.delimiter(), inside);
            group.set_span(at);
            TokenTree::Group(group)
        }
        mut token => {
            token.set_span(at);
            token
        }
    };
    tokens.into_iter().map(put).collect()
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == mark)
}

/// How often something in `$(…)` stands there.
#[derive(Clone, Debug)]
struct Repetition {
    separator: Option<TokenTree>,
    /// `*`, `+` or `?`.
    mark: char,
}

/// What follows a `$(…)` at this position: the repetition, and how many tokens it has.
fn repetition(tokens: &[TokenTree]) -> Option<(Repetition, usize)> {
    let mark = |token: Option<&TokenTree>| match token {
        Some(TokenTree::Punct(found)) if matches!(found.as_char(), '*' | '+' | '?') => {
            Some(found.as_char())
        }
        _ => None,
    };
    if let Some(mark) = mark(tokens.first()) {
        return Some((Repetition { separator: None, mark }, 1));
    }
    let separator = tokens.first().cloned();
    mark(tokens.get(1)).map(|mark| (Repetition { separator, mark }, 2))
}

/// The group behind a `$`, if it is one of a repetition.
fn repeated(token: Option<&TokenTree>) -> Option<TokenStream> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            Some(group.stream())
        }
        _ => None,
    }
}
