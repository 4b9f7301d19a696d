//! `#[derive(Checkpoint)]` for samestate. Use it through the crate `samestate`.

#![forbid(unsafe_code)]

mod attr;
mod check;
mod ctxt;
mod expand;
mod input;

use proc_macro::TokenStream;

/// Generates `samestate::Checkpoint` for a struct or an enum, and leaves a record of every field's
/// treatment in the program, which `samestate coverage` reads.
///
/// A field is saved unless an attribute says otherwise:
///
/// | on a field | what happens to it |
/// |---|---|
/// | nothing, or `#[checkpoint(saved)]` | it is saved; its type must implement `Checkpoint` |
/// | `#[checkpoint(skip(default), reason = "…")]` | it is `Default::default()` after a restore |
/// | `#[checkpoint(skip(keep), reason = "…")]` | it is as it was in the value that is restored in place; without one there is an error |
/// | `#[checkpoint(skip(value = EXPR), reason = "…")]` | it is the value of the expression after a restore |
/// | `#[checkpoint(rebuild = path, needs(a, b))]` | `path(&a, &b)` computes it, as a `Result` |
/// | `#[checkpoint(external = "name")]` | it is handed in by `Handles::new().with("name", value)` |
///
/// Restoring in place (`samestate::restore_in_place`, `Store::restore_in_place`) decodes everything
/// first and assigns it afterwards, so that a failure changes nothing. There a field with `external`
/// that no handle is given for keeps the one that it has. What `rebuild` needs is read whole, so
/// nothing in it can be kept.
///
/// | on a type | what it means |
/// |---|---|
/// | `#[checkpoint(root)]` | the program's state hangs from it |
/// | `#[checkpoint(version = N)]` | the version of its saved form, 1 if not told |
/// | `#[checkpoint(name = "…")]` | the name that images know it by, else its identifier |
/// | `#[checkpoint(manual)]` | only the record is generated, `Checkpoint` is written by hand |
/// | `#[checkpoint(crate = path)]` | where the crate `samestate` is, if it was renamed |
#[proc_macro_derive(Checkpoint, attributes(checkpoint))]
pub fn derive_checkpoint(item: TokenStream) -> TokenStream {
    expand::derive(item.into()).into()
}
