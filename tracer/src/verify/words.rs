//! The words of the restore command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// What stands for the path of the image.
pub(super) const PLACEHOLDER: &str = "{image}";

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

    use super::{has_placeholder, with_image};

    #[test]
    fn the_image_stands_wherever_it_is_named() {
        let template = ["x", "--i={image},{image}", "y"].map(Into::into);
        assert!(has_placeholder(&template));
        let words = with_image(&template, Path::new("/a b"));
        assert_eq!(words, ["x", "--i=/a b,/a b", "y"]);
        assert!(!has_placeholder(&words));
    }
}
