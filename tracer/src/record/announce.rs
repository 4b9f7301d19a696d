//! Which files are images, for programs that announce none.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Patterns of file names: `*` stands for anything but a slash, `?` for one character, `**` for
/// anything. A pattern without a slash is compared with the name of the file alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announce {
    /// A file of this kind, written and closed or renamed to, is a checkpoint.
    pub saved_on: Option<String>,
    /// A file of this kind, read and closed, is one that is restored.
    pub restored_on: Option<String>,
    /// This very file, read and closed, is one that is restored.
    pub restored_from: Option<PathBuf>,
}

impl Announce {
    pub(super) const fn is_any(&self) -> bool {
        self.saved_on.is_some() || self.restored_on.is_some() || self.restored_from.is_some()
    }

    pub(super) fn names(&self, path: &Path) -> bool {
        self.is_saved(path) || self.is_restored(path)
    }

    pub(super) fn is_saved(&self, path: &Path) -> bool {
        self.saved_on.as_ref().is_some_and(|pattern| matches(pattern, path))
    }

    pub(super) fn is_restored(&self, path: &Path) -> bool {
        self.restored_on.as_ref().is_some_and(|pattern| matches(pattern, path))
            || self.restored_from.as_ref().is_some_and(|from| from == path)
    }
}

fn matches(pattern: &str, path: &Path) -> bool {
    let text = if pattern.contains('/') {
        path.as_os_str().as_bytes()
    } else {
        path.file_name().map_or(&[][..], |name| name.as_bytes())
    };
    // A relative pattern may begin at any folder.
    let starts = pattern.contains('/') && !pattern.starts_with(['/', '*']);
    if !starts {
        return matches_all(pattern.as_bytes(), text);
    }
    let mut at = 0..=text.len();
    at.any(|at| (at == 0 || text[at - 1] == b'/') && matches_all(pattern.as_bytes(), &text[at..]))
}

/// In time that is the product of both lengths at most: row by row, which beginnings of the text a
/// beginning of the pattern matches.
fn matches_all(pattern: &[u8], text: &[u8]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        let deep = byte == b'*' && pattern.get(at + 1) == Some(&b'*');
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            let before = |row: &[bool]| end.checked_sub(1).is_some_and(|before| row[before]);
            let last = end.checked_sub(1).map(|before| text[before]);
            next[end] = match byte {
                b'*' => row[end] || before(&next) && (deep || last != Some(b'/')),
                b'?' => before(&row) && last != Some(b'/'),
                _ => before(&row) && last == Some(byte),
            };
        }
        row = next;
        at += if deep { 2 } else { 1 };
    }
    row[text.len()]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::matches;

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (pattern, path, expected) in [
            ("*.sav", "/a/b/x.sav", true),
            ("*.sav", "/a/b/x.save", false),
            ("x?.sav", "/a/x1.sav", true),
            ("x?.sav", "/a/x.sav", false),
            ("saves/*.bin", "/games/saves/one.bin", true),
            ("saves/*.bin", "/games/mysaves/one.bin", false),
            ("saves/*.bin", "/games/saves/deep/one.bin", false),
            ("/games/**/*.bin", "/games/saves/deep/one.bin", true),
            ("/games/*.bin", "/other/games/one.bin", false),
            ("*", "/a/anything", true),
            ("", "/a", false),
        ] {
            assert_eq!(matches(pattern, Path::new(path)), expected, "{pattern} {path}");
        }
    }
}
