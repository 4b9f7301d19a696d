//! Reading `#[checkpoint(…)]`. Each mistake is noted, and reading goes on behind it.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, ExprPath, LitInt, LitStr, Member, Path, Token, Type, TypeTraitObject};

use crate::ctxt::Ctxt;
use crate::input::FieldTreatment;

const ON_TYPE: &str = "`root`, `version = N`, `name = \"…\"`, `was = \"…\"`, `removed(\"…\")`, `manual`, \
                       `implements(dyn Trait, \"name\")`, `migrate(OldType, with = path)`, \
                       `before_save = path`, `after_save = path`, `before_restore = path`, \
                       `after_restore = path`, `restore_failed = path` and `crate = path`";
const ON_VARIANT: &str = "`id = N`, `was = \"…\"` and `since = N`";
const ON_FIELD: &str = "`saved`, `volatile`, `with = module`, `serde`, `skip(default)`, `skip(keep)`, `skip(value = EXPR)`, `rebuild = path`, \
                        `needs(a, b)`, `external = \"name\"`, `reason = \"…\"`, `since = N`, \
                        `default = EXPR`, `was = \"…\"`, `from(OldType, path)` and \
                        `try_from(OldType, path)`";

#[derive(Default)]
pub(crate) struct TypeAttrs {
    pub(crate) root: bool,
    pub(crate) manual: bool,
    pub(crate) version: Option<u32>,
    pub(crate) name: Option<LitStr>,
    pub(crate) krate: Option<Path>,
    pub(crate) implements: Vec<Implements>,
    pub(crate) was: Vec<LitStr>,
    pub(crate) removed: Vec<LitStr>,
    pub(crate) migrate: Vec<Migrate>,
    pub(crate) hooks: Hooks,
}

/// The type as it was, and a function that makes it of that.
pub(crate) struct Migrate {
    pub(crate) old: Type,
    pub(crate) convert: Expr,
}

/// Functions that are called around saving and restoring.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) before_save: Option<ExprPath>,
    pub(crate) after_save: Option<ExprPath>,
    pub(crate) before_restore: Option<ExprPath>,
    pub(crate) after_restore: Option<ExprPath>,
    pub(crate) restore_failed: Option<ExprPath>,
}

impl Hooks {
    /// Those that there are, by their names.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &ExprPath)> {
        let all = [
            ("before_save", &self.before_save),
            ("after_save", &self.after_save),
            ("before_restore", &self.before_restore),
            ("after_restore", &self.after_restore),
            ("restore_failed", &self.restore_failed),
        ];
        all.into_iter().filter_map(|(name, hook)| Some((name, hook.as_ref()?)))
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<ExprPath>> {
        Some(match name {
            "before_save" => &mut self.before_save,
            "after_save" => &mut self.after_save,
            "before_restore" => &mut self.before_restore,
            "after_restore" => &mut self.after_restore,
            "restore_failed" => &mut self.restore_failed,
            _ => return None,
        })
    }
}

fn migrate(word: &Ident, input: ParseStream<'_>) -> syn::Result<Migrate> {
    let wrong = |_| syn::Error::new(word.span(), "write `migrate(OldType, with = path)`");
    let read = |input: ParseStream<'_>| {
        let old = input.parse()?;
        input.parse::<Token![,]>()?;
        let with: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        if with != "with" {
            return Err(wrong(syn::Error::new(with.span(), "")));
        }
        Ok(Migrate { old, convert: input.parse()? })
    };
    parenthesized(input, read).map_err(wrong)
}

/// A trait behind which the type is restored by a name.
pub(crate) struct Implements {
    pub(crate) object: TypeTraitObject,
    pub(crate) name: LitStr,
}

