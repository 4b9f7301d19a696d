//! What reading an older image takes, for whoever writes a converter.

use samestate_report::{Conversion, ConversionStep, Report, Table, Told};

use super::Loads;
use crate::model::TypeEntry;
use crate::names::last_segment;

/// What has to be done with the parts of an older image.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The type and what to do with it.
    steps: Vec<(String, ConversionStep)>,
}

impl Plan {
    /// Adds a step: what to do (`fill`, `drop`, `rename`, `move`, `reorder`, `convert`) with which part
    /// of which type, from what to what.
    pub(super) fn convert(
        &mut self,
        ty: &str,
        part: &str,
        what: &str,
        from: &str,
        to: &str,
        loads: Loads,
    ) {
        let told = match loads {
            Loads::Anyway => Told::Needless,
            Loads::Told => Told::Yes,
            Loads::Not | Loads::Misread | Loads::Misnumbered | Loads::Unsaid => Told::No,
        };
        let side = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (image, program) = (side(from), side(to));
        let (part, action) = (part.to_owned(), what.to_owned());
        self.steps.push((ty.to_owned(), ConversionStep { part, action, image, program, told }));
    }

    /// How many steps there are.
    pub(super) const fn len(&self) -> usize {
        self.steps.len()
    }

    /// Forgets the steps that came after so many.
    pub(super) fn truncate(&mut self, len: usize) {
        self.steps.truncate(len);
    }

    /// Puts the steps into the report, each once: for programs, and as a table for people.
    pub(super) fn tell(mut self, report: &mut Report) {
        let key = |(ty, step): &(String, ConversionStep)| {
            let ConversionStep { part, action, image, program, told } = step.clone();
            (ty.clone(), part, action, image, program, told.word())
        };
        self.steps.sort_by_cached_key(key);
        self.steps.dedup();
        if self.steps.is_empty() {
            return;
        }
        let row = |(ty, step): &(String, ConversionStep)| {
            let told = match step.told {
                Told::Needless => "nothing to tell",
                Told::Yes => "told",
                Told::No => "not told",
            };
            let side = |side: &Option<String>| side.clone().unwrap_or_default();
            let (image, program) = (side(&step.image), side(&step.program));
            vec![
                ty.clone(),
                step.part.clone(),
                step.action.clone(),
                image,
                program,
                told.to_owned(),
            ]
        };
        report.tables.push(Table {
            row: "conversion of older images".to_owned(),
            columns: ["type", "part", "do", "image", "program", "by attribute"]
                .map(str::to_owned)
                .to_vec(),
            rows: self.steps.iter().map(row).collect(),
        });
        for (ty, step) in self.steps {
            match report.plan.last_mut() {
                Some(last) if last.ty == ty => last.steps.push(step),
                _ => report.plan.push(Conversion { ty, steps: vec![step] }),
            }
        }
    }
}

/// The name by which images know a type: that which it is given, or its identifier.
pub(super) fn image_name<'a>(name: &'a str, entry: &'a TypeEntry) -> &'a str {
    let definition = name.split('<').next().unwrap_or(name);
    entry.history.name.as_deref().unwrap_or_else(|| last_segment(definition))
}
