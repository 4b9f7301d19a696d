//! The record of the item's treatments: a static that the linker keeps.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens as _, quote_spanned};
use samestate_schema::record::{self, Body, FieldRecord, Flags, VariantRecord};
use samestate_schema::treatment::{SkipPolicy, Treatment};
use syn::ext::IdentExt as _;
use syn::{GenericParam, LitStr, Member};

use super::{krate, schema::image_name};
use crate::attr::{FieldHistory, Migrate, With};
use crate::input::{Field, FieldTreatment, Input, Variant};

pub(super) fn expand(input: &Input) -> TokenStream {
    let krate = krate(input);
    let body = Literal::byte_string(&body(input).encode());
    let generic =
        input.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
    let flags = Flags {
        root: input.attrs.root,
        manual: input.attrs.manual,
        generic,
        is_enum: input.is_enum,
    };
    let flags = flags.bits();
    // A static cannot be generic.
    let of = if generic { generated!(()) } else { input.ident.to_token_stream() };
    let (elf, macho, coff) = (record::SECTION, record::SECTION_MACHO, record::SECTION_COFF);
    // The names of items are not hidden from the user's types, which may be `[u8; LEN]`.
    // Line and column of the identifier, not of the derive's name.
    let place = input.ident.span();
    let line = quote_spanned!(place=> ::core::line!());
    let column = quote_spanned!(place=> ::core::column!());
    generated! {
        const __SAMESTATE_MODULE: &str = ::core::module_path!();
        const __SAMESTATE_FILE: &str = ::core::file!();
        const __SAMESTATE_BODY: &[u8] = #body;
        const __SAMESTATE_LEN: usize = #krate::__private::assembled_len(__SAMESTATE_MODULE, __SAMESTATE_FILE, __SAMESTATE_BODY);

        #[used]
        #[cfg_attr(
            any(target_os = "linux", target_os = "android", target_os = "freebsd",
                target_os = "netbsd", target_os = "openbsd", target_os = "dragonfly",
                target_os = "illumos", target_os = "solaris", target_os = "fuchsia",
                target_os = "none"),
            unsafe(link_section = #elf)
        )]
        #[cfg_attr(target_vendor = "apple", unsafe(link_section = #macho))]
        #[cfg_attr(windows, unsafe(link_section = #coff))]
        static __SAMESTATE_RECORD: #krate::__private::Record<#of, __SAMESTATE_LEN> = #krate::__private::Record::new(
            #krate::__private::assemble::<__SAMESTATE_LEN>(#flags, #line, #column, __SAMESTATE_MODULE, __SAMESTATE_FILE, __SAMESTATE_BODY),
        );
    }
}

fn body(input: &Input) -> Body {
    let generics = input.generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(param.ident.unraw().to_string()),
        GenericParam::Const(param) => Some(param.ident.unraw().to_string()),
        GenericParam::Lifetime(_) => None,
    });
    let implements = input.attrs.implements.iter().map(|implements| {
        let object = implements.object.to_token_stream();
        ("implements".to_owned(), format!("{object} = {}", implements.name.value()))
    });
    Body {
        ident: input.ident.unraw().to_string(),
        name: image_name(input),
        version: input.attrs.version.unwrap_or(1),
        generics: generics.collect(),
        notes: implements
            .chain(notes("was", &input.attrs.was))
            .chain(notes("removed", &input.attrs.removed))
            .chain(input.attrs.migrate.iter().map(|Migrate { old, convert }| {
                let (old, convert) = (old.to_token_stream(), convert.to_token_stream());
                ("migrate".to_owned(), format!("{old}, {convert}"))
            }))
            .chain(
                input
                    .attrs
                    .hooks
                    .all()
                    .map(|(name, hook)| (name.to_owned(), hook.to_token_stream().to_string())),
            )
            .collect(),
        variants: input.variants.iter().map(variant).collect(),
    }
}

fn variant(variant: &Variant) -> VariantRecord {
    let name = variant.ident.as_ref().map(|ident| ident.unraw().to_string());
    VariantRecord {
        name: name.unwrap_or_default(),
        id: variant.attrs.id,
        shape: variant.shape,
        fields: variant.fields.iter().map(field).collect(),
        notes: notes("was", &variant.attrs.was)
            .chain(variant.attrs.since.iter().map(|v| ("since".to_owned(), v.to_string())))
            .collect(),
    }
}

fn notes<'n>(name: &'n str, values: &'n [LitStr]) -> impl Iterator<Item = (String, String)> + 'n {
    values.iter().map(|value| (name.to_owned(), value.value()))
}

fn history(history: &FieldHistory) -> Vec<(String, String)> {
    let text = |tokens: &dyn quote::ToTokens| tokens.to_token_stream().to_string();
    let mut all = Vec::new();
    all.extend(history.since.iter().map(|since| ("since".to_owned(), text(since))));
    all.extend(history.default.iter().map(|default| ("default".to_owned(), text(default))));
    all.extend(notes("was", &history.was));
    all.extend(history.from.iter().map(|from| {
        let word = if from.fallible { "try_from" } else { "from" };
        (word.to_owned(), format!("{}, {}", text(&from.ty), text(&from.convert)))
    }));
    all
}

fn field(field: &Field) -> FieldRecord {
    let note = |name: &str, value: String| (name.to_owned(), value);
    let (treatment, notes) = match &field.treatment {
        FieldTreatment::Saved { with, volatile } => {
            let mut notes = history(&field.history);
            match with {
                With::Type => {}
                With::Module(module) => {
                    notes.push(note("with", module.to_token_stream().to_string()));
                }
                With::Serde { ordered } => {
                    let how = if *ordered { "ordered" } else { "" };
                    notes.push(note("serde", how.to_owned()));
                }
            }
            (if *volatile { Treatment::Volatile } else { Treatment::Saved }, notes)
        }
        FieldTreatment::Default => (Treatment::Skipped(SkipPolicy::Default), Vec::new()),
        FieldTreatment::Keep => (Treatment::Skipped(SkipPolicy::Keep), Vec::new()),
        FieldTreatment::Value(value) => {
            let value = value.to_token_stream().to_string();
            (Treatment::Skipped(SkipPolicy::Value), vec![note("value", value)])
        }
        FieldTreatment::Rebuild { function, needs } => {
            let needs: Vec<String> = needs
                .iter()
                .map(|need| match need {
                    Member::Named(ident) => ident.unraw().to_string(),
                    Member::Unnamed(index) => index.index.to_string(),
                })
                .collect();
            let function = function.to_token_stream().to_string();
            let notes = vec![note("rebuild", function), note("needs", needs.join(", "))];
            (Treatment::Rebuilt, notes)
        }
        FieldTreatment::External(name) => {
            (Treatment::External, vec![note("external", name.value())])
        }
    };
    let start = field.span.start();
    // Old compilers do not tell where a token stands; then both are 0.
    let known = start.line > 0;
    let number = |n: usize| if known { u32::try_from(n).unwrap_or(0) } else { 0 };
    FieldRecord {
        name: field.name.clone(),
        tokens: field.ty.to_token_stream().to_string(),
        treatment,
        reason: field.reason.as_ref().map(LitStr::value),
        line: number(start.line),
        column: number(start.column + 1),
        notes,
    }
}
