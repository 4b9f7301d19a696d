//! Names with `*` in them, as samestate.toml spells types, fields and functions.

/// A name that may stand for many: `*` is any run of characters except `.`. Without its crate it
/// is the end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// A pattern, if it is one: names of Rust, `::`, `.`, `*` and type arguments.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.starts_with("::") || text.ends_with("::") || text.ends_with('.') {
            return Err("it begins or ends in the middle of a path");
        }
        if text.contains(|c: char| c.is_whitespace() || "\"'();!?#".contains(c)) {
            return Err("it is no path of names");
        }
        Ok(Self { text: text.to_owned() })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it stands for this path: the whole of it, or its end from a `::` on.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        if matches(self.text.as_bytes(), path.as_bytes(), Some(b'.')) {
            return true;
        }
        path.match_indices("::")
            .any(|(at, _)| matches(self.text.as_bytes(), &path.as_bytes()[at + 2..], Some(b'.')))
    }

    /// Whether it speaks of a field: of something behind a `.`.
    #[must_use]
    pub fn is_field(&self) -> bool {
        self.text.contains('.')
    }
}

/// Text that may stand for many: `*` is any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// The texts that this stands for.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it stands for all of this text.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.as_bytes(), None)
    }
}

/// Whether all of the text is one of those that the pattern stands for. No star goes past `border`.
fn matches(pattern: &[u8], text: &[u8], border: Option<u8>) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star is, and what it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star
            && Some(text[from]) != border
        {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::{Glob, Pattern};

    #[test]
    fn a_star_stays_within_a_name_and_its_path() {
        let is = |pattern: &str, path: &str| Pattern::parse(pattern).unwrap().matches(path);
        assert!(is("app::Cpu.pc", "app::Cpu.pc"));
        assert!(is("Cpu.pc", "app::cpu::Cpu.pc"));
        assert!(is("*::Cpu.*", "app::cpu::Cpu.pc"));
        assert!(is("app::*::save", "app::cpu::Cpu::save"));
        assert!(is("save*", "app::cpu::save_all"));
        assert!(!is("Cpu", "app::cpu::Cpu.pc"));
        assert!(!is("app::*", "app::cpu::Cpu.pc"));
        assert!(!is("pu.pc", "app::cpu::Cpu.pc"));
        assert!(!is("app::Cpu.p", "app::Cpu.pc"));
        assert!(Pattern::parse("two words").is_err());
        assert!(Pattern::parse("app::").is_err());
    }

    #[test]
    fn a_star_of_a_glob_goes_anywhere() {
        let is = |glob: &str, text: &str| Glob::new(glob).matches(text);
        assert!(is("*.log", "/tmp/a.b/x.log"));
        assert!(is("/tmp/*", "/tmp/a/b"));
        assert!(!is("*.log", "x.logs"));
        assert!(!is("", "x"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Pattern::parse(&"*a".repeat(200)).unwrap();
        assert!(!pattern.matches(&"a".repeat(5000).replace("aaaa", "aaab")));
    }
}
