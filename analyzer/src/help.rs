//! What to write about a field that is not saved and restored: in the words of what the program
//! saves with.

use crate::evidence::{self, Verdict};
use crate::walk::{End, EndKind, Reached, ReachedField, Walk};

/// What a program, or one of its types, is saved with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saving {
    /// Our own trait.
    Checkpoint,
    /// Derives of a serializer.
    Derives,
    /// Functions that samestate.toml names.
    Functions,
    /// Tags of C and C++.
    Tags,
}

/// What a type is saved with, if anything is known of it.
fn of_type(reached: &Reached) -> Option<Saving> {
    let evidence = reached.evidence.first().filter(|_| reached.is_known);
    Some(match evidence? {
        evidence if evidence.source == evidence::SERDE.name => Saving::Derives,
        evidence if evidence.source == evidence::TAGS => Saving::Tags,
        evidence if evidence.says.contains("is named under") => Saving::Functions,
        _ => Saving::Checkpoint,
    })
}

/// What the program is saved with: what the first types that hang from its roots are.
pub(crate) fn of_program(walk: &Walk) -> Option<Saving> {
    walk.types.iter().find_map(of_type)
}

/// What to write about a field.
pub(crate) fn help(
    definition: &str,
    name: &str,
    (reached, field): (&Reached, &ReachedField),
    program: Option<Saving>,
    is_rust: bool,
) -> String {
    let own = of_type(reached);
    if own.or(program).is_none() && !is_rust {
        return format!(
            "write `__cr` behind what is saved of `{definition}` (`include/samestate.h`), or \
             `__cr_skip(\"why\")`"
        );
    }
    let saving = own.or(program).unwrap_or(Saving::Checkpoint);
    let line = |table: &str| {
        format!("write `\"{definition}.{name}\" = \"why\"` under `[{table}]` of samestate.toml")
    };
    let needless = "or, if it need not be saved,";
    match (&field.verdict.verdict, saving) {
        (Verdict::Partly(_), _) => format!(
            "save and restore all of `{name}`, or say in samestate.toml why a part is enough"
        ),
        (Verdict::SavedOnly, Saving::Checkpoint) => {
            format!("give `{name}` its value from the image in `restore`")
        }
        (Verdict::SavedOnly, Saving::Derives) => {
            format!("give `{name}` its value from what is deserialized, or stop saving it")
        }
        (Verdict::SavedOnly, Saving::Functions | Saving::Tags) => {
            format!("give `{name}` its value where the others are restored")
        }
        (Verdict::RestoredOnly, Saving::Checkpoint) => {
            format!("write `{name}` in `save`, at the same place of the order")
        }
        (Verdict::RestoredOnly, Saving::Derives) => {
            format!("serialize `{name}` where it is deserialized from, at the same place")
        }
        (Verdict::RestoredOnly, Saving::Functions | Saving::Tags) => {
            format!("save `{name}` where it is restored from, at the same place of the order")
        }
        (_, Saving::Checkpoint) if field.host.is_some() => format!(
            "open it again after a restore, from what is saved beside it: derive `Checkpoint` and \
             write `#[checkpoint(external = \"{name}\")]` on the field to have it handed in"
        ),
        (_, Saving::Tags) if field.host.is_some() => format!(
            "open it again after a restore, from what is saved beside it, and write \
             `__cr_skip(\"why\")` behind `{name}`"
        ),
        (_, Saving::Derives | Saving::Functions) if field.host.is_some() => format!(
            "open it again after a restore, from what is saved beside it, and {}",
            line("host")
        ),
        (_, Saving::Checkpoint) if own.is_some() => format!(
            "save and restore `{name}` in the `Checkpoint` of `{definition}`, or derive it and \
             write `#[checkpoint(skip(default), reason = \"…\")]` on the field"
        ),
        (_, Saving::Checkpoint) => format!(
            "write `#[derive(Checkpoint)]` on `{definition}`, or tell in samestate.toml what saves it"
        ),
        (_, Saving::Derives) if own.is_none() => format!(
            "derive `Serialize` and `Deserialize` for `{definition}`, {needless} {}",
            line("skip")
        ),
        (_, Saving::Derives) => format!("save `{name}`, {needless} {}", line("skip")),
        (_, Saving::Functions) if own.is_none() => format!(
            "save and restore `{name}` in the functions that samestate.toml names, {needless} {}",
            line("skip")
        ),
        (_, Saving::Functions) => {
            format!("save and restore `{name}` in these functions, {needless} {}", line("skip"))
        }
        (_, Saving::Tags) => format!(
            "save `{name}` and write `__cr` behind it, or `__cr_skip(\"why\")` if it need not be saved"
        ),
    }
}

/// What to do where sight ends, if that is not what the rule's own remedy says.
pub(crate) fn at_end(end: &End, program: Option<Saving>) -> Option<String> {
    if end.why.contains("with which features it was built is not known") {
        return Some(
            "run samestate on the program where cargo put it, in `target`: cargo notes the features \
             beside it"
                .to_owned(),
        );
    }
    if let EndKind::Pointer { is_tagged: true } = end.kind
        && matches!(program, None | Some(Saving::Tags))
    {
        return Some(
            "write `__cr_as(type)` or `__cr_len(field)` behind the field, or `__cr_skip(\"why\")` if \
             nothing behind it need be saved"
                .to_owned(),
        );
    }
    if matches!(program, None | Some(Saving::Checkpoint)) {
        return None;
    }
    let stated = "say what becomes of the field under `[skip]`, `[rebuilt]` or `[host]` of \
                  samestate.toml";
    match end.kind {
        EndKind::Unseen => Some(format!(
            "do what the finding says: build with full debug information, or name the sources; or \
             {stated}"
        )),
        EndKind::Pointer { .. } => Some(format!(
            "give the pointer a type that the debug information describes (`Box<T>`, `*mut T`), or \
             {stated}, with the reason"
        )),
        EndKind::Opaque => {
            Some(format!("keep the data in a type that holds it in the open, or {stated}"))
        }
        EndKind::Implementer | EndKind::Unregistered => None,
    }
}