fn implements(word: &Ident, input: ParseStream<'_>) -> syn::Result<Implements> {
    let wrong = |_| syn::Error::new(word.span(), "write `implements(dyn Trait, \"name\")`");
    let read = |input: ParseStream<'_>| {
        let object: TypeTraitObject = input.parse()?;
        input.parse::<Token![,]>()?;
        Ok(Implements { object, name: input.parse()? })
    };
    let found = parenthesized(input, read).map_err(wrong)?;
    if found.object.dyn_token.is_none() || found.name.value().trim().is_empty() {
        return Err(wrong(syn::Error::new(word.span(), "")));
    }
    Ok(found)
}

/// What changed about a field since older versions.
#[derive(Default)]
pub(crate) struct FieldHistory {
    pub(crate) since: Option<LitInt>,
    pub(crate) default: Option<Expr>,
    pub(crate) was: Vec<LitStr>,
    pub(crate) from: Vec<From>,
}

/// A type that a field had.
pub(crate) struct From {
    pub(crate) ty: Type,
    pub(crate) convert: Expr,
    /// Whether `convert` returns a `Result`.
    pub(crate) fallible: bool,
}

#[derive(Default)]
pub(crate) struct VariantAttrs {
    pub(crate) id: Option<u32>,
    pub(crate) since: Option<LitInt>,
    pub(crate) was: Vec<LitStr>,
}

