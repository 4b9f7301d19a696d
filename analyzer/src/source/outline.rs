//! The tokens of a file without what its functions do and without what impls and traits hold: that
//! is the most of a file, and no part of what it defines.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What starts a definition, a module, or a macro that may make one. In what has none of these
/// words, nothing is defined.
const DEFINING: [&str; 5] = ["struct", "enum", "union", "mod", "macro_rules"];

/// What is before the body of a function, an impl or a trait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing of it.
    Nothing,
    /// `fn`
    Word,
    /// Its name, and maybe its parameters; or `impl` or `trait`.
    Name,
    /// `!`: what follows is for a macro, which may make anything of it.
    Macro,
}

/// These tokens with functions that do nothing, and with empty impls and traits, unless something is
/// defined in them.
pub(super) fn of(tokens: TokenStream) -> TokenStream {
    let mut before = Before::Nothing;
    let reduce = |token| {
        let (reduced, now) = next(token, before);
        before = now;
        reduced
    };
    tokens.into_iter().map(reduce).collect()
}

/// A token of the outline, and what is before the next one.
fn next(token: TokenTree, before: Before) -> (TokenTree, Before) {
    let now = match (&token, before) {
        (TokenTree::Ident(_), Before::Word) => Before::Name,
        (TokenTree::Ident(word), Before::Nothing) if word == "fn" => Before::Word,
        (TokenTree::Ident(word), Before::Nothing) if word == "impl" || word == "trait" => {
            Before::Name
        }
        // `macro_rules! name { … }`
        (TokenTree::Ident(_), before) => before,
        (TokenTree::Punct(mark), before) => match (mark.as_char(), before) {
            (';', _) | (_, Before::Word) => Before::Nothing,
            ('!', Before::Nothing) => Before::Macro,
            (_, before) => before,
        },
        (TokenTree::Group(group), before) => {
            if before != Before::Macro && group.delimiter() == Delimiter::Brace {
                let is_idle = before == Before::Name && !defines(group.stream());
                let inside = if is_idle { TokenStream::new() } else { of(group.stream()) };
                let mut reduced = Group::new(Delimiter::Brace, inside);
                reduced.set_span(group.span());
                return (TokenTree::Group(reduced), Before::Nothing);
            }
            // Parameters and bounds stand between a name and what the function does.
            let is_open = before == Before::Name && group.delimiter() != Delimiter::Brace;
            if is_open { before } else { Before::Nothing }
        }
        (TokenTree::Literal(_), before) => before,
    };
    (token, now)
}

/// Whether something may be defined in these tokens.
fn defines(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => DEFINING.iter().any(|defining| word == defining),
        TokenTree::Group(group) => defines(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn what_functions_do_is_left_out_and_what_they_define_is_not() {
        for (text, expected) in [
            ("fn f(a: u8) -> [u8; { 1 }] { a + 1 }", "fn f(a: u8) -> [u8; { 1 }] {}"),
            ("impl A { fn f() { g() } const C: u8 = { 1 }; }", "impl A {}"),
            ("impl<T> A for B<{ 1 }> where T: C {}", "impl<T> A for B<{}> where T: C {}"),
            (
                "unsafe trait A { fn f() {} } struct B { c: u8 }",
                "unsafe trait A {} struct B { c: u8 }",
            ),
            (
                "impl A { fn f() { g() } fn h() { struct B; } }",
                "impl A { fn f() {} fn h() { struct B; } }",
            ),
            ("mod m { fn f() { g() } }", "mod m { fn f() {} }"),
            ("fn f() { if a { struct A { b: u8 } } }", "fn f() { if a { struct A { b: u8 } } }"),
            ("fn f() { macro_rules! m { () => {} } }", "fn f() { macro_rules! m { () => {} } }"),
            ("struct A { f: fn(u8), g: fn() -> u8 }", "struct A { f: fn(u8), g: fn() -> u8 }"),
            ("struct A<F = fn()> { f: F }", "struct A<F = fn()> { f: F }"),
            ("type F = fn(); enum E { A { b: u8 } }", "type F = fn(); enum E { A { b: u8 } }"),
            (
                "extern \"C\" { fn f(); } struct A { b: u8 }",
                "extern \"C\" { fn f(); } struct A { b: u8 }",
            ),
            (
                "macro_rules! m { () => { fn f() { g() } } }",
                "macro_rules! m { () => { fn f() { g() } } }",
            ),
            ("m! { fn f() { g() } } fn f() { g() }", "m! { fn f() { g() } } fn f() {}"),
            ("m!(fn f() { g() }); fn f() { g() }", "m!(fn f() { g() }); fn f() {}"),
        ] {
            let tokens = |text: &str| text.parse::<proc_macro2::TokenStream>().unwrap();
            assert_eq!(of(tokens(text)).to_string(), tokens(expected).to_string(), "{text}");
        }
    }
}
