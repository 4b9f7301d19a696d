//! What is annotated and hangs from no root, and what skips hide.

use samestate_report::{Finding, Place, Report, Severity, Subject, rules};
use samestate_schema::treatment::Treatment;

use crate::dwarf::Contents;
use crate::evidence::{self, Records, Verdict};
use crate::graph::Graph;
use crate::implementers::Implementers;
use crate::reach;
use crate::walk::Walk;

/// States the types with a record to which no way leads from any root.
pub(crate) fn judge(
    graph: &Graph,
    implementers: &Implementers<'_>,
    records: &Records,
    walk: &Walk,
    report: &mut Report,
) {
    if walk.roots.is_empty() {
        return;
    }
    let reached = reach::below(graph, implementers, walk.roots.iter().copied());
    let numbers = walk.numbers.iter().map(|(ty, _)| *ty);
    let numbers: std::collections::HashSet<_> = numbers.collect();
    for (ty, record) in records.annotated() {
        if reached.types.contains(&ty) || numbers.contains(&ty) || walk.roots.contains(&ty) {
            continue;
        }
        let name = crate::view::type_text(graph, ty);
        let message = format!("`{name}` is annotated, but no way leads to it from a root");
        let mut finding = Finding::new(&rules::NO_ROOT_REACHES, Subject::Type(name), message);
        finding.place = Some(Place::new(record.file.clone(), record.line, record.column));
        // It may stand where sight ends.
        if !walk.ends.is_empty() {
            finding.severity = Severity::Note;
        }
        report.findings.push(finding);
    }
}

/// States the types with tags to which no way leads from any root, even if there is none.
pub(crate) fn judge_tagged(
    contents: &Contents,
    implementers: &Implementers<'_>,
    walk: &Walk,
    report: &mut Report,
) {
    let graph = &contents.graph;
    let reached = reach::below(graph, implementers, walk.roots.iter().copied());
    for (ty, tags) in evidence::annotated(contents) {
        if reached.types.contains(&ty) {
            continue;
        }
        let name = crate::view::type_text(graph, ty);
        let message = format!("`{name}` has tags, but no way leads to it from a root");
        let mut finding = Finding::new(&rules::NO_ROOT_REACHES, Subject::Type(name), message);
        finding.place = tags.place.as_ref().map(evidence::place_of);
        finding.help = Some(
            "write `__cr_root` on the struct from which it hangs, tag the pointer that leads to \
             it, or take its tags away"
                .to_owned(),
        );
        // It may stand where sight ends.
        if !walk.ends.is_empty() {
            finding.severity = Severity::Note;
        }
        report.findings.push(finding);
    }
}

/// Notes the state that hangs from skipped fields.
pub(crate) fn note_skips(graph: &Graph, walk: &Walk, report: &mut Report) {
    let mut seen = std::collections::HashSet::new();
    for reached in &walk.types {
        let definition = graph.get(reached.id).definition();
        for field in &reached.fields {
            let Verdict::Left(Treatment::Skipped(_)) = field.verdict.verdict else { continue };
            if field.below.fields == 0 || !seen.insert((definition, &field.key)) {
                continue;
            }
            let message = format!(
                "skipping `{}: {}` of `{definition}` leaves out {} fields of {} types, {} bytes",
                field.key.name,
                field.type_text,
                field.below.fields,
                field.below.types,
                field.below.bytes
            );
            let subject = Subject::Field(field.path.clone());
            let mut finding = Finding::new(&rules::HIDDEN_BY_SKIP, subject, message);
            finding.place = field.verdict.place.clone();
            finding.way = field.way.clone();
            finding.details.extend(field.verdict.why.clone());
            finding.group = Some(definition.to_owned());
            report.findings.push(finding);
        }
    }
}
