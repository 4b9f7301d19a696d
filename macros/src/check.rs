//! What the parts of an item must be to each other.

use syn::ext::IdentExt as _;
use syn::{GenericParam, LitInt, Member, Type};

use crate::ctxt::Ctxt;
use crate::input::{Field, FieldTreatment, Input, Variant};
use crate::recognized::addresses;

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
    hooks_have_a_place(ctxt, input);
    removed_are_gone(ctxt, input);
    ids_differ(ctxt, input);
    for variant in &input.variants {
        if let Some(since) = &variant.attrs.since {
            version_reaches(ctxt, input, since);
        }
        for field in &variant.fields {
            history_is_whole(ctxt, input, field);
            no_addresses(ctxt, field);
        }
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

fn hooks_have_a_place(ctxt: &Ctxt, input: &Input) {
    if input.attrs.manual {
        for (name, hook) in input.attrs.hooks.all() {
            ctxt.error(hook, format!("`save` and `restore` are yours here; call `{name}` in them"));
        }
        return;
    }
    let mut fields = input.variants.iter().flat_map(|variant| &variant.fields);
    let kept = fields.find(|field| matches!(field.treatment, FieldTreatment::Keep));
    if let (Some(hook), Some(kept)) = (&input.attrs.hooks.after_restore, kept) {
        let name = &kept.name;
        ctxt.error(
            hook,
            format!(
                "`after_restore` judges a value that is whole before it takes the place of the \
                 running one, so `{name}` cannot be kept in it; put one of them on a type of its own"
            ),
        );
    }
}

/// What is there since a version cannot be newer than the type.
fn version_reaches(ctxt: &Ctxt, input: &Input, since: &LitInt) {
    let version = input.attrs.version.unwrap_or(1);
    match since.base10_parse::<u32>() {
        Ok(0 | 1) | Err(_) => ctxt.error(since, "write the version that has it first, 2 or later"),
        Ok(since_version) if since_version > version => ctxt.error(
            since,
            format!(
                "the type has version {version}; write `version = {since_version}` on it, or an \
                 earlier version here"
            ),
        ),
        Ok(_) => {}
    }
}

fn history_is_whole(ctxt: &Ctxt, input: &Input, field: &Field) {
    match (&field.history.since, &field.history.default) {
        (Some(since), None) => {
            ctxt.error(since, "say what it is in older images: write `default = EXPR` too");
        }
        (None, Some(default)) => ctxt.error(
            default,
            "say which version has it first: write `since = N` too, the version of the type",
        ),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if let Some(since) = &field.history.since {
        version_reaches(ctxt, input, since);
    }
}

/// Nobody can implement `Checkpoint` for pointers and functions, so these are mistakes for certain.
fn no_addresses(ctxt: &Ctxt, field: &Field) {
    if !field.is_checkpoint() {
        return;
    }
    for address in addresses(&field.ty) {
        let message = match address {
            Type::Ptr(pointer) => {
                let null = if matches!(pointer.mutability, syn::PointerMutability::Mut(_)) { "null_mut" } else { "null" };
                format!(
                    "an address means nothing in another process; own what it points to (`Box<T>`, \
                     `Rc<T>` if it is shared, an index if it points into another field), or compute \
                     it: `#[checkpoint(rebuild = path, needs(a, b))]`, or start without: \
                     `#[checkpoint(skip(value = std::ptr::{null}()), reason = \"…\")]`"
                )
            }
            _ => "the address of a function differs from build to build; save which function it is \
                  (an enum) and `#[checkpoint(rebuild = path, needs(which))]`, or say which it always \
                  is: `#[checkpoint(skip(value = function), reason = \"…\")]`"
                .to_owned(),
        };
        ctxt.error(address, message);
    }
}

fn removed_are_gone(ctxt: &Ctxt, input: &Input) {
    for removed in &input.attrs.removed {
        let name = removed.value();
        let is_there = input.variants.iter().any(|variant| {
            let mut fields = variant.fields.iter().filter(|field| field.is_saved());
            match &variant.ident {
                None => fields.any(|field| field.name == name),
                Some(ident) => {
                    let ident = ident.unraw().to_string();
                    ident == name || fields.any(|field| format!("{ident}.{}", field.name) == name)
                }
            }
        });
        if is_there {
            ctxt.error(removed, format!("`{name}` is still there; remove this"));
        }
    }
}

fn ids_differ(ctxt: &Ctxt, input: &Input) {
    for (index, variant) in input.variants.iter().enumerate() {
        let Some(id) = variant.attrs.id else { continue };
        let before = input.variants.iter().take(index);
        if let Some(other) = before.into_iter().find(|other| other.attrs.id == Some(id)) {
            if let (Some(ident), Some(other)) = (&variant.ident, &other.ident) {
                ctxt.error(ident, format!("`{other}` has the id {id} as well; give it another"));
            }
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
