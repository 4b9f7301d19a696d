//! Which of the names in a line are variables of the function, and which fields lie behind them.

use gimli::{
    AttributeValue, DebuggingInformationEntry, EntriesTreeNode, Reader as _, UnitOffset, UnitRef,
};

use crate::line::{Named, chains};
use crate::symbols::Bytes;

type Entry = DebuggingInformationEntry<Bytes>;
type Unit<'a> = UnitRef<'a, Bytes>;

/// Types and origins that lead on may be followed so often.
const MOST_STEPS: usize = 64;
/// So many variables of a function are looked at.
const MOST_VARIABLES: usize = 2_000;

/// What the line names of the variables of the function whose debug information stands at `die`.
pub(crate) fn of_line(unit: &Unit<'_>, die: UnitOffset, line: &str) -> Vec<Named> {
    let mut variables = Vec::new();
    if let Ok(mut tree) = unit.entries_tree(Some(die))
        && let Ok(root) = tree.root()
    {
        collect(unit, root, &mut variables, 0);
    }
    let mut found = Vec::new();
    for chain in chains(line) {
        let Some((first, parts)) = chain.split_first() else { continue };
        let Some((_, ty)) = variables.iter().rev().find(|(name, _)| name == first) else {
            continue;
        };
        let mut named = Named { text: first.clone(), field: None, through: Vec::new() };
        let mut ty = *ty;
        for part in parts {
            let Some((owner, field)) = ty.and_then(|ty| member(unit, ty, part)) else { break };
            named.text = format!("{}.{part}", named.text);
            named.through.extend(named.field.replace((owner, part.clone())));
            ty = field;
        }
        if !found.contains(&named) {
            found.push(named);
        }
    }
    found
}

type Variables = Vec<(String, Option<UnitOffset>)>;

/// The parameters and variables of a function and of its blocks, those further in last.
fn collect(
    unit: &Unit<'_>,
    node: EntriesTreeNode<'_, '_, Bytes>,
    variables: &mut Variables,
    depth: usize,
) {
    let mut children = node.children();
    while let Ok(Some(child)) = children.next() {
        if variables.len() >= MOST_VARIABLES || depth > MOST_STEPS {
            return;
        }
        match child.entry().tag() {
            gimli::DW_TAG_formal_parameter | gimli::DW_TAG_variable => {
                let told = told(unit, child.entry());
                variables.extend(told);
            }
            gimli::DW_TAG_lexical_block => collect(unit, child, variables, depth + 1),
            _ => {}
        }
    }
}

/// The name and the type of a variable, which may stand where its function is told of in general.
fn told(unit: &Unit<'_>, entry: &Entry) -> Option<(String, Option<UnitOffset>)> {
    let mut entry = entry.clone();
    for _ in 0..MOST_STEPS {
        if let Some(name) = name(unit, &entry) {
            return Some((name, reference(unit, &entry, gimli::DW_AT_type)));
        }
        let origin = reference(unit, &entry, gimli::DW_AT_abstract_origin)?;
        entry = unit.entry(origin).ok()?;
    }
    None
}

/// The type that has a field of this name, by its full name, and the field's type. Pointers and
/// references to it are followed.
fn member(unit: &Unit<'_>, ty: UnitOffset, wanted: &str) -> Option<(String, Option<UnitOffset>)> {
    let mut at = ty;
    for _ in 0..MOST_STEPS {
        let mut tree = unit.entries_tree(Some(at)).ok()?;
        let root = tree.root().ok()?;
        let entry = root.entry().clone();
        match entry.tag() {
            gimli::DW_TAG_pointer_type
            | gimli::DW_TAG_reference_type
            | gimli::DW_TAG_rvalue_reference_type
            | gimli::DW_TAG_const_type
            | gimli::DW_TAG_volatile_type
            | gimli::DW_TAG_restrict_type
            | gimli::DW_TAG_array_type
            | gimli::DW_TAG_typedef => at = reference(unit, &entry, gimli::DW_AT_type)?,
            gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_union_type => {
                let mut children = root.children();
                while let Ok(Some(child)) = children.next() {
                    let child = child.entry();
                    if child.tag() != gimli::DW_TAG_member {
                        continue;
                    }
                    // Tuples' fields are numbered.
                    let is_it = name(unit, child).is_some_and(|name| {
                        name == wanted || name.strip_prefix("__").is_some_and(|n| n == wanted)
                    });
                    if is_it {
                        let field = reference(unit, child, gimli::DW_AT_type);
                        return Some((full_name(unit, at)?, field));
                    }
                }
                return None;
            }
            _ => return None,
        }
    }
    None
}

fn name(unit: &Unit<'_>, entry: &Entry) -> Option<String> {
    let value = entry.attr_value(gimli::DW_AT_name)?;
    let text = unit.attr_string(value).ok()?;
    text.to_string().ok().map(|text| text.into_owned())
}

/// Another entry of the same unit that an attribute leads to.
fn reference(unit: &Unit<'_>, entry: &Entry, attribute: gimli::DwAt) -> Option<UnitOffset> {
    match entry.attr_value(attribute)? {
        AttributeValue::UnitRef(offset) => Some(offset),
        AttributeValue::DebugInfoRef(offset) => offset.to_unit_offset(&unit.header),
        _ => None,
    }
}

/// The name of a type with the namespaces around it.
fn full_name(unit: &Unit<'_>, wanted: UnitOffset) -> Option<String> {
    let mut path: Vec<(isize, Option<String>)> = Vec::new();
    let mut entries = unit.entries();
    while let Ok(true) = entries.next_entry() {
        let Some(entry) = entries.current() else { continue };
        let depth = entry.depth();
        path.retain(|(at, _)| *at < depth);
        let is_scope = matches!(
            entry.tag(),
            gimli::DW_TAG_namespace | gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type
        );
        if entry.offset() == wanted {
            let name = name(unit, entry)?;
            let scopes = path.into_iter().filter_map(|(_, name)| name);
            return Some(scopes.chain([name]).collect::<Vec<_>>().join("::"));
        }
        if entry.offset() > wanted {
            break;
        }
        if is_scope {
            path.push((depth, name(unit, entry)));
        }
    }
    None
}