/// Reads every word of every `checkpoint` attribute by `word`, which takes what belongs to it.
fn words(
    ctxt: &Ctxt,
    attrs: &[Attribute],
    mut word: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("checkpoint")) {
        if !matches!(attr.meta, syn::Meta::List(_)) {
            ctxt.error(
                &attr.meta,
                "write `#[checkpoint(…)]` with what it should say in parentheses",
            );
            continue;
        }
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let ident = input.call(Ident::parse_any)?;
                if let Err(error) = word(&ident, input) {
                    ctxt.push(error);
                    skip_to_comma(input)?;
                }
                if input.is_empty() {
                    break;
                }
                if let Err(error) = input.parse::<Token![,]>() {
                    ctxt.push(error);
                    skip_to_comma(input)?;
                    let _: Option<Token![,]> = input.parse()?;
                }
            }
            Ok(())
        };
        if let Err(error) = attr.parse_args_with(read) {
            ctxt.push(error);
        }
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// The value behind `=`.
fn value<T: Parse>(word: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<T> {
    let wrong = |_| syn::Error::new(word.span(), format!("write `{word} = {example}`"));
    input.parse::<Token![=]>().map_err(wrong)?;
    let start = input.span();
    input.parse().map_err(|_| syn::Error::new(start, format!("write `{word} = {example}`")))
}

fn text(word: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<LitStr> {
    let text: LitStr = value(word, input, &format!("\"{example}\""))?;
    if text.value().trim().is_empty() {
        return Err(syn::Error::new(text.span(), format!("write `{word} = \"{example}\"`")));
    }
    Ok(text)
}

/// What stands in the parentheses behind a word.
fn parenthesized<T>(
    input: ParseStream<'_>,
    read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let content;
    syn::parenthesized!(content in input);
    let read = match read(&content) {
        Ok(read) => read,
        Err(error) => {
            // What is left would be a second mistake.
            content.parse::<TokenStream>()?;
            return Err(error);
        }
    };
    if content.is_empty() { Ok(read) } else { Err(content.error("nothing may follow here")) }
}

/// Notes it if a word stands twice.
fn once<T>(ctxt: &Ctxt, word: &Ident, slot: &mut Option<T>, value: T) {
    if slot.replace(value).is_some() {
        ctxt.error(word, format!("`{word}` is written twice; remove one"));
    }
}

pub(crate) fn of_type(ctxt: &Ctxt, attrs: &[Attribute]) -> TypeAttrs {
    let mut found = TypeAttrs::default();
    let (mut root, mut manual) = (None, None);
    words(ctxt, attrs, |word, input| {
        match word.to_string().as_str() {
            "root" => once(ctxt, word, &mut root, ()),
            "manual" => once(ctxt, word, &mut manual, ()),
            "version" => {
                let number: LitInt = value(word, input, "1")?;
                match number.base10_parse::<u32>() {
                    Ok(version) if version > 0 => once(ctxt, word, &mut found.version, version),
                    _ => ctxt.error(number, "a version is a number from 1 to 4294967295"),
                }
            }
            "name" => once(ctxt, word, &mut found.name, text(word, input, "Name")?),
            "implements" => found.implements.push(implements(word, input)?),
            "was" => found.was.push(text(word, input, "OldName")?),
            "migrate" => found.migrate.push(migrate(word, input)?),
            "removed" => {
                let wrong = |_| syn::Error::new(word.span(), "write `removed(\"old_field\")`");
                let list = |input: ParseStream<'_>| {
                    input.parse_terminated(<LitStr as Parse>::parse, Token![,])
                };
                found.removed.extend(parenthesized(input, list).map_err(wrong)?);
            }
            "crate" => {
                let wrong = |_| syn::Error::new(word.span(), "write `crate = path::to::samestate`");
                input.parse::<Token![=]>().map_err(wrong)?;
                let path = input.call(Path::parse_mod_style).map_err(wrong)?;
                once(ctxt, word, &mut found.krate, path);
            }
            name => match found.hooks.slot(name) {
                Some(slot) => once(ctxt, word, slot, value(word, input, "Self::function")?),
                None => return Err(unknown(word, "a type", ON_TYPE)),
            },
        }
        Ok(())
    });
    found.root = root.is_some();
    found.manual = manual.is_some();
    found
}

pub(crate) fn of_variant(ctxt: &Ctxt, attrs: &[Attribute]) -> VariantAttrs {
    let mut found = VariantAttrs::default();
    words(ctxt, attrs, |word, input| {
        match word.to_string().as_str() {
            "id" => {
                let number: LitInt = value(word, input, "1")?;
                let id = number.base10_parse::<u32>();
                let id = id.map_err(|_| {
                    syn::Error::new(number.span(), "an id is a number from 0 to 4294967295")
                })?;
                once(ctxt, word, &mut found.id, id);
            }
            "since" => once(ctxt, word, &mut found.since, value(word, input, "2")?),
            "was" => found.was.push(text(word, input, "OldName")?),
            _ => {
                let message = format!(
                    "a variant takes no `{word}`, but {ON_VARIANT}; put it on a field of the \
                     variant, or on the enum"
                );
                return Err(syn::Error::new(word.span(), message));
            }
        }
        Ok(())
    });
    found
}

fn unknown(word: &Ident, on: &str, known: &str) -> syn::Error {
    syn::Error::new(word.span(), format!("`{word}` is not known on {on}; there are {known}"))
}

/// What stands on a field, before it is judged as a whole.
#[derive(Default)]
struct FieldWords {
    treatment: Option<(Ident, Chosen)>,
    needs: Option<(Ident, Vec<Member>)>,
    reason: Option<LitStr>,
    /// There is a reason, but not a good one; the mistake is noted.
    mistaken_reason: bool,
    history: FieldHistory,
    /// The first word of the history.
    changed: Option<Ident>,
    volatile: Option<Ident>,
    with: Option<(Ident, With)>,
}

enum Chosen {
    Saved,
    Default,
    Keep,
    Value(Expr),
    Rebuild(ExprPath),
    External(LitStr),
    /// Written wrongly; the mistake is noted.
    Mistaken,
}

/// What stands on a field.
pub(crate) struct FieldAttrs {
    pub(crate) treatment: FieldTreatment,
    pub(crate) reason: Option<LitStr>,
    pub(crate) history: FieldHistory,
}

/// What saves and restores a field.
#[derive(Default)]
pub(crate) enum With {
    /// The `Checkpoint` of its type.
    #[default]
    Type,
    /// The functions of a module.
    Module(Path),
    /// The `Serialize` and `Deserialize` of its type.
    Serde {
        /// Whether the entries of maps stay in the order in which they come.
        ordered: bool,
    },
}

pub(crate) fn of_field(ctxt: &Ctxt, field: &syn::Field) -> FieldAttrs {
    let mut found = FieldWords::default();
    words(ctxt, &field.attrs, |word, input| {
        let chosen = match word.to_string().as_str() {
            "saved" => Ok(Chosen::Saved),
            "skip" => skip(word, input),
            "rebuild" => value(word, input, "Self::function").map(Chosen::Rebuild),
            "external" => text(word, input, "name").map(Chosen::External),
            "needs" => {
                let wrong = |_| syn::Error::new(word.span(), "write `needs(field, field)`");
                let list = |input: ParseStream<'_>| {
                    let list = input.parse_terminated(Member::parse, Token![,])?;
                    Ok(list.into_iter().collect())
                };
                let needs = parenthesized(input, list).map_err(wrong)?;
                once(ctxt, word, &mut found.needs, (word.clone(), needs));
                return Ok(());
            }
            "reason" => {
                found.mistaken_reason = true;
                once(ctxt, word, &mut found.reason, text(word, input, "why")?);
                found.mistaken_reason = false;
                return Ok(());
            }
            "volatile" => {
                once(ctxt, word, &mut found.volatile, word.clone());
                return Ok(());
            }
            "with" | "serde" => {
                let with = if word == "with" { module(word, input) } else { serde(word, input) };
                if let Some((first, _)) = &found.with {
                    let message = format!("choose between `{first}` and `{word}`");
                    return Err(syn::Error::new(word.span(), message));
                }
                found.with = Some((word.clone(), with?));
                return Ok(());
            }
            "since" | "default" | "was" | "from" | "try_from" => {
                found.changed.get_or_insert_with(|| word.clone());
                return history(ctxt, &mut found.history, word, input);
            }
            _ => Err(unknown(word, "a field", ON_FIELD)),
        };
        let (chosen, mistake) = match chosen {
            Ok(chosen) => (chosen, Ok(())),
            Err(error) => (Chosen::Mistaken, Err(error)),
        };
        match &found.treatment {
            Some(_) if mistake.is_err() => {}
            Some((first, _)) => ctxt.error(
                word,
                format!("a field has one treatment; choose between `{first}` and `{word}`"),
            ),
            None => found.treatment = Some((word.clone(), chosen)),
        }
        mistake
    });
    found.judge(ctxt)
}

