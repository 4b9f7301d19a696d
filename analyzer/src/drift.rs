//! What changed between two programs that endangers saved state.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use samestate_report::{Finding, Report, Rule, Severity, Side, Sides, Subject, rules};
use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;

use crate::coverage::CoverageConfig;
use crate::error::Error;
use crate::limits::MAX_LOCK_LEN;
use crate::lock::{self, MAGIC};
use crate::model::{FieldEntry, FieldState, Model, Shape, TypeEntry, VariantEntry, Way};
use crate::program::Program;

/// How to read the binaries of a comparison.
#[derive(Clone, Debug)]
pub struct DriftConfig {
    /// Names of roots besides those that records mark, for the sides that are binaries.
    pub roots: Vec<String>,
    /// Folders in which to look for the sources of the sides that are binaries.
    pub source_dirs: Vec<PathBuf>,
}

/// Compares two programs, each given as an executable or as its lock file.
///
/// # Errors
/// If one of them cannot be read.
pub fn drift(old: &Path, new: &Path, config: &DriftConfig) -> Result<Report, Error> {
    let mut report = Report::new("drift");
    report.input("old", old.display().to_string());
    report.input("new", new.display().to_string());
    let old = read_side(old, config, &mut report)?;
    let new = read_side(new, config, &mut report)?;
    // Both sides are looked at under one set of options, so they complain of the same things.
    report.findings.dedup_by(|a, b| {
        a.rule.id == b.rule.id && a.subject == b.subject && a.message == b.message
    });
    compare(&old, &new, &mut report);
    report.fact(
        "types compared",
        old.types.keys().filter(|n| new.types.contains_key(*n)).count() as u64,
    );
    report.sort();
    Ok(report)
}

/// The text of the lock of a binary, and what could not be seen for it.
///
/// # Errors
/// If the binary cannot be read.
pub fn lock_text(config: &CoverageConfig) -> Result<(String, Report), Error> {
    let mut report = Report::new("lock");
    report.input("binary", config.binary.display().to_string());
    let program = Program::read(config)?;
    let walk = program.survey(&mut report);
    crate::coverage::state_ends(&walk, &mut report);
    let model = Model::of(program.graph(), &walk);
    report.fact("types", model.types.len() as u64);
    report.sort();
    Ok((lock::write(&model), report))
}

fn read_binary(config: &CoverageConfig, report: &mut Report) -> Result<Model, Error> {
    let program = Program::read(config)?;
    let walk = program.survey(report);
    Ok(Model::of(program.graph(), &walk))
}

fn read_side(path: &Path, config: &DriftConfig, report: &mut Report) -> Result<Model, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start).map_err(failed)?;
    let is_text = !start.is_empty() && !start.starts_with(b"\x7fELF") && start.is_ascii();
    let is_lock = start == MAGIC.as_bytes()
        || (is_text && path.extension().is_some_and(|extension| extension == "lock"))
        || start.starts_with(b"<<<<<<<");
    if is_lock {
        file.take(MAX_LOCK_LEN).read_to_end(&mut start).map_err(failed)?;
        return Ok(lock::read(path, &start)?);
    }
    let config = CoverageConfig {
        binary: path.to_owned(),
        roots: config.roots.clone(),
        source_dirs: config.source_dirs.clone(),
    };
    read_binary(&config, report)
}

/// Reports the differences of two models.
pub(crate) fn compare(old: &Model, new: &Model, report: &mut Report) {
    let mut comparison =
        Comparison { old_ways: old.ways(), new_ways: new.ways(), seen: BTreeSet::new(), report };
    comparison.roots(old, new);
    comparison.unseen(old, new);
    for (name, old_entry) in &old.types {
        match new.types.get(name) {
            Some(new_entry) => comparison.types(name, old_entry, new_entry),
            None => comparison.absent(name, "new"),
        }
    }
}

struct Comparison<'a> {
    old_ways: BTreeMap<String, Way>,
    new_ways: BTreeMap<String, Way>,
    /// What was said already: instances of one definition change together.
    seen: BTreeSet<(String, String, &'static str)>,
    report: &'a mut Report,
}

/// A field with the variant it stands in.
type Placed<'a> = (&'a str, &'a FieldEntry);

