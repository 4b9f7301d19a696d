//! Which state that hangs from the roots no checkpoint covers.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use samestate_report::{Evidence, Finding, Place, Report, Severity, Subject, Unused, rules};

use crate::error::Error;
use crate::evidence::Verdict;
use crate::graph::{Graph, TypeId};
use crate::help::{self, Saving};
use crate::limits::MAX_FINDINGS;
use crate::program::Program;
use crate::reach::Behind;
use crate::settings::Settings;
use crate::statics::Statics;
use crate::summary;
use crate::timings;
use crate::unreached;
use crate::walk::{End, EndKind, Reached, ReachedField, Walk};

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct CoverageConfig {
    /// The executable.
    pub binary: PathBuf,
    /// Names of roots besides those that records mark: full paths, or unique ends of them.
    pub roots: Vec<String>,
    /// Folders in which to look for sources that are not where the compiler saw them.
    pub source_dirs: Vec<PathBuf>,
    /// Which statics are judged.
    pub statics: Statics,
    /// What samestate.toml says.
    pub settings: Settings,
}

/// Reports every field that can be reached from a root and that no evidence covers.
///
/// # Errors
/// If the binary cannot be read as one. What is in it but cannot be seen is a finding.
pub fn coverage(config: &CoverageConfig) -> Result<Report, Error> {
    let mut report = Report::new("coverage");
    report.input("binary", config.binary.display().to_string());
    cover(config, &mut report)?;
    report.sort();
    config.settings.allowed.of_programs().apply(&mut report, Unused::Quiet);
    Ok(report)
}

/// The same for whoever has more to say of the program.
pub(crate) fn cover(
    config: &CoverageConfig,
    report: &mut Report,
) -> Result<(Program, Walk), Error> {
    let program = Program::read(config)?;
    let mut stated = Report::default();
    let walk = program.survey(report, &mut stated);
    timings::phase("state findings", || {
        judge(&walk, &program, report);
        program.judge_statics(&walk, config.statics, report);
    });
    report.findings.append(&mut stated.findings);
    report.facts.append(&mut stated.facts);
    report.tables.append(&mut stated.tables);
    summary::add(&walk, report);
    Ok((program, walk))
}

/// States what a walk found.
pub(crate) fn judge(walk: &Walk, program: &Program, report: &mut Report) {
    let ways = ways(walk, program.graph());
    let saving = help::of_program(walk);
    let mut seen = HashSet::new();
    let mut fields = 0;
    let mut left_out = 0_u64;
    for reached in &walk.types {
        let definition = program.graph().get(reached.id).definition().to_owned();
        let is_rust = program.is_rust(&definition);
        for field in &reached.fields {
            fields += 1;
            let Some(mut finding) = field_finding(&definition, (reached, field), saving, is_rust)
            else {
                continue;
            };
            weigh(program.graph(), field, &mut finding);
            match ways.get(&reached.id).copied().unwrap_or(0) {
                0 | 1 => {}
                2 => finding.details.push(format!("one other field leads to `{definition}`")),
                ways => {
                    let others = ways - 1;
                    finding.details.push(format!("{others} other fields lead to `{definition}`"));
                }
            }
            // Instances of one definition share their fields.
            if !seen.insert((definition.clone(), field.key.clone())) {
                continue;
            }
            if report.findings.len() >= MAX_FINDINGS {
                left_out += 1;
                continue;
            }
            report.findings.push(finding);
        }
    }
    state_ends(walk, report);
    program.state_unreached(walk, report);
    unreached::note_skips(program.graph(), walk, report);
    if left_out > 0 {
        report.notes.push(format!("{left_out} more uncovered fields are not listed"));
    }
    report.fact("types checked", walk.types.len() as u64);
    report.fact("fields checked", fields);
    program.facts(report);
}

/// How many fields of reached types lead to each type.
fn ways(walk: &Walk, graph: &Graph) -> HashMap<TypeId, usize> {
    let mut behind = Behind::new(graph);
    let mut ways = HashMap::new();
    for ty in walk.types.iter().flat_map(|reached| &reached.fields).filter_map(|field| field.ty) {
        for &target in behind.of(ty) {
            *ways.entry(target).or_default() += 1;
        }
    }
    ways
}

/// States where sight ended.
pub(crate) fn state_ends(walk: &Walk, report: &mut Report) {
    let saving = help::of_program(walk);
    report.findings.extend(walk.ends.iter().map(|end| end_finding(end, saving)));
}

