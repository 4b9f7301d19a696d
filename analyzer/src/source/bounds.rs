//! Whether a parser that calls itself can read these tokens without end of its stack.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::limits::{MAX_SOURCE_ANGLES, MAX_SOURCE_DEPTH, MAX_SOURCE_OPERATORS};

/// What may still be spent on nesting.
#[derive(Clone, Copy)]
struct Left {
    brackets: usize,
    operators: usize,
    angles: usize,
}

/// Words that stand before an expression, a type or another branch, as operators do.
const WORDS: &[&str] =
    &["as", "box", "break", "const", "dyn", "else", "let", "move", "return", "unsafe", "yield"];

/// Whether brackets, operators and generic arguments nest no deeper than can be parsed.
pub(super) fn is_shallow(tokens: &TokenStream) -> bool {
    let (operators, angles) = (MAX_SOURCE_OPERATORS, MAX_SOURCE_ANGLES);
    fits(tokens.clone(), Left { brackets: MAX_SOURCE_DEPTH, operators, angles })
}

fn fits(tokens: TokenStream, whole: Left) -> bool {
    let mut left = whole;
    let mut before = ' ';
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let mut mark = ' ';
        let is_spent = match &token {
            TokenTree::Punct(punct) => {
                mark = punct.as_char();
                match mark {
                    ';' => left = whole,
                    ',' => left.operators = whole.operators,
                    ':' => {}
                    // `<<` and `<=` open nothing.
                    '<' | '=' if before == '<' => {
                        left.angles = whole.angles.min(left.angles + 1);
                        left.operators = left.operators.saturating_sub(2);
                        mark = ' ';
                    }
                    '<' => left.angles = left.angles.saturating_sub(1),
                    '>' if !matches!(before, '-' | '=') => {
                        left.angles = whole.angles.min(left.angles + 1);
                    }
                    _ => left.operators = left.operators.saturating_sub(1),
                }
                left.operators == 0 || left.angles == 0
            }
            TokenTree::Ident(word) => {
                if WORDS.iter().any(|known| word == known) {
                    left.operators = left.operators.saturating_sub(1);
                }
                left.operators == 0
            }
            TokenTree::Group(group) => {
                let Some(brackets) = left.brackets.checked_sub(1) else { return false };
                if !fits(group.stream(), Left { brackets, ..left }) {
                    return false;
                }
                let goes_on = match tokens.peek() {
                    Some(TokenTree::Punct(next)) => next.as_char() != '#',
                    Some(TokenTree::Ident(next)) => next == "else",
                    _ => false,
                };
                if group.delimiter() == Delimiter::Brace && !goes_on {
                    left = whole;
                }
                false
            }
            TokenTree::Literal(_) => false,
        };
        if is_spent {
            return false;
        }
        before = mark;
    }
    true
}