impl Comparison<'_> {
    fn roots(&mut self, old: &Model, new: &Model) {
        for root in old.roots.difference(&new.roots) {
            let message = format!("`{root}` is no root any more");
            let subject = Subject::Type(root.clone());
            self.report.findings.push(Finding::new(&rules::ROOT_REMOVED, subject, message));
        }
        for root in new.roots.difference(&old.roots) {
            let message = format!("`{root}` is a new root");
            let subject = Subject::Type(root.clone());
            self.report.findings.push(Finding::new(&rules::ROOT_ADDED, subject, message));
        }
    }

    /// What neither side shows is coverage's to report; what only one side shows could not be
    /// compared.
    fn unseen(&mut self, old: &Model, new: &Model) {
        let lost =
            new.unseen.difference(&old.unseen).map(|path| (path, old, &self.old_ways, "new"));
        let gained =
            old.unseen.difference(&new.unseen).map(|path| (path, new, &self.new_ways, "old"));
        let mut findings = Vec::new();
        for (text, other, ways, side) in lost.chain(gained) {
            let Ok(path) = text.parse::<FieldPath>() else { continue };
            if !other.reaches(ways, &path) {
                continue;
            }
            let message = format!("what lies behind it cannot be seen in the {side} version");
            let mut finding = Finding::new(&rules::LOST_EVIDENCE, Subject::Field(path), message);
            if side == "old" {
                finding.severity = Severity::Note;
            }
            findings.push(finding);
        }
        self.report.findings.append(&mut findings);
        let both = new.unseen.intersection(&old.unseen).count();
        if both > 0 {
            let places = if both == 1 { "place" } else { "places" };
            self.report.notes.push(format!(
                "{both} {places} can be looked into in neither version; `samestate coverage` names them"
            ));
        }
    }

    /// A type that one side knows and the other does not, although its fields lead there.
    fn absent(&mut self, name: &str, side: &str) {
        if self.new_ways.contains_key(name) {
            let message = format!("`{name}` cannot be seen in the {side} version");
            let mut finding =
                Finding::new(&rules::LOST_EVIDENCE, Subject::Type(name.to_owned()), message);
            finding.way = self.new_ways[name].labels.clone();
            self.report.findings.push(finding);
        }
    }

    fn types(&mut self, name: &str, old: &TypeEntry, new: &TypeEntry) {
        let before = self.report.findings.len();
        let mut is_saved_change = false;
        if old.shape == Shape::Enum || new.shape == Shape::Enum {
            is_saved_change |= self.variants(name, old, new);
        }
        let (old_fields, new_fields) = (fields(old), fields(new));
        for (variant, field) in &old_fields {
            match find(&new_fields, variant, &field.name) {
                Some(now) => is_saved_change |= self.field(name, variant, field, now),
                None if has_variant(new, variant) => {
                    is_saved_change |= self.removed(name, variant, field);
                }
                // The loss of the variant says it all.
                None => {}
            }
        }
        for (variant, field) in &new_fields {
            if find(&old_fields, variant, &field.name).is_none() && has_variant(old, variant) {
                is_saved_change |= self.added(name, variant, field);
            }
        }
        self.order(name, &old_fields, &new_fields);
        let changed = self.report.findings.len() > before;
        if let (true, true, Some(was), Some(is)) =
            (changed, is_saved_change, old.version, new.version)
            && was == is
        {
            self.push(name, "", "", &rules::VERSION_NOT_BUMPED, |finding| {
                finding.message =
                    format!("what `{name}` saves changed, but its version is still {is}");
                finding.sides = Some(sides(&format!("version {was}"), &format!("version {is}")));
                finding.help = Some(format!(
                    "write `#[checkpoint(version = {})]` on `{name}`",
                    u64::from(is) + 1
                ));
            });
        }
    }

    /// Compares the variants of an enum; returns whether what is saved changed.
    fn variants(&mut self, name: &str, old: &TypeEntry, new: &TypeEntry) -> bool {
        let mut is_saved_change = false;
        let by_name = |entry: &TypeEntry, name: &str| -> Option<VariantEntry> {
            entry.variants.iter().find(|variant| variant.name == name).cloned()
        };
        for variant in &old.variants {
            let Some(now) = by_name(new, &variant.name) else {
                is_saved_change = true;
                self.push(name, &variant.name, "", &rules::VARIANT_REMOVED, |finding| {
                    finding.message = format!("`{name}::{}` is gone", variant.name);
                });
                continue;
            };
            if let (Some(was), Some(is)) = (variant.value, now.value)
                && was != is
            {
                // Generated code knows variants by name.
                let is_by_name = old.version.is_some() && new.version.is_some();
                self.push(name, &variant.name, "", &rules::VARIANT_CHANGED, |finding| {
                    finding.message =
                        format!("`{name}::{}` was {was} and is {is} now", variant.name);
                    finding.sides = Some(sides(&was.to_string(), &is.to_string()));
                    if is_by_name {
                        finding.severity = Severity::Note;
                    }
                });
            }
        }
        for variant in &new.variants {
            if by_name(old, &variant.name).is_none() {
                self.push(name, &variant.name, "", &rules::VARIANT_ADDED, |finding| {
                    finding.message = format!("`{name}::{}` is new", variant.name);
                });
            }
        }
        is_saved_change
    }

    /// Compares a field that both sides have; returns whether what is saved changed.
    fn field(&mut self, name: &str, variant: &str, old: &FieldEntry, new: &FieldEntry) -> bool {
        let mut is_saved_change = false;
        if old.state != new.state {
            is_saved_change = true;
            self.treatment(name, variant, old, new);
        }
        if old.ty != new.ty {
            let matters = old.state.is_state() && new.state.is_state();
            is_saved_change |= matters;
            self.push(name, variant, &new.name, &rules::FIELD_TYPE_CHANGED, |finding| {
                finding.message =
                    format!("`{}` was `{}` and is `{}` now", new.name, old.ty, new.ty);
                finding.sides = Some(sides(&old.ty, &new.ty));
                finding.help = Some(format!(
                    "write `#[checkpoint(from({}, …))]` on the field and raise the version",
                    old.ty
                ));
                if !matters {
                    finding.severity = Severity::Note;
                }
            });
        }
        is_saved_change
    }

    fn treatment(&mut self, name: &str, variant: &str, old: &FieldEntry, new: &FieldEntry) {
        let (was, is) = (old.state.word(), new.state.word());
        let unknown = FieldState::Unknown;
        if old.state == unknown || new.state == unknown {
            let side = if new.state == unknown { "new" } else { "old" };
            self.push(name, variant, &new.name, &rules::LOST_EVIDENCE, |finding| {
                finding.message =
                    format!("what happens to it cannot be seen in the {side} version");
                finding.sides = Some(sides(was, is));
            });
            return;
        }
        self.push(name, variant, &new.name, &rules::TREATMENT_CHANGED, |finding| {
            finding.message = format!("`{}` was {was} and is {is} now", new.name);
            finding.sides = Some(sides(was, is));
            finding.help = Some(match new.state {
                FieldState::Treated(Treatment::Saved) => format!(
                    "write `#[checkpoint(since = N, default = …)]` on `{}` and raise the version \
                     to N: older images do not hold it",
                    new.name
                ),
                FieldState::Treated(_) => {
                    format!("raise the version of `{name}` if images need no longer hold it")
                }
                FieldState::Uncovered
                | FieldState::NotRestored
                | FieldState::NotSaved
                | FieldState::Unknown => {
                    format!("save and restore `{}` again, or skip it with a reason", new.name)
                }
            });
        });
    }

    fn added(&mut self, name: &str, variant: &str, field: &FieldEntry) -> bool {
        let matters = field.state.is_state();
        self.push(name, variant, &field.name, &rules::FIELD_ADDED, |finding| {
            finding.message =
                format!("`{}: {}` is new and {}", field.name, field.ty, field.state.word());
            finding.sides = Some(sides("absent", &field.ty));
            finding.help = Some(
                "write `#[checkpoint(since = N, default = …)]` on it and raise the version to N"
                    .to_owned(),
            );
            if !matters {
                finding.severity = Severity::Note;
            }
        });
        matters
    }

    fn removed(&mut self, name: &str, variant: &str, field: &FieldEntry) -> bool {
        let matters = field.state.is_state();
        let label = format!("{}: {}", field.name, field.ty);
        self.push_old(name, variant, &field.name, &rules::FIELD_REMOVED, |finding| {
            finding.message = format!("`{label}` is gone; it was {}", field.state.word());
            finding.sides = Some(sides(&field.ty, "absent"));
            finding.help = Some(format!(
                "write `#[checkpoint(removed(\"{}\"))]` on `{name}` and raise its version",
                field.name
            ));
            if !matters {
                finding.severity = Severity::Note;
            }
        });
        matters
    }

    fn order(&mut self, name: &str, old: &[Placed<'_>], new: &[Placed<'_>]) {
        let common = |ours: &[Placed<'_>], theirs: &[Placed<'_>]| -> Vec<(String, String)> {
            ours.iter()
                .filter(|(variant, field)| find(theirs, variant, &field.name).is_some())
                .map(|(variant, field)| ((*variant).to_owned(), field.name.clone()))
                .collect()
        };
        let (was, is) = (common(old, new), common(new, old));
        // The order of the variants is not that of the fields in them.
        let by_variant = |list: &[(String, String)]| {
            let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (variant, field) in list {
                map.entry(variant.clone()).or_default().push(field.clone());
            }
            map
        };
        if by_variant(&was) != by_variant(&is) {
            let text = |list: &[(String, String)]| {
                list.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ")
            };
            let (was, is) = (text(&was), text(&is));
            self.push(name, "", "", &rules::FIELD_ORDER_CHANGED, |finding| {
                finding.message = format!("the fields of `{name}` stand in another order");
                finding.sides = Some(sides(&was, &is));
            });
        }
    }

    /// Adds a finding about a part of a type, found from the new side if it is there.
    fn push(
        &mut self,
        name: &str,
        variant: &str,
        field: &str,
        rule: &'static Rule,
        fill: impl FnOnce(&mut Finding),
    ) {
        let way = self.new_ways.get(name).or_else(|| self.old_ways.get(name)).cloned();
        self.push_at(way, name, variant, field, rule, fill);
    }

    /// Adds a finding about something that only the old side has.
    fn push_old(
        &mut self,
        name: &str,
        variant: &str,
        field: &str,
        rule: &'static Rule,
        fill: impl FnOnce(&mut Finding),
    ) {
        let way = self.old_ways.get(name).or_else(|| self.new_ways.get(name)).cloned();
        self.push_at(way, name, variant, field, rule, fill);
    }

    fn push_at(
        &mut self,
        way: Option<Way>,
        name: &str,
        variant: &str,
        field: &str,
        rule: &'static Rule,
        fill: impl FnOnce(&mut Finding),
    ) {
        let definition = name.split('<').next().unwrap_or(name).to_owned();
        if !self.seen.insert((definition, format!("{variant}.{field}"), rule.id)) {
            return;
        }
        let way = way
            .unwrap_or_else(|| Way { path: FieldPath::root(name), labels: vec![name.to_owned()] });
        let mut path = way.path.clone();
        if !variant.is_empty() {
            path.steps.push(Step::Variant(variant.to_owned()));
        }
        if !field.is_empty() {
            path.steps.push(FieldPath::member(field));
        }
        let subject = if path.steps.is_empty() {
            Subject::Type(name.to_owned())
        } else {
            Subject::Field(path)
        };
        let mut finding = Finding::new(rule, subject, String::new());
        finding.way = way.labels;
        finding.group = Some(name.to_owned());
        fill(&mut finding);
        self.report.findings.push(finding);
    }
}

fn sides(old: &str, new: &str) -> Sides {
    let side = |label: &str, text: &str| Side { label: label.to_owned(), text: text.to_owned() };
    Sides { left: side("old", old), right: side("new", new) }
}

fn fields(entry: &TypeEntry) -> Vec<Placed<'_>> {
    entry
        .variants
        .iter()
        .flat_map(|variant| variant.fields.iter().map(|field| (variant.name.as_str(), field)))
        .collect()
}

fn find<'a>(fields: &[Placed<'a>], variant: &str, name: &str) -> Option<&'a FieldEntry> {
    fields.iter().find(|(v, f)| *v == variant && f.name == name).map(|(_, field)| *field)
}

fn has_variant(entry: &TypeEntry, name: &str) -> bool {
    entry.variants.iter().any(|variant| variant.name == name)
}
