//! Versions of saved forms that stand in constants of the program, as samestate.toml names them.

mod value;

use std::collections::BTreeMap;

use samestate_report::{Evidence, Finding, Place, Report, Subject, rules};

use crate::dwarf::Contents;
use crate::graph::TypeId;
use crate::names;
use crate::settings::{Pattern, VersionAt};
use crate::source::{Constant, Found, Sources};
use crate::view::type_text;

/// The version of all that hangs from a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConstantVersion {
    /// A number in decimal, one word, or the bytes of what is neither, such as `0x7f454c46`.
    pub(crate) value: String,
    /// The path of the constant, its crate first.
    pub(crate) constant: String,
}

impl ConstantVersion {
    /// The value as a number, if it is one.
    pub(crate) fn number(&self) -> Option<u128> {
        self.value.parse().ok()
    }

    /// The name of the constant without its path.
    pub(crate) fn ident(&self) -> &str {
        names::last_segment(&self.constant)
    }
}

/// Reads the constants of these roots. One that cannot be read is a finding: without it, nobody
/// can tell whether the version was raised. A line that names no root goes to `stated`.
pub(crate) fn read(
    contents: &Contents,
    sources: &Sources<'_>,
    lines: &[VersionAt],
    roots: &[TypeId],
    report: &mut Report,
    stated: &mut Report,
) -> BTreeMap<TypeId, ConstantVersion> {
    let mut versions = BTreeMap::new();
    for line in lines {
        let mut is_used = false;
        for &root in roots {
            let definition = contents.graph.get(root).definition();
            if line.root.as_ref().is_some_and(|pattern| !pattern.matches(definition)) {
                continue;
            }
            is_used = true;
            match constant(contents, sources, line, names::crate_of(definition)) {
                Ok(version) => drop(versions.insert(root, version)),
                Err(unread) => {
                    report.findings.push(unread.finding(line, type_text(&contents.graph, root)));
                }
            }
        }
        if let (false, Some(pattern)) = (is_used, &line.root) {
            stated.findings.push(stale(pattern, line));
        }
    }
    versions
}

/// Why a constant could not be read.
struct Unread {
    why: String,
    /// Where it stands, if it was found.
    place: Option<Place>,
    help: String,
}

impl Unread {
    fn finding(self, line: &VersionAt, root: String) -> Finding {
        let message = format!("the version of what `{root}` saves cannot be read: {}", self.why);
        let mut finding = Finding::new(&rules::CANNOT_SEE, Subject::Type(root), message);
        let stated = Evidence {
            source: "samestate.toml".to_owned(),
            says: format!("names `{}` under `version`", line.constant.join("::")),
            place: Some(line.place.clone()),
        };
        finding.evidence.push(stated);
        finding.place = Some(self.place.unwrap_or_else(|| line.place.clone()));
        finding.help = Some(self.help);
        finding
    }
}

fn constant(
    contents: &Contents,
    sources: &Sources<'_>,
    line: &VersionAt,
    own: &str,
) -> Result<ConstantVersion, Unread> {
    // A path that starts with no crate of the program is one of the root's crate.
    let (first, rest) = match line.constant.split_first() {
        Some((first, rest)) if first == "crate" => (own, rest),
        Some((first, rest)) if !rest.is_empty() && contents.crates.contains_key(first) => {
            (first.as_str(), rest)
        }
        _ => (own, &line.constant[..]),
    };
    let krate = sources.krate(first);
    let path: Vec<&str> = rest.iter().map(String::as_str).collect();
    let constant = format!("{first}::{}", path.join("::"));
    match &krate.constants(&path)[..] {
        [] => {
            let unread = krate.problem().map(|problem| format!("; {problem}"));
            Err(Unread {
                why: format!(
                    "there is no constant `{constant}` in the sources{}",
                    unread.unwrap_or_default()
                ),
                place: None,
                help: "write the path of the constant that the program compares when it loads, or \
                       name the folder of its sources with `--source-dir`"
                    .to_owned(),
            })
        }
        [(scope, found)] => {
            if let Some(condition) = krate.doubt(&found.item) {
                return Err(Unread {
                    why: format!(
                        "it is not known whether `{constant}` was compiled: it hangs on \
                         `{condition}`"
                    ),
                    place: Some(place(sources, found)),
                    help: "name a constant that stands there under no condition".to_owned(),
                });
            }
            let unread = |why: String| Unread {
                why: format!("`{constant}` {why}"),
                place: Some(place(sources, found)),
                help:
                    "write its value by numbers, texts in quotes, arithmetic and other constants, \
                       or name a constant that has such a value"
                        .to_owned(),
            };
            let value = value::Reader::new(contents, sources)
                .read(first, scope, &found.item.value)
                .and_then(|value| value.shown())
                .map_err(unread)?;
            Ok(ConstantVersion { value, constant })
        }
        [(_, found), ..] => Err(Unread {
            why: format!("`{constant}` stands there several times"),
            place: Some(place(sources, found)),
            help: "write the whole path of the one that counts; where conditions choose between \
                   them, give one of them another name"
                .to_owned(),
        }),
    }
}

fn place(sources: &Sources<'_>, found: &Found<Constant>) -> Place {
    let (line, column) = found.item.start;
    let mut place = Place::new(sources.shown(&found.source.path), line, column);
    place.text = found.source.line(line).map(str::to_owned);
    place
}

fn stale(pattern: &Pattern, line: &VersionAt) -> Finding {
    let message = format!("`{}` under `[version]` is no root", pattern.text());
    let subject = Subject::Type(pattern.text().to_owned());
    let mut finding = Finding::new(&rules::STALE_TREATMENT, subject, message);
    finding.place = Some(line.place.clone());
    finding.help = Some("remove the line, or correct the name".to_owned());
    finding
}
