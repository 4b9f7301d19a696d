//! What a macro becomes when its names are filled in.

use proc_macro2::{Group, Ident, Span, TokenTree};

use super::{Bindings, Bound, repeated, repetition};

/// The body of a rule with its names filled in; at most `left` tokens.
pub(super) fn transcribe(
    body: &[TokenTree],
    bindings: &Bindings,
    left: &mut usize,
) -> Option<Vec<TokenTree>> {
    let mut made = Vec::new();
    let mut at = 0;
    while let Some(token) = body.get(at) {
        at += 1;
        *left = left.checked_sub(1)?;
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '$' => match body.get(at) {
                Some(TokenTree::Ident(name)) => {
                    at += 1;
                    match bindings.get(&name.to_string()) {
                        Some(Bound::One(tokens)) => {
                            *left = left.checked_sub(tokens.len())?;
                            made.extend(tokens.iter().cloned());
                        }
                        // Of several, none is meant.
                        Some(Bound::Many(_)) => return None,
                        None if name == "crate" => {
                            made.push(Ident::new("crate", Span::call_site()).into());
                        }
                        None => made.extend([token.clone(), name.clone().into()]),
                    }
                }
                next => {
                    let inside: Vec<TokenTree> = repeated(next)?.into_iter().collect();
                    let (repetition, len) = repetition(&body[at + 1..])?;
                    at += 1 + len;
                    for (round, bindings) in rounds(&inside, bindings, left)?.iter().enumerate() {
                        if round > 0 {
                            made.extend(repetition.separator.clone());
                        }
                        made.extend(transcribe(&inside, bindings, left)?);
                    }
                }
            },
            TokenTree::Group(group) => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                let inside = transcribe(&inside, bindings, left)?;
                made.push(Group::new(group.delimiter(), inside.into_iter().collect()).into());
            }
            token => made.push(token.clone()),
        }
    }
    Some(made)
}

/// The bindings of each round of a repetition.
fn rounds(inside: &[TokenTree], bindings: &Bindings, left: &mut usize) -> Option<Vec<Bindings>> {
    let mut used = Vec::new();
    collect(inside, &mut used);
    let many: Vec<(&String, &Vec<Bound>)> = used
        .iter()
        .filter_map(|name| match bindings.get(name)? {
            Bound::Many(values) => Some((name, values)),
            Bound::One(_) => None,
        })
        .collect();
    let count = many.first()?.1.len();
    if many.iter().any(|(_, values)| values.len() != count) {
        return None;
    }
    let mut all = Vec::new();
    for at in 0..count {
        let mut own = Bindings::new();
        for name in &used {
            let value = match bindings.get(name) {
                Some(Bound::Many(values)) => values.get(at)?,
                Some(value) => value,
                None => continue,
            };
            *left = left.checked_sub(weight(value))?;
            own.insert(name.clone(), value.clone());
        }
        all.push(own);
    }
    Some(all)
}

/// How much there is to copy.
fn weight(bound: &Bound) -> usize {
    match bound {
        Bound::One(tokens) => 1 + tokens.len(),
        Bound::Many(values) => 1 + values.iter().map(weight).sum::<usize>(),
    }
}

/// The names behind a `$`.
fn collect(tokens: &[TokenTree], names: &mut Vec<String>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                collect(&inside, names);
            }
            TokenTree::Ident(name) if at > 0 && super::is_mark(tokens.get(at - 1), '$') => {
                names.push(name.to_string());
            }
            _ => {}
        }
    }
}
