//! Where in the sources of the new version a change stands, so that a review shows it there.

use samestate_report::{Finding, Place, Subject};
use samestate_schema::path::{FieldPath, Step};

use crate::program::Program;
use crate::view::type_text;
use crate::walk::{Reached, Walk};

/// Gives each change of a type that is still there a place: that of the field, or of the type.
pub(super) fn find(program: &Program, walk: &Walk, changes: &mut [Finding]) {
    for change in changes.iter_mut().filter(|change| change.place.is_none()) {
        let owner = change.group.as_deref().or(match &change.subject {
            Subject::Type(name) => Some(name),
            _ => None,
        });
        let Some(owner) = owner else { continue };
        let named = walk.types.iter().find(|ty| type_text(program.graph(), ty.id) == owner);
        let Some(reached) = named else { continue };
        change.place = match &change.subject {
            Subject::Field(path) => of_field(reached, path),
            _ => None,
        }
        .or_else(|| of_type(program, reached));
    }
}

fn of_field(reached: &Reached, path: &FieldPath) -> Option<Place> {
    let name = match path.steps.last()? {
        Step::Field(name) => name.clone(),
        Step::Tuple(index) => index.to_string(),
        _ => return None,
    };
    let variant = match path.steps.iter().rev().nth(1) {
        Some(Step::Variant(variant)) => variant.as_str(),
        _ => "",
    };
    let of_name = |in_variant: bool| {
        reached
            .fields
            .iter()
            .find(|field| field.key.name == name && (!in_variant || field.key.variant == variant))
    };
    of_name(true).or_else(|| of_name(false))?.verdict.place.clone()
}

/// Where its record says it is, or else its first field.
fn of_type(program: &Program, reached: &Reached) -> Option<Place> {
    let first = reached.fields.iter().find_map(|field| field.verdict.place.clone());
    match program.records().of(reached.id) {
        Some(record) => {
            let mut place = Place::new(record.file.clone(), record.line, record.column);
            place.text = program.with_sources(|sources, _| sources.line(&record.file, record.line));
            Some(place)
        }
        None => first,
    }
}
