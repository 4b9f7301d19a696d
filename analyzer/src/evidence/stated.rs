//! What samestate.toml says is not saved, and why.
//!
//! These are decisions of people: each turns findings off for what it names, is listed in the
//! report with its reason, and is a finding itself once it names nothing or has expired.

use std::cell::Cell;

use samestate_report::{Evidence, Finding, Report, Subject, Table, rules};

use super::{FieldKey, FieldVerdict, Verdict};
use crate::fields::Field;
use crate::graph::{Graph, TypeId};
use crate::settings::{Day, Named, Settings, Stated};
use crate::view::{self, View};

/// How many layers of containers and pointers a field's type may have around a named type.
const MAX_LAYERS: usize = 16;

/// The treatments of samestate.toml, and what each of them stood for so far.
pub(crate) struct Decisions<'a> {
    graph: &'a Graph,
    entries: Vec<(&'a Stated, Cell<u64>)>,
}

impl<'a> Decisions<'a> {
    /// Those of these settings.
    pub(crate) fn new(graph: &'a Graph, settings: &'a Settings) -> Self {
        let entries = settings.treatments.iter().map(|stated| (stated, Cell::new(0))).collect();
        Self { graph, entries }
    }

    /// Whether this type, or trait, is named as a whole.
    pub(crate) fn covers_type(&self, definition: &str) -> bool {
        self.of_type(definition).is_some()
    }

    /// What is to be thought of a field after what people say of it.
    pub(crate) fn decide(
        &self,
        owner: TypeId,
        field: &Field,
        verdict: FieldVerdict,
    ) -> FieldVerdict {
        if self.entries.is_empty() {
            return verdict;
        }
        let definition = self.graph.get(owner).definition();
        let found = self.of_field(definition, &field.key).or_else(|| self.by_type(field.ty?));
        let Some((stated, count)) = found else { return verdict };
        count.set(count.get() + 1);
        FieldVerdict {
            verdict: Verdict::Left(stated.treatment),
            why: Some(stated.reason.clone()),
            ..verdict
        }
    }

    /// Whether a static is named, or the type that it holds.
    pub(crate) fn decide_static(&self, name: &str, ty: TypeId) -> bool {
        let found = self.of_type(name).or_else(|| self.by_type(ty));
        if let Some((_, count)) = found {
            count.set(count.get() + 1);
        }
        found.is_some()
    }

    fn of_type(&self, definition: &str) -> Option<&(&'a Stated, Cell<u64>)> {
        self.entries.iter().find(|(stated, _)| {
            let pattern = &stated.named.pattern;
            !pattern.is_field() && pattern.matches(definition)
        })
    }

    fn of_field(&self, definition: &str, key: &FieldKey) -> Option<&(&'a Stated, Cell<u64>)> {
        if self.entries.iter().all(|(stated, _)| !stated.named.pattern.is_field()) {
            return None;
        }
        let path = match &*key.variant {
            "" => format!("{definition}.{}", key.name),
            variant => format!("{definition}::{variant}.{}", key.name),
        };
        self.entries.iter().find(|(stated, _)| {
            let pattern = &stated.named.pattern;
            pattern.is_field() && pattern.matches(&path)
        })
    }

    /// What is said of the type that a field holds, if it holds that and nothing else.
    fn by_type(&self, ty: TypeId) -> Option<&(&'a Stated, Cell<u64>)> {
        let mut ty = self.graph.defined(ty);
        for _ in 0..MAX_LAYERS {
            let definition = self.graph.get(ty).definition();
            if definition.contains("::")
                && let Some(found) = self.of_type(definition)
            {
                return Some(found);
            }
            match view::view(self.graph, ty) {
                View::Trait(name) => return self.of_type(&name),
                View::Parts(parts) => {
                    let mut inner = parts.into_iter().map(|part| self.graph.defined(part.ty));
                    let is_value = |id: &TypeId| !matches!(view::view(self.graph, *id), View::Leaf);
                    let mut values = inner.by_ref().filter(is_value);
                    ty = values.next()?;
                    if values.next().is_some() {
                        return None;
                    }
                }
                View::Leaf
                | View::Host(_)
                | View::Defined
                | View::Opaque(_)
                | View::Untyped(_)
                | View::Unseen(_) => {
                    return None;
                }
            }
        }
        None
    }

    /// Lists what was decided; states what names nothing any more, and what has expired.
    pub(crate) fn report(&self, report: &mut Report) {
        let today = Day::today();
        let mut rows = Vec::new();
        let mut total = 0;
        for (stated, count) in &self.entries {
            let count = count.get();
            if count == 0 {
                report.findings.push(stale(
                    &stated.named,
                    format!(
                        "`{}` under `[{}]` names nothing that can be reached from the roots",
                        stated.named.pattern.text(),
                        stated.word
                    ),
                ));
                continue;
            }
            total += count;
            rows.push(vec![
                stated.named.pattern.text().to_owned(),
                stated.word.to_owned(),
                count.to_string(),
                stated.reason.clone(),
            ]);
            if let Some(until) = stated.until.filter(|&until| until < today) {
                let message = format!(
                    "`{}` was to be left out until {until} only: {}",
                    stated.named.pattern.text(),
                    stated.reason
                );
                let mut finding = about(&rules::EXPIRED_TREATMENT, &stated.named, message);
                finding.help = Some("save it now, or state a later day and why".to_owned());
                report.findings.push(finding);
            }
        }
        if !rows.is_empty() {
            report.fact("fields left out by samestate.toml", total);
            report.tables.push(Table {
                row: "treatment".to_owned(),
                columns: ["declared", "treatment", "fields", "reason"].map(str::to_owned).to_vec(),
                rows,
            });
        }
    }
}

/// A line of samestate.toml that names nothing.
pub(crate) fn stale(named: &Named, message: String) -> Finding {
    let mut finding = about(&rules::STALE_TREATMENT, named, message);
    finding.help = Some("remove the line, or correct the name".to_owned());
    finding
}

fn about(rule: &'static samestate_report::Rule, named: &Named, message: String) -> Finding {
    let mut finding = Finding::new(rule, Subject::Type(named.pattern.text().to_owned()), message);
    finding.place = Some(named.place.clone());
    finding.evidence.push(Evidence {
        source: "samestate.toml".to_owned(),
        says: "declares it".to_owned(),
        place: None,
    });
    finding
}
