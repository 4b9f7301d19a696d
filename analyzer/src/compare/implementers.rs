//! The types behind trait objects.

use std::collections::BTreeSet;

use samestate_report::{Severity, rules};

use super::{Comparison, Loads, Part, registered, sides};

impl Comparison<'_> {
    /// An implementer is known to images by its registered name.
    pub(super) fn implementers(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        for (object, was) in &old.traits {
            let Some(is) = new.traits.get(object) else { continue };
            let names: BTreeSet<String> =
                is.iter().filter_map(|ty| registered(new, ty, object)).collect();
            let gone: Vec<_> = was.iter().filter(|ty| !is.contains(self.renames.of(ty))).collect();
            for ty in gone {
                let name = registered(old, ty, object);
                let part = Part::of(ty).gone();
                self.push(part, &rules::IMPLEMENTER_REMOVED, Loads::Not, |finding| {
                    finding.message = format!("`{ty}` is no `dyn {object}` any more");
                    if name.is_none() {
                        // Only its vtable showed it, and optimizers remove those.
                        finding.severity = Severity::Warning;
                        finding.details.clear();
                    }
                });
            }
            for ty in was {
                let now = self.renames.of(ty).to_owned();
                if !is.contains(&now) {
                    continue;
                }
                // What took the old name over reads the older images.
                match registered(old, ty, object) {
                    Some(name) if !names.contains(&name) => {
                        self.registered_anew(object, &now, &name, registered(new, &now, object));
                    }
                    _ => {}
                }
            }
            let known: BTreeSet<&str> = was.iter().map(|ty| self.renames.of(ty)).collect();
            let added: Vec<_> = is.iter().filter(|ty| !known.contains(ty.as_str())).collect();
            for ty in added {
                let part = Part::of(ty);
                self.push(part, &rules::IMPLEMENTER_ADDED, Loads::Anyway, |finding| {
                    finding.message = format!("`{ty}` is a new `dyn {object}`");
                });
            }
        }
    }

    /// A type that images knew by a name which nothing has any more.
    fn registered_anew(&mut self, object: &str, ty: &str, was: &str, is: Option<String>) {
        self.plan.convert(ty, "", "rename", was, is.as_deref().unwrap_or(""), Loads::Not);
        self.push(Part::of(ty), &rules::IMPLEMENTER_RENAMED, Loads::Not, |finding| {
            finding.message = match &is {
                Some(is) => {
                    format!(
                        "as a `dyn {object}`, `{ty}` is registered as `{is}` and was as `{was}`"
                    )
                }
                None => {
                    format!("as a `dyn {object}`, `{ty}` was registered as `{was}`, and is no more")
                }
            };
            finding.sides = Some(sides(was, is.as_deref().unwrap_or("not registered")));
            finding.help = Some(format!(
                "write `#[checkpoint(implements(dyn {object}, \"{was}\"))]` on `{ty}` again"
            ));
        });
    }
}
