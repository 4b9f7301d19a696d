//! What the parts of an item must be to each other.

use syn::{GenericParam, Member};

use crate::ctxt::Ctxt;
use crate::input::{Field, FieldTreatment, Input, Variant};

pub(crate) fn check(ctxt: &Ctxt, input: &Input) {
    for param in &input.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            ctxt.error(
                lifetime,
                "a type that borrows cannot be restored, because nothing would own what it \
                 borrows; own the data (`String` for `&str`, `Vec<T>` for `&[T]`)",
            );
        }
    }
    let has_parameters = !input.generics.params.is_empty();
    for implements in input.attrs.implements.iter().filter(|_| has_parameters) {
        ctxt.error(
            &implements.name,
            "a type with parameters is many types, and this is one name; put it on a type without \
             parameters that holds this one",
        );
    }
    for variant in &input.variants {
        needs_exist(ctxt, variant);
        if let Err(cycle) = rebuild_order(variant) {
            let names: Vec<&str> = cycle.iter().map(|&i| variant.fields[i].name.as_str()).collect();
            let first = &variant.fields[cycle[0]];
            let way = names.join("` needs `");
            ctxt.error_at(
                first.span,
                format!(
                    "`{way}` needs `{}`: fields cannot be rebuilt from each other; save one of them",
                    names[0]
                ),
            );
        }
    }
}

fn needs_exist(ctxt: &Ctxt, variant: &Variant) {
    for field in &variant.fields {
        let FieldTreatment::Rebuild { needs, .. } = &field.treatment else { continue };
        for need in needs {
            if index_of(variant, need).is_none() {
                let names: Vec<&str> = variant.fields.iter().map(|f| f.name.as_str()).collect();
                ctxt.error(
                    need,
                    format!("there is no such field here; there are `{}`", names.join("`, `")),
                );
            }
        }
    }
}

fn index_of(variant: &Variant, member: &Member) -> Option<usize> {
    variant.fields.iter().position(|field| field.member == *member)
}

/// The fields that a field is rebuilt from.
pub(crate) fn needed<'v>(variant: &'v Variant, field: &'v Field) -> Vec<usize> {
    match &field.treatment {
        FieldTreatment::Rebuild { needs, .. } => {
            needs.iter().filter_map(|need| index_of(variant, need)).collect()
        }
        _ => Vec::new(),
    }
}

/// The fields to rebuild, each after those that it needs; or the fields of a cycle.
pub(crate) fn rebuild_order(variant: &Variant) -> Result<Vec<usize>, Vec<usize>> {
    let mut order = Vec::new();
    for (index, field) in variant.fields.iter().enumerate() {
        if matches!(field.treatment, FieldTreatment::Rebuild { .. }) {
            visit(variant, index, &mut Vec::new(), &mut order)?;
        }
    }
    Ok(order)
}

/// Puts a field behind those that it needs; `open` is the way to it.
fn visit(
    variant: &Variant,
    index: usize,
    open: &mut Vec<usize>,
    order: &mut Vec<usize>,
) -> Result<(), Vec<usize>> {
    if order.contains(&index) {
        return Ok(());
    }
    if let Some(start) = open.iter().position(|&at| at == index) {
        return Err(open.split_off(start));
    }
    let field = &variant.fields[index];
    if !matches!(field.treatment, FieldTreatment::Rebuild { .. }) {
        return Ok(());
    }
    open.push(index);
    for need in needed(variant, field) {
        visit(variant, need, open, order)?;
    }
    open.pop();
    order.push(index);
    Ok(())
}
