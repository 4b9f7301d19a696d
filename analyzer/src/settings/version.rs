//! Where the versions of saved forms stand that no record tells.

use std::collections::BTreeMap;

use samestate_report::Place;
use serde::Deserialize;
use toml::Spanned;

use super::{Pattern, Reader, SettingsError};

/// The constant with the version of what a root saves.
#[derive(Clone, Debug)]
pub(crate) struct VersionAt {
    /// The root; `None` is every one.
    pub(crate) root: Option<Pattern>,
    /// The path of the constant, by its parts; the first may be `crate`.
    pub(crate) constant: Vec<String>,
    pub(crate) place: Place,
}

/// `version = "app::VERSION"`, or a table with a line per root.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected the path of a constant, or a table of roots with the path of each one's"
)]
pub(super) enum Entry {
    One(String),
    Each(BTreeMap<String, String>),
}

impl Reader<'_> {
    pub(super) fn versions(
        &self,
        entry: Option<Spanned<Entry>>,
    ) -> Result<Vec<VersionAt>, SettingsError> {
        let Some(entry) = entry else { return Ok(Vec::new()) };
        let span = entry.span();
        let lines: Vec<(Option<String>, String)> = match entry.into_inner() {
            Entry::One(constant) => vec![(None, constant)],
            Entry::Each(lines) => lines.into_iter().map(|(root, at)| (Some(root), at)).collect(),
        };
        let mut versions = Vec::new();
        for (root, text) in lines {
            let constant: Vec<String> = text.split("::").map(str::to_owned).collect();
            if !constant.iter().all(|part| is_name(part)) {
                return Err(self.error(
                    span,
                    format!("`{text}` is no path of a constant"),
                    "write it as `\"app::machine::STATE_VERSION\"`",
                ));
            }
            let root = match root.as_deref().map(Pattern::parse).transpose() {
                Ok(root) => root,
                Err(why) => {
                    let name = root.unwrap_or_default();
                    let problem = format!("`{name}` under `[version]` is no name: {why}");
                    return Err(self.error(span, problem, "write a root such as `app::Machine`"));
                }
            };
            versions.push(VersionAt { root, constant, place: self.place(span.clone()) });
        }
        Ok(versions)
    }
}

fn is_name(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with(|c: char| c.is_ascii_digit())
        && part.chars().all(|c| c.is_alphanumeric() || c == '_')
}
