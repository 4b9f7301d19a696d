//! A copy of an image without parts of its state.
//!
//! The copy is an image like any other. Its types say `filtered` of the fields that were taken out,
//! so a program that saves such a field refuses it, or takes the default of a field that has `since`
//! and `default`.

use core::fmt;
use std::collections::BTreeSet;

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;
use samestate_schema::types::{Field, Table, Type, TypeRef};

use crate::build::{Built, Parts};
use crate::codec::Codec;
use crate::evolve::{EvolveError, Notes, rewrite};
use crate::value::ValueError;
use crate::{Image, ImageError, SchemaChunk};

/// Why an image cannot be filtered.
#[derive(Debug)]
pub enum FilterError {
    /// There is no such field, or it cannot be left out.
    Path {
        /// What was asked for.
        path: FieldPath,
        /// Why not.
        what: String,
    },
    /// The values are not what the types say.
    Value(ValueError),
    /// What is left is no state.
    Rewrite(EvolveError),
    /// The copy cannot be made.
    Image(ImageError),
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { path, what } => write!(f, "cannot leave out {path}: {what}"),
            Self::Value(error) => error.fmt(f),
            Self::Rewrite(error) => write!(f, "what is left is no state: {error}"),
            Self::Image(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FilterError {}

impl From<ImageError> for FilterError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

/// The image without the fields at these paths, compressed as it was.
///
/// A path that starts with the root type of the image, by the path of its name, leaves out the
/// field at that one place. One that starts with the name of any other type leaves it out wherever
/// that type is, which is how to reach behind pointers to shared objects.
///
/// # Errors
/// [`FilterError`] if a path names no saved field, or if what is left is no state: shared objects
/// to which only weak pointers lead.
pub fn filter(image: &Image<'_>, without: &[FieldPath]) -> Result<Vec<u8>, FilterError> {
    let schema = image.schema();
    let mut types = Types(schema.table.clone());
    for path in without {
        let failed = |refusal| {
            let (Refusal::Missing(what) | Refusal::Kept(what)) = refusal;
            FilterError::Path { path: path.clone(), what }
        };
        types.leave_out(&schema.root_name, path).map_err(failed)?;
    }
    let chunk = SchemaChunk::new(schema.root_name.clone(), types.0)?;
    let copy = rewrite(image, &chunk, &Notes::default()).map_err(FilterError::Rewrite)?;
    let codec = image.chunks().iter().map(|chunk| chunk.codec).max().unwrap_or_default();
    let opened = Image::from_bytes(&copy[..])?;
    // What cannot be shown again is not given out.
    opened.value().map_err(FilterError::Value)?;
    if codec == Codec::None {
        return Ok(copy);
    }
    let parts = Parts {
        root_hash: chunk.root_hash(),
        schema: &chunk.encode(),
        values: opened.values(),
        volatile: opened.volatile(),
    };
    Ok(Built::compressed(parts, opened.blocks(), codec)?.to_vec(image.header()))
}

/// Why something cannot be left out.
enum Refusal {
    /// It is not there, or not any more.
    Missing(String),
    /// It is there.
    Kept(String),
}

impl From<String> for Refusal {
    fn from(what: String) -> Self {
        Self::Kept(what)
    }
}

impl From<&str> for Refusal {
    fn from(what: &str) -> Self {
        Self::Kept(what.to_owned())
    }
}

/// A table that gets copies of the types on the way to what is left out.
struct Types(Table);

impl Types {
    fn leave_out(&mut self, root_name: &str, path: &FieldPath) -> Result<(), Refusal> {
        if path.root == root_name {
            self.0.root = self.without(self.0.root, &path.steps)?;
            return Ok(());
        }
        let mut named = self.reachable();
        named.retain(|&ty| match self.0.get(ty) {
            Some(Type::Struct(def)) => def.name == path.root,
            Some(Type::Enum(def)) => def.name == path.root,
            _ => false,
        });
        if named.is_empty() {
            return Err(
                format!("the image is of `{root_name}`, and has no type `{}`", path.root).into()
            );
        }
        let (mut missing, mut left_out) = (None, false);
        for ty in named {
            let before = self.0.types.len();
            let changed = match self.without(ty, &path.steps) {
                Ok(changed) => changed,
                // Types of one name need not have the same fields.
                Err(Refusal::Missing(what)) => {
                    self.0.types.truncate(before);
                    missing = Some(Refusal::Missing(what));
                    continue;
                }
                Err(refusal) => return Err(refusal),
            };
            left_out = true;
            let changed = self.0.get(changed).cloned();
            if let (Some(changed), Some(place)) = (changed, self.0.types.get_mut(ty.0 as usize)) {
                *place = changed;
            }
        }
        missing.filter(|_| !left_out).map_or(Ok(()), Err)
    }

    /// The types that values of the root may hold. Others are left over from what was filtered.
    fn reachable(&self) -> Vec<TypeRef> {
        let mut found = BTreeSet::from([self.0.root]);
        let mut queue = vec![self.0.root];
        while let Some(ty) = queue.pop().and_then(|ty| self.0.get(ty)) {
            queue.extend(ty.children().into_iter().filter(|child| found.insert(*child)));
        }
        found.into_iter().collect()
    }

    fn add(&mut self, ty: Type) -> Result<TypeRef, Refusal> {
        let index = u32::try_from(self.0.types.len()).map_err(|_| "too many types")?;
        self.0.types.push(ty);
        Ok(TypeRef(index))
    }

    /// A copy of a type without what is at the end of these steps.
    fn without(&mut self, ty: TypeRef, steps: &[Step]) -> Result<TypeRef, Refusal> {
        let Some(mut changed) = self.0.get(ty).cloned() else {
            return Err("a type is not there".into());
        };
        match (&mut changed, steps) {
            (Type::Struct(def), steps) => self.without_field(&mut def.fields, &def.name, steps)?,
            (Type::Enum(def), [Step::Variant(name), rest @ ..]) => {
                let variant = def.variants.iter_mut().find(|variant| variant.name == *name);
                let variant = variant.ok_or_else(|| {
                    Refusal::Missing(format!("`{}` has no such variant", def.name))
                })?;
                self.without_field(&mut variant.fields, name, rest)?;
            }
            (Type::Enum(def), _) => {
                return Err(format!("`{}` is an enum: name a variant", def.name).into());
            }
            (Type::Option(inner), [Step::Variant(some), rest @ ..]) if some == "Some" => {
                *inner = self.without(*inner, rest)?;
            }
            (Type::Sequence(inner) | Type::Array(inner, _), [Step::Elements, rest @ ..]) => {
                *inner = self.without(*inner, rest)?;
            }
            (Type::Map(_, value), [Step::Values, rest @ ..]) => {
                *value = self.without(*value, rest)?
            }
            (Type::Tuple(types), [Step::Tuple(index), rest @ ..]) => {
                let inner = types.get_mut(*index as usize).ok_or("the tuple is shorter")?;
                *inner = self.without(*inner, rest)?;
            }
            (Type::Dyn(def), [Step::Concrete(name), rest @ ..]) => {
                let mut all = def.implementers.iter_mut();
                let (_, inner) = all
                    .find(|(other, _)| other == name)
                    .ok_or_else(|| format!("`{}` has no such implementer", def.name))?;
                *inner = self.without(*inner, rest)?;
            }
            (Type::Shared(_) | Type::Weak(_), _) => {
                return Err(
                    "it is in an object that others may share; start the path with the name \
                            of the object's type"
                        .into(),
                );
            }
            (Type::Set(_), _) | (Type::Map(..), [Step::Keys, ..]) => {
                return Err("keys would not stay apart".into());
            }
            (_, []) => {
                return Err("only fields of structs and variants can be left out; leave out the \
                            field that holds it"
                    .into());
            }
            (_, [step, ..]) => {
                return Err(format!(
                    "`{step}` does not lead on from here; elements are `[]`, the \
                                    values of a map `[value]`, what is optional `::Some`"
                )
                .into());
            }
        }
        self.add(changed)
    }

    fn without_field(
        &mut self,
        fields: &mut [Field],
        owner: &str,
        steps: &[Step],
    ) -> Result<(), Refusal> {
        let Some((step, rest)) = steps.split_first() else {
            return Err(format!("name a field of `{owner}`").into());
        };
        let field = fields.iter_mut().find(|field| FieldPath::member(&field.name) == *step);
        let field =
            field.ok_or_else(|| Refusal::Missing(format!("`{owner}` has no such field")))?;
        let Some(ty) = field.ty else {
            return Err(Refusal::Missing(format!("it is {} already", field.treatment)));
        };
        if rest.is_empty() {
            (field.treatment, field.ty) = (Treatment::Filtered, None);
        } else {
            field.ty = Some(self.without(ty, rest)?);
        }
        Ok(())
    }
}