fn history(
    ctxt: &Ctxt,
    history: &mut FieldHistory,
    word: &Ident,
    input: ParseStream<'_>,
) -> syn::Result<()> {
    match word.to_string().as_str() {
        "since" => once(ctxt, word, &mut history.since, value(word, input, "2")?),
        "default" => once(ctxt, word, &mut history.default, value(word, input, "EXPR")?),
        "was" => history.was.push(text(word, input, "old_name")?),
        _ => {
            let wrong = |_| syn::Error::new(word.span(), format!("write `{word}(OldType, path)`"));
            let pair = |input: ParseStream<'_>| {
                let ty = input.parse()?;
                input.parse::<Token![,]>()?;
                let fallible = word == "try_from";
                Ok(From { ty, convert: input.parse()?, fallible })
            };
            history.from.push(parenthesized(input, pair).map_err(wrong)?);
        }
    }
    Ok(())
}

fn module(word: &Ident, input: ParseStream<'_>) -> syn::Result<With> {
    const WRONG: &str = "write `with = module`; the module has `save`, `restore` and `schema`";
    let wrong = |_| syn::Error::new(word.span(), WRONG);
    input.parse::<Token![=]>().map_err(wrong)?;
    input.call(Path::parse_mod_style).map_err(wrong).map(With::Module)
}

