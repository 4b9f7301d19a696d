//! Which words stand in a text, so that files are parsed only if they can hold what is asked for.

use xxhash_rust::xxh3::xxh3_64;

/// The words of a source file, those in strings and comments among them: every name that its tokens
/// have is one of them.
#[derive(Debug)]
pub(super) struct Words(Vec<u64>);

impl Words {
    /// Those of this text.
    pub(super) fn of(text: &str) -> Self {
        let mut all = Vec::new();
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let len = bytes[at..].iter().take_while(|&&byte| is_part(byte)).count();
            let end = at + len;
            if len > 0 && !bytes[at].is_ascii_digit() {
                all.push(xxh3_64(&bytes[at..end]));
                // Between two names there may be nothing but a space that is not of ASCII.
                if !bytes[at..end].is_ascii() {
                    let parts =
                        text[at..end].split(|c: char| !c.is_ascii() && !c.is_alphanumeric());
                    all.extend(parts.map(|part| xxh3_64(part.as_bytes())));
                }
            }
            at = end + 1;
        }
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// Whether this word, which is a name, is among them.
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.binary_search(&xxh3_64(word.as_bytes())).is_ok()
    }
}

/// Whether a byte may belong to a name.
const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Whether a text may declare modules that stand in other files. It is not said that it does.
pub(super) fn may_declare_modules(text: &str) -> bool {
    for (at, found) in text.match_indices("mod") {
        let before = text[..at].bytes().next_back();
        let rest = &text[at + found.len()..];
        if before.is_some_and(is_part) || rest.bytes().next().is_some_and(is_part) {
            continue;
        }
        // `mod name {` is all that surely declares none.
        let name = rest.trim_ascii_start();
        let len = name.bytes().take_while(|&byte| is_part(byte)).count();
        if len == 0 || !name[len..].trim_ascii_start().starts_with('{') {
            return true;
        }
    }
    false
}

/// Whether a text may call one of these macros. It is not said that it does.
pub(super) fn may_call<'n>(
    text: &str,
    words: &Words,
    mut names: impl Iterator<Item = &'n String>,
) -> bool {
    names.any(|name| {
        words.has(name)
            && text.match_indices(name.as_str()).any(|(at, found)| {
                // Between the name and its mark, there may be a comment.
                text[at + found.len()..].trim_start().starts_with(['!', '/'])
            })
    })
}

#[cfg(test)]
mod tests {
    use super::{Words, may_call, may_declare_modules};

    #[test]
    fn names_are_words() {
        let words = Words::of("struct r#Cpu{a:u8}/*é\u{3000}Ram*/ 'é' Größe 7up x\u{2028}Y");
        for word in ["struct", "Cpu", "a", "u8", "Ram", "Größe", "x", "Y"] {
            assert!(words.has(word), "{word}");
        }
        for word in ["Cp", "Gr", "up", "Machine"] {
            assert!(!words.has(word), "{word}");
        }
    }

    #[test]
    fn modules_in_other_files_are_not_missed() {
        for text in ["mod a;", "pub mod a\n;", "mod/**/a;", "mod a/**/;", "mod r#if;", "mod"] {
            assert!(may_declare_modules(text), "{text}");
        }
        for text in ["mod a {}", "mod\ta\n{", "model a;", "a_mod a;", "modé a;", ""] {
            assert!(!may_declare_modules(text), "{text}");
        }
    }

    #[test]
    fn calls_are_not_missed() {
        let names = ["make".to_owned()];
        for (text, expected) in [
            ("make!{}", true),
            ("make ! {}", true),
            ("make/**/!{}", true),
            ("make();", false),
            ("remake!{}", false),
        ] {
            assert_eq!(may_call(text, &Words::of(text), names.iter()), expected, "{text}");
        }
    }
}
