//! Which names stand in a line of source.
//!
//! No grammar of Rust or C is needed for that: names with their parts (`self.rng.state`, `a->b`),
//! outside of comments and strings, and those in the braces of Rust's format strings.

/// A variable or a field that a line names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// As the line has it: `self.rng.state`.
    pub text: String,
    /// The type that the last part is a field of, and its name there, if it is a field.
    pub field: Option<(String, String)>,
    /// The same for the parts before it, the first one first.
    pub through: Vec<(String, String)>,
}

/// So many characters of a line are looked at.
const LONGEST: usize = 500;

/// Names with their parts, in order, each once.
pub(crate) fn chains(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = match line.char_indices().nth(LONGEST) {
        Some((end, _)) => &line[..end],
        None => line,
    };
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") || rest.starts_with("/*") {
            break;
        }
        if first == '"' {
            let (text, after) = string(&rest[1..]);
            for inner in in_braces(text) {
                add(&mut found, vec![inner]);
            }
            rest = after;
        } else if first == '\'' {
            rest = after_character(rest);
        } else if first.is_alphabetic() || first == '_' {
            let (chain, indices, after) = chain(rest);
            add(&mut found, chain);
            for index in indices {
                chains(index).into_iter().for_each(|chain| add(&mut found, chain));
            }
            rest = after;
        } else if first.is_ascii_digit() {
            // A number may end in letters, and its point is no field.
            rest = rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            let fraction = rest.strip_prefix('.');
            rest = fraction
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
                .unwrap_or(rest);
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn add(found: &mut Vec<Vec<String>>, chain: Vec<String>) {
    if !chain.is_empty() && !found.contains(&chain) {
        found.push(chain);
    }
}

/// A name and its parts, the insides of its indices, and what comes behind. What is called is no
/// part.
fn chain(text: &str) -> (Vec<String>, Vec<&str>, &str) {
    let (mut parts, mut indices) = (Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let trimmed = after.trim_start();
        let is_path = trimmed.starts_with("::");
        let is_macro = trimmed.starts_with('!') && !trimmed.starts_with("!=");
        if is_path {
            // A path is no variable, and neither is what it ends in.
            let behind = trimmed[2..].trim_start();
            let end =
                behind.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(behind.len());
            let after = if end == 0 { behind } else { chain(behind).2 };
            return (Vec::new(), Vec::new(), after);
        }
        if trimmed.starts_with('(') || is_macro {
            return (parts, indices, after);
        }
        parts.push(name.to_owned());
        let (index, behind) = index(after);
        indices.extend(index);
        rest = behind;
        let next = rest.trim_start();
        let next = next
            .strip_prefix("->")
            .or_else(|| next.strip_prefix('.').filter(|next| !next.starts_with('.')));
        match next {
            Some(next) if next.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                rest = next
            }
            _ => return (parts, indices, rest),
        }
    }
}

/// The inside of an index, if one comes first, and what comes behind it.
fn index(text: &str) -> (Option<&str>, &str) {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 1 => return (Some(&text[1..at]), &text[at + 1..]),
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    (None, text)
}

/// The inside of a string, of which the opening quote is gone, and what comes behind it.
fn string(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return (&text[..at], &text[at + 1..]),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    (text, "")
}

/// What comes behind a character or a lifetime.
fn after_character(text: &str) -> &str {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[2..].find('\'').map_or("", |at| &text[2 + at + 1..]),
        Some((at, c)) => {
            let behind = &text[at + c.len_utf8()..];
            behind.strip_prefix('\'').unwrap_or(&text[1..])
        }
        None => "",
    }
}

/// The names in the braces of a format string.
fn in_braces(text: &str) -> Vec<String> {
    text.split('{')
        .skip(1)
        .filter_map(|part| {
            let end = part.find(['}', ':'])?;
            let name = &part[..end];
            let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            is_name.then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::chains;

    fn found(line: &str) -> Vec<String> {
        chains(line).iter().map(|chain| chain.join(".")).collect()
    }

    #[test]
    fn names_are_found_with_their_parts() {
        assert_eq!(found("self.rng.state ^= self.rng.state >> 12; // x.y"), ["self.rng.state"]);
        assert_eq!(
            found("let k = self.rng.below(self.particles.len().max(1));"),
            ["let", "k", "self.rng", "self.particles"]
        );
        assert_eq!(found("m->cpu.cycles = n[i].count + 1.5e3f;"), ["m.cpu.cycles", "n.count", "i"]);
        assert_eq!(
            found("writeln!(out, \"{step} {:>4} {energy:.4}\", self.line)?"),
            ["out", "step", "energy", "self.line"]
        );
        assert_eq!(
            found("x = 'a'; y: &'a str; z = '\\''; w = b'\"';"),
            ["x", "y", "a", "str", "z", "w", "b"]
        );
        assert_eq!(found("std::mem::take(&mut a.b); Some::<u8>(c)"), ["mut", "a.b", "u8", "c"]);
        assert_eq!(found("\"a.b \\\" c.d\" e"), ["e"]);
        assert_eq!(found("0..self.n"), ["self.n"]);
    }

    #[test]
    fn odd_lines_end() {
        for line in ["\"", "'", "'\\", "a.", "a->", "a[", "a[[b]", "::", "{", "é.ü", "a..b", "1..2"]
        {
            let _any = chains(line);
        }
        assert_eq!(found("a..b"), ["a", "b"]);
    }
}
