//! The comparison of two models: which changes endanger saved state, and what to write.
//!
//! Types are compared pairwise by name, so a change is reported once, where it was made, and
//! recursive types need no special case. Every change has a verdict about older images: they load,
//! they load because the program tells how to read them, or they are refused. What was told is a
//! note; what has yet to be told is an error that says what to write.

mod axis;
mod constants;
mod fields;
mod history;
mod implementers;
mod memory;
mod plan;
mod renames;
mod saved;
mod side;
mod variants;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use samestate_report::{Finding, Report, Rule, Severity, Sides, Subject, rules};
use samestate_schema::path::{FieldPath, Step};

use self::plan::Plan;
use self::renames::Renames;
use self::side::Side;
use crate::model::{Model, Shape, TypeEntry, Way};
use crate::profile::{Order, Profile};
use crate::settings::Settings;

/// What becomes of older images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loads {
    /// They load, because they hold nothing of it.
    Anyway,
    /// They load, because the program tells how.
    Told,
    /// They are refused.
    Not,
    /// The finding is not about them.
    Unsaid,
    /// They are dumps of memory, and what was written is taken for something else.
    Misread,
    /// Their parts are told apart by their order, and one is taken for another.
    Misnumbered,
}

/// Reports the differences of two models.
pub(crate) fn compare(old: &Model, new: &Model, settings: &Settings, report: &mut Report) {
    let known = report.findings.len();
    let mut comparison = Comparison {
        profile: settings.profile,
        order: settings.order,
        old: Side::new(old),
        new: Side::new(new),
        renames: Renames::between(old, new),
        seen: BTreeSet::new(),
        changed: BTreeSet::new(),
        raised: constants::raised(old, new),
        is_written_alike: false,
        plan: Plan::default(),
        report,
    };
    comparison.roots();
    comparison.unseen();
    for (name, old_entry) in &old.types {
        let now = comparison.renames.of(name).to_owned();
        match new.types.get(&now) {
            Some(new_entry) if now == *name && old_entry == new_entry => {}
            Some(new_entry) => {
                comparison.is_written_alike =
                    comparison.is_by_order(name, &now) && written::alike((old, name), (new, &now));
                comparison.types(name, &now, old_entry, new_entry);
                comparison.is_written_alike = false;
            }
            None => comparison.absent(name),
        }
    }
    comparison.implementers();
    comparison.memory();
    comparison.constants();
    let Comparison { plan, report, .. } = comparison;
    plan.tell(report);
    axis::count(known, report);
}

struct Comparison<'a> {
    profile: Profile,
    order: Option<Order>,
    old: Side<'a>,
    new: Side<'a>,
    renames: Renames,
    /// What was said already: instances of one definition change together.
    seen: BTreeSet<(String, String, &'static str)>,
    /// The types whose saved form changed and that have no version of their own.
    changed: BTreeSet<String>,
    /// The types of which all roots have a constant that tells older images apart, and what tells.
    raised: BTreeMap<String, String>,
    /// Whether the types that are being compared are written alike, whatever their parts are called.
    is_written_alike: bool,
    plan: Plan,
    report: &'a mut Report,
}

/// A part of a type: the type itself, a variant, or a field.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// The type's name on the side that has the part.
    ty: &'a str,
    variant: &'a str,
    field: &'a str,
    /// Whether only the old side has it.
    is_old: bool,
}

impl<'a> Part<'a> {
    const fn of(ty: &'a str) -> Self {
        Self { ty, variant: "", field: "", is_old: false }
    }

    const fn variant(self, variant: &'a str) -> Self {
        Self { variant, ..self }
    }

    const fn field(self, field: &'a str) -> Self {
        Self { field, ..self }
    }

    /// As attributes of the type name a field.
    fn member(self, field: &str) -> String {
        if self.variant.is_empty() { field.to_owned() } else { format!("{}.{field}", self.variant) }
    }