fn field_finding(
    definition: &str,
    (reached, field): (&Reached, &ReachedField),
    saving: Option<Saving>,
    is_rust: bool,
) -> Option<Finding> {
    let name = match &*field.key.variant {
        "" => field.key.name.clone(),
        variant => format!("{variant}.{}", field.key.name),
    };
    let (rule, message) = match &field.verdict.verdict {
        Verdict::Uncovered if field.host.is_some() => (
            &rules::HOST_RESOURCE,
            format!(
                "`{name}: {}` of `{definition}` is {}, which no image can hold",
                field.type_text,
                field.host.unwrap_or_default()
            ),
        ),
        Verdict::Saved(_)
        | Verdict::Volatile
        | Verdict::Handed(_)
        | Verdict::Left(_)
        | Verdict::Unknown => {
            return None;
        }
        Verdict::Uncovered => (
            &rules::UNCOVERED_FIELD,
            format!("no checkpoint covers `{name}: {}` of `{definition}`", field.type_text),
        ),
        Verdict::Partly(missing) => (
            &rules::PARTLY_SAVED,
            format!(
                "of `{name}: {}` of `{definition}`, {} is not saved",
                field.type_text,
                missing.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ")
            ),
        ),
        Verdict::SavedOnly => (
            &rules::SAVE_WITHOUT_RESTORE,
            format!(
                "`{name}: {}` of `{definition}` is saved, but nothing restores it",
                field.type_text
            ),
        ),
        Verdict::RestoredOnly => (
            &rules::RESTORE_WITHOUT_SAVE,
            format!(
                "`{name}: {}` of `{definition}` is restored, but nothing saves it",
                field.type_text
            ),
        ),
    };
    let mut finding = Finding::new(rule, Subject::Field(field.path.clone()), message);
    finding.place = field.verdict.place.clone();
    finding.way = field.way.clone();
    finding.evidence = reached.evidence.clone();
    if !reached.is_known {
        finding.evidence.push(Evidence {
            source: "dwarf".to_owned(),
            says: format!("nothing was found that saves `{definition}`"),
            place: None,
        });
    }
    if let Some(why) = &field.verdict.why {
        finding.details.push(why.clone());
    }
    if field.below.fields > 0 {
        finding.details.push(match field.below.fields {
            1 => "1 field lies below it and was not looked at".to_owned(),
            count => format!("{count} fields lie below it and were not looked at"),
        });
    }
    finding.help = Some(help::help(definition, &name, (reached, field), saving, is_rust));
    finding.group = Some(definition.to_owned());
    Some(finding)
}

/// What a field of a cache weighs, however it is called: it can be made again, as a rule. A field
/// of any other type is state as far as anybody can see.
fn weigh(graph: &Graph, field: &ReachedField, finding: &mut Finding) {
    const CACHES: &[&str] = &["Cache", "Memo", "Scratch", "Workspace"];
    let targets = field.ty.map(|ty| Behind::new(graph).of(ty).to_vec()).unwrap_or_default();
    let is_cache = |&id: &TypeId| {
        let name = crate::names::last_segment(graph.get(graph.defined(id)).definition());
        CACHES.iter().any(|word| {
            name.strip_suffix(word).is_some_and(|rest| {
                rest.is_empty()
                    || rest.ends_with(|last: char| last.is_lowercase() || last.is_numeric())
            })
        })
    };
    if finding.rule.id == rules::UNCOVERED_FIELD.id
        && !targets.is_empty()
        && targets.iter().all(is_cache)
    {
        finding.severity = Severity::Warning;
        finding.details.push(
            "its type is named like what can be made again, so this is a warning only".to_owned(),
        );
    }
}

fn end_finding(end: &End, saving: Option<Saving>) -> Finding {
    let rule = match end.kind {
        EndKind::Opaque => &rules::OPAQUE_CONTAINER,
        EndKind::Pointer { .. } => &rules::OPAQUE_POINTER,
        EndKind::Unregistered => &rules::UNREGISTERED_IMPLEMENTER,
        EndKind::Implementer => &rules::UNCOVERED_IMPLEMENTER,
        EndKind::Unseen => &rules::CANNOT_SEE,
    };
    let message = match end.kind {
        EndKind::Opaque | EndKind::Pointer { .. } | EndKind::Unseen => {
            format!("cannot look into `{}`: {}", end.type_text, end.why)
        }
        EndKind::Unregistered | EndKind::Implementer => {
            format!("no checkpoint covers `{}`: {}", end.type_text, end.why)
        }
    };
    let mut finding = Finding::new(rule, Subject::Field(end.path.clone()), message);
    finding.way = end.way.clone();
    finding.evidence = end.evidence.clone();
    finding.help = help::at_end(end, saving);
    finding.group = Some(end.type_text.clone());
    finding
}

/// A root that was asked for and is not there.
pub(crate) fn root_finding(
    name: &str,
    place: Option<&Place>,
    why: &str,
    offered: &[String],
) -> Finding {
    let mut finding =
        Finding::new(&rules::ROOT_NOT_FOUND, Subject::Type(name.to_owned()), why.to_owned());
    finding.place = place.cloned();
    if !offered.is_empty() {
        finding.help = Some(format!("did you mean `{}`?", offered.join("`, `")));
    }
    finding
}

/// A note about something that could not be seen and that has no path.
pub(crate) fn blind(subject: &str, message: String) -> Finding {
    let mut finding = Finding::new(&rules::CANNOT_SEE, Subject::Input(subject.to_owned()), message);
    finding.severity = Severity::Blind;
    finding
}