fn serde(word: &Ident, input: ParseStream<'_>) -> syn::Result<With> {
    if !cfg!(feature = "serde") {
        let message = "`serde` needs the feature `serde` of the crate `samestate`: write `features = \
                       [\"serde\"]` beside its version in `Cargo.toml`";
        return Err(syn::Error::new(word.span(), message));
    }
    if input.cursor().group(Delimiter::Parenthesis).is_none() {
        return Ok(With::Serde { ordered: false });
    }
    parenthesized(input, |input| match input.call(Ident::parse_any) {
        Ok(option) if option == "ordered" => Ok(With::Serde { ordered: true }),
        _ => {
            let message = "write `serde`, or `serde(ordered)` if the order of map entries matters";
            Err(syn::Error::new(word.span(), message))
        }
    })
}

fn skip(word: &Ident, input: ParseStream<'_>) -> syn::Result<Chosen> {
    const POLICIES: &str = "write `skip(default)`, `skip(keep)` or \
                            `skip(value = EXPR)`: what is the field after a restore?";
    if input.cursor().group(Delimiter::Parenthesis).is_none() {
        return Err(syn::Error::new(word.span(), POLICIES));
    }
    parenthesized(input, |input| {
        let policy = input.call(Ident::parse_any);
        let policy = policy.map_err(|_| syn::Error::new(word.span(), POLICIES))?;
        match policy.to_string().as_str() {
            "default" => Ok(Chosen::Default),
            "value" => value(&policy, input, "EXPR").map(Chosen::Value),
            "keep" => Ok(Chosen::Keep),
            _ => Err(syn::Error::new(policy.span(), POLICIES)),
        }
    })
}

impl FieldWords {
    /// The field's treatment, if the words on it fit together.
    fn judge(self, ctxt: &Ctxt) -> FieldAttrs {
        let Self { treatment, needs, reason, mistaken_reason, history, changed, volatile, with } =
            self;
        let is_saved = matches!(treatment, None | Some((_, Chosen::Saved | Chosen::Mistaken)));
        if let (Some(word), false) = (&changed, is_saved) {
            ctxt.error(word, format!("only a saved field has older values; remove `{word}`"));
        }
        let how = volatile.iter().chain(with.iter().map(|(word, _)| word));
        for word in how.filter(|_| !is_saved) {
            ctxt.error(word, format!("`{word}` says how a field is saved; choose between the two"));
        }
        let (volatile, with) = (volatile.is_some(), with.map(|(_, with)| with).unwrap_or_default());
        let is_rebuild = matches!(treatment, Some((_, Chosen::Rebuild(_) | Chosen::Mistaken)));
        if let (Some((word, _)), false) = (&needs, is_rebuild) {
            ctxt.error(word, "`needs` belongs to `rebuild = path`; write that too, or remove it");
        }
        let (word, chosen) = match treatment {
            Some(chosen) => chosen,
            None => {
                if let Some(reason) = &reason {
                    ctxt.error(
                        reason,
                        "this field is saved, which needs no reason; remove it, or write \
                         `skip(default)`, `skip(keep)` or `skip(value = EXPR)` before it",
                    );
                }
                let treatment = FieldTreatment::Saved { with, volatile };
                return FieldAttrs { treatment, reason, history };
            }
        };
        let skipped = matches!(chosen, Chosen::Default | Chosen::Keep | Chosen::Value(_));
        if skipped && reason.is_none() && !mistaken_reason {
            ctxt.error(
                &word,
                "say why it may be lost: `skip(…), reason = \"why a restored program works \
                 without it\"`",
            );
        }
        let treatment = match chosen {
            Chosen::Saved => {
                if let Some(reason) = &reason {
                    ctxt.error(reason, "this field is saved, which needs no reason; remove it");
                }
                FieldTreatment::Saved { with, volatile }
            }
            Chosen::Default | Chosen::Mistaken => FieldTreatment::Default,
            Chosen::Keep => FieldTreatment::Keep,
            Chosen::Value(value) => FieldTreatment::Value(value),
            Chosen::Rebuild(function) => {
                let needs = needs.map(|(_, needs)| needs).unwrap_or_default();
                FieldTreatment::Rebuild { function, needs }
            }
            Chosen::External(name) => FieldTreatment::External(name),
        };
        FieldAttrs { treatment, reason, history }
    }
}
