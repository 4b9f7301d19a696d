//! The words of the restore command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// What stands for the path of the image.
pub(super) const PLACEHOLDER: &str = "{image}";

/// Splits a command as a shell would: at blanks, with quotes and backslashes, but without
/// variables, patterns or operators. A quote that is not closed ends with the text.
#[must_use]
pub fn split_words(command: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some('\''), letter) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (_, '\\') => {
                if let Some(letter) = letters.next() {
                    word.get_or_insert_default().push(letter);
                }
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words.into_iter().map(OsString::from).collect()
}

/// The command with the image's path in the place of `{image}`.
pub(super) fn with_image(template: &[OsString], image: &Path) -> Vec<OsString> {
    template.iter().map(|word| replace(word, image.as_os_str())).collect()
}

/// Whether the template has a place for the image.
pub(super) fn has_placeholder(template: &[OsString]) -> bool {
    template.iter().any(|word| find(word.as_bytes()).is_some())
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(PLACEHOLDER.len()).position(|window| window == PLACEHOLDER.as_bytes())
}

fn replace(word: &OsStr, with: &OsStr) -> OsString {
    let mut out = Vec::new();
    let mut rest = word.as_bytes();
    while let Some(at) = find(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with.as_bytes());
        rest = &rest[at + PLACEHOLDER.len()..];
    }
    out.extend_from_slice(rest);
    OsString::from_vec(out)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{has_placeholder, split_words, with_image};

    #[test]
    fn splits_like_a_shell() {
        let words = split_words(r#"run  --from '{image}' "a b" c\ d '' e"f"g"#);
        assert_eq!(words, ["run", "--from", "{image}", "a b", "c d", "", "efg"]);
        assert!(has_placeholder(&words));
        let words = with_image(&split_words("x --i={image},{image} y"), Path::new("/a b"));
        assert_eq!(words, ["x", "--i=/a b,/a b", "y"]);
        assert!(!has_placeholder(&words));
    }
}
