//! What a program tells of earlier versions, written and read: a line each, after a dash.

use std::fmt::Write as _;

use super::lines::{Lines, LockError};
use crate::history::{FieldHistory, TypeHistory, VariantHistory};
use crate::model::FieldEntry;

/// What is told of earlier versions stands below what it is told of, a line each, after a dash.
pub(super) fn write_type(out: &mut String, history: &TypeHistory) {
    let mut line = |word: &str, text: &str| {
        let _ = writeln!(out, "  - {word} {text}");
    };
    history.name.iter().for_each(|name| line("name", name));
    history.was.iter().for_each(|name| line("was", name));
    history.removed.iter().for_each(|name| line("removed", name));
    history.migrates.iter().for_each(|ty| line("migrate", ty));
    history
        .implements
        .iter()
        .for_each(|(object, name)| line("implements", &format!("{object} = {name}")));
}

pub(super) fn write_variant(out: &mut String, indent: &str, history: &VariantHistory) {
    let mut line = |word: &str, text: &str| {
        let _ = writeln!(out, "{indent}  - {word} {text}");
    };
    history.id.iter().for_each(|id| line("id", &id.to_string()));
    history.since.iter().for_each(|since| line("since", &since.to_string()));
    history.was.iter().for_each(|name| line("was", name));
}

pub(super) fn write_field(out: &mut String, indent: &str, history: &FieldHistory) {
    let mut line = |text: &str| {
        let _ = writeln!(out, "{indent}  - {text}");
    };
    history.since.iter().for_each(|since| line(&format!("since {since}")));
    if history.has_default {
        line("default");
    }
    history.was.iter().for_each(|name| line(&format!("was {name}")));
    history.from.iter().for_each(|ty| line(&format!("from {ty}")));
}

pub(super) fn read_type(
    lines: &Lines<'_>,
    history: &mut TypeHistory,
    note: &str,
) -> Result<(), LockError> {
    match note.split_once(' ') {
        Some(("name", name)) => history.name = Some(name.to_owned()),
        Some(("was", name)) => drop(history.was.insert(name.to_owned())),
        Some(("removed", name)) => drop(history.removed.insert(name.to_owned())),
        Some(("migrate", ty)) => drop(history.migrates.insert(ty.to_owned())),
        Some(("implements", rest)) => {
            let Some((object, name)) = rest.rsplit_once(" = ") else {
                return lines.wrong("`=` expected");
            };
            history.implements.insert(object.to_owned(), name.to_owned());
        }
        _ => return lines.wrong(format!("`{note}` cannot be told of a type")),
    }
    Ok(())
}

pub(super) fn read_variant(
    lines: &Lines<'_>,
    history: &mut VariantHistory,
    note: &str,
) -> Result<(), LockError> {
    match note.split_once(' ') {
        Some(("id", id)) => history.id = Some(number(lines, id)?),
        Some(("since", since)) => history.since = Some(number(lines, since)?),
        Some(("was", name)) => drop(history.was.insert(name.to_owned())),
        _ => return lines.wrong(format!("`{note}` cannot be told of a variant")),
    }
    Ok(())
}

pub(super) fn read_field(
    lines: &Lines<'_>,
    fields: &mut [FieldEntry],
    note: &str,
) -> Result<(), LockError> {
    let Some(FieldEntry { history, .. }) = fields.last_mut() else {
        return lines.wrong("there is no field before it");
    };
    match note.split_once(' ') {
        None if note == "default" => history.has_default = true,
        Some(("since", since)) => history.since = Some(number(lines, since)?),
        Some(("was", name)) => drop(history.was.insert(name.to_owned())),
        Some(("from", ty)) => drop(history.from.insert(ty.to_owned())),
        _ => return lines.wrong(format!("`{note}` cannot be told of a field")),
    }
    Ok(())
}

fn number(lines: &Lines<'_>, text: &str) -> Result<u32, LockError> {
    text.parse().or_else(|_| lines.wrong(format!("`{text}` is no version or id")))
}