    const fn gone(self) -> Self {
        Self { is_old: true, ..self }
    }
}

impl<'a> Comparison<'a> {
    fn roots(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        let renamed: BTreeSet<&str> = old.roots.iter().map(|root| self.renames.of(root)).collect();
        let gone = old.roots.iter().filter(|root| !new.roots.contains(self.renames.of(root)));
        let come = new.roots.iter().filter(|root| !renamed.contains(root.as_str()));
        let finding = |rule, root: &String, message: String| {
            Finding::new(rule, Subject::Type(root.clone()), message)
        };
        let mut findings: Vec<_> = gone
            .map(|root| {
                finding(&rules::ROOT_REMOVED, root, format!("`{root}` is no root any more"))
            })
            .collect();
        findings.extend(
            come.map(|root| finding(&rules::ROOT_ADDED, root, format!("`{root}` is a new root"))),
        );
        self.report.findings.append(&mut findings);
    }

    /// What neither side shows is coverage's to report; what only one side shows could not be
    /// compared.
    fn unseen(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        let lost = new.unseen.difference(&old.unseen).map(|path| (path, &self.old, "new"));
        let gained = old.unseen.difference(&new.unseen).map(|path| (path, &self.new, "old"));
        let mut findings = Vec::new();
        for (text, other, side) in lost.chain(gained) {
            let Ok(path) = text.parse::<FieldPath>() else { continue };
            if !other.model.reaches(other.ways(), &path) {
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

    /// A type that only the old side knows, although fields of the new one lead there.
    fn absent(&mut self, name: &str) {
        if let Some(way) = self.new.ways().get(name) {
            let message = format!("`{name}` cannot be seen in the new version");
            let mut finding =
                Finding::new(&rules::LOST_EVIDENCE, Subject::Type(name.to_owned()), message);
            finding.way = way.labels;
            self.report.findings.push(finding);
        }
    }

    /// Compares a type that both sides have, under the name it has on each.
    fn types(&mut self, was: &str, name: &str, old: &TypeEntry, new: &TypeEntry) {
        self.renamed(was, name, old, new);
        self.dropped(name, old, new);
        let steps = self.plan.len();
        let mut is_saved_change = self.shape(name, old, new);
        // Nothing of a struct is the same in an enum.
        let pairs = if is_saved_change { Vec::new() } else { variants::pairs(old, new) };
        if !is_saved_change && new.shape == Shape::Enum {
            is_saved_change = self.variants(name, old, new, &pairs);
        }
        for (old_variant, new_variant) in &pairs {
            is_saved_change |= self.fields(name, (old, old_variant), (new, new_variant));
        }
        if self.is_written_alike {
            self.plan.truncate(steps);
            return;
        }
        if is_saved_change && new.version.is_none() {
            self.changed.insert(name.to_owned());
        }
        self.version(name, old, new, is_saved_change);
    }

    /// A type with another name. Images know it by its last part, or by the name it is given.
    fn renamed(&mut self, was: &str, name: &str, old: &TypeEntry, new: &TypeEntry) {
        let (old_name, new_name) = (plan::image_name(was, old), plan::image_name(name, new));
        if was == name && old_name == new_name {
            return;
        }
        // Code that no derive made writes names of types down at most where one of several is meant.
        let is_free = self.is_without_derive(was, name);
        let loads = if old_name == new_name || is_free {
            Loads::Anyway
        } else if new.history.was.contains(old_name) {
            Loads::Told
        } else {
            Loads::Not
        };
        let is_choice = is_free && self.new.model.traits.values().any(|all| all.contains(name));
        let help = format!("write `#[checkpoint(was = \"{old_name}\")]` on `{name}`");
        if old_name != new_name && !is_free {
            self.plan.convert(name, "", "rename", old_name, new_name, loads);
        }
        self.push(Part::of(name), &rules::TYPE_RENAMED, loads, |finding| {
            finding.message = if was == name {
                format!(
                    "images know `{name}` by the name `{new_name}` now, and knew it by `{old_name}`"
                )
            } else {
                format!("`{was}` is called `{name}` now")
            };
            finding.sides =
                Some(if was == name { sides(old_name, new_name) } else { sides(was, name) });
            finding.help = Some(help);
            if is_choice {
                finding.severity = Severity::Warning;
                finding.details.push("images that tell it by its name do not load".to_owned());
            }
        });
    }

    /// A struct that became an enum, or the like.
    fn shape(&mut self, name: &str, old: &TypeEntry, new: &TypeEntry) -> bool {
        if old.shape == new.shape {
            return false;
        }
        let loads = if is_migrated(old, new) { Loads::Told } else { Loads::Not };
        self.plan.convert(name, "", "convert", old.shape.word(), new.shape.word(), loads);
        self.push(Part::of(name), &rules::FIELD_TYPE_CHANGED, loads, |finding| {
            let (was, is) = (old.shape.word(), new.shape.word());
            finding.message = format!("`{name}` was {was} and is {is} now");
            finding.sides = Some(sides(was, is));
            finding.help = Some(format!(
                "keep the old type under another name, and write `#[checkpoint(migrate(Old, with = \
                 f))]` on `{name}`"
            ));
        });
        true
    }

    /// What is saved changed, so the version must have, too.
    fn version(&mut self, name: &str, old: &TypeEntry, new: &TypeEntry, is_saved_change: bool) {
        let (Some(was), Some(is)) = (old.version, new.version) else { return };
        let message = if is < was {
            format!("the version of `{name}` went back from {was} to {is}")
        } else if is == was && is_saved_change {
            format!("what `{name}` saves changed, but its version is still {is}")
        } else {
            return;
        };
        self.push(Part::of(name), &rules::VERSION_NOT_BUMPED, Loads::Unsaid, |finding| {
            finding.message = message;
            finding.sides = Some(sides(&format!("version {was}"), &format!("version {is}")));
            finding.help = Some(format!(
                "write `#[checkpoint(version = {})]` on `{name}`",
                u64::from(was) + 1
            ));
        });
    }

    /// Adds a finding about a part of a type. What older images need not fear is a note.
    fn push(
        &mut self,
        part: Part<'_>,
        rule: &'static Rule,
        loads: Loads,
        fill: impl FnOnce(&mut Finding),
    ) {
        // In memory, each instance has a layout of its own.
        let key = if loads == Loads::Misread {
            part.ty
        } else {
            part.ty.split('<').next().unwrap_or(part.ty)
        };
        let place = format!("{}.{}", part.variant, part.field);
        if !self.seen.insert((key.to_owned(), place, rule.id)) {
            return;
        }
        let is_harmless = loads == Loads::Not && self.is_nameless(part, rule)
            || matches!(loads, Loads::Not | Loads::Unsaid) && self.is_written_alike;
        let loads = if is_harmless { Loads::Anyway } else { loads };
        let way = self.way(part);
        let mut path = way.path.clone();
        if !part.variant.is_empty() {
            path.steps.push(Step::Variant(part.variant.to_owned()));
        }
        if !part.field.is_empty() {
            path.steps.push(FieldPath::member(part.field));
        }
        let subject = if path.steps.is_empty() {
            Subject::Type(part.ty.to_owned())
        } else {
            Subject::Field(path)
        };
        let mut finding = Finding::new(rule, subject, String::new());
        finding.way = way.labels;
        finding.group = Some(part.ty.to_owned());
        match loads {
            Loads::Anyway => finding.severity = finding.severity.min(Severity::Note),
            Loads::Told => {
                finding.severity = finding.severity.min(Severity::Note);
                finding.details.push("older images load: the program tells how".to_owned());
            }
            Loads::Not => finding.details.push("older images are refused".to_owned()),
            Loads::Unsaid => {}
            Loads::Misread => finding.details.push("older dumps of it are misread".to_owned()),
            Loads::Misnumbered => finding.details.push(
                "older images are misread: samestate.toml says that order matters".to_owned(),
            ),
        }
        fill(&mut finding);
        if matches!(loads, Loads::Anyway | Loads::Told) {
            finding.help = None;
        }
        if matches!(loads, Loads::Not | Loads::Misread | Loads::Misnumbered)
            && self.is_without_derive(part.ty, part.ty)
            && let Some(raised) = self.raised.get(part.ty)
        {
            // What to do with older images is the program's to decide; it can tell them apart.
            finding.severity = finding.severity.min(Severity::Note);
            finding.details = vec![raised.clone()];
            finding.help = None;
        }
        if self.is_without_derive(part.ty, part.ty)
            && finding.help.as_ref().is_some_and(|help| help.contains("#[checkpoint("))
        {
            // Attributes are of no use to code that no derive made.
            finding.help = Some(
                "convert older images when they are loaded, or refuse them, and raise the version \
                 that the program keeps in them"
                    .to_owned(),
            );
        }
        let (first, second) = self.sides(part);
        if let Some(line) = first.roots_line(part.ty).or_else(|| second.roots_line(part.ty)) {
            finding.details.push(line);
        }
        self.report.findings.push(finding);
    }

    /// Whether neither side has a record of the type.
    fn is_without_derive(&self, was: &str, is: &str) -> bool {
        let has_record =
            |model: &Model, ty: &str| model.types.get(ty).is_some_and(|ty| ty.version.is_some());
        !has_record(self.old.model, was) && !has_record(self.new.model, is)
    }

    /// Whether images tell the parts of a type apart by their order.
    fn is_by_order(&self, was: &str, is: &str) -> bool {
        self.order == Some(Order::Matters)
            && self.profile == Profile::ByField
            && self.is_without_derive(was, is)
    }

    /// Whether it is only another name, where images know none.
    fn is_nameless(&self, part: Part<'_>, rule: &Rule) -> bool {
        let names = [&rules::FIELD_RENAMED, &rules::VARIANT_RENAMED, &rules::TYPE_RENAMED];
        (self.profile == Profile::RawMemory || self.order == Some(Order::Matters))
            && names.iter().any(|name| name.id == rule.id)
            && self.is_without_derive(part.ty, part.ty)
    }

    /// The side that has the part, and the other one.
    const fn sides(&self, part: Part<'_>) -> (&Side<'a>, &Side<'a>) {
        if part.is_old { (&self.old, &self.new) } else { (&self.new, &self.old) }
    }

    /// The shortest way to a type on the side that has the part, or else on the other one.
    fn way(&self, part: Part<'_>) -> Way {
        let (first, second) = self.sides(part);
        let way = first.ways().get(part.ty).or_else(|| second.ways().get(part.ty));
        way.unwrap_or_else(|| Way {
            path: FieldPath::root(part.ty),
            labels: vec![part.ty.to_owned()],
        })
    }
}

/// Whether the program tells how to convert a form of the type that it did not tell of before: that
/// of the old version.
fn is_migrated(old: &TypeEntry, new: &TypeEntry) -> bool {
    new.history.migrates.difference(&old.history.migrates).next().is_some()
}

/// The stable name by which images know an implementer of a trait.
fn registered(model: &Model, ty: &str, object: &str) -> Option<String> {
    let implements = &model.types.get(ty)?.history.implements;
    let short = |object: &str| -> String {
        let object = object.trim().trim_start_matches("dyn ").trim();
        crate::names::last_segment(object).trim().to_owned()
    };
    let wanted = short(object);
    implements.iter().find(|(spelled, _)| short(spelled) == wanted).map(|(_, name)| name.clone())
}

fn sides(old: &str, new: &str) -> Sides {
    let side = |label: &str, text: &str| {
        let (label, text) = (label.to_owned(), text.to_owned());
        samestate_report::Side { label, text }
    };
    Sides { left: side("old", old), right: side("new", new) }
}
