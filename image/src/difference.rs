//! What differs between the types of an image and those of a program, by field path.

mod spell;

use core::fmt;
use std::collections::BTreeSet;

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;
use samestate_schema::types::{Dyn, Enum, Field, Struct, Table, Type, TypeRef, Variant};

use crate::SchemaChunk;
use crate::evolve::{From, Notes};
use crate::layout::CANONICAL_LIMIT;
use spell::Spelled;

/// One difference. `image` is what the image holds, `program` what the program expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, from the root type of the program.
    pub path: FieldPath,
    /// What.
    pub change: Change,
    /// What to write so that the program reads the image, if anything can be.
    pub remedy: Option<String>,
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A field that only the program has.
    FieldAdded {
        /// What happens to it.
        treatment: Treatment,
        /// Its type, if it is saved.
        ty: String,
    },
    /// A field that only the image has.
    FieldRemoved {
        /// What happened to it.
        treatment: Treatment,
        /// Its type, if it was saved.
        ty: String,
    },
    /// A field that stands in another place among those of both.
    FieldMoved,
    /// Another treatment.
    Treatment {
        /// That in the image.
        image: Treatment,
        /// That in the program.
        program: Treatment,
    },
    /// Another type.
    Type {
        /// That in the image.
        image: String,
        /// That in the program.
        program: String,
    },
    /// The type has another version.
    Version {
        /// That in the image.
        image: u32,
        /// That in the program.
        program: u32,
    },
    /// Named fields became numbered ones, or the other way round.
    Shape,
    /// A variant that only the program has.
    VariantAdded,
    /// A variant that only the image has.
    VariantRemoved,
    /// A variant with another number.
    VariantMoved {
        /// That in the image.
        image: usize,
        /// That in the program.
        program: usize,
    },
    /// A variant whose `id` differs.
    VariantId,
    /// A registered implementer of a trait that only the program has.
    ImplementerAdded,
    /// A registered implementer of a trait that only the image has.
    ImplementerRemoved,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.change)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; write {remedy}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::FieldAdded { treatment, ty } if treatment.is_saved() => {
                write!(f, "the image does not have this field (`{ty}`)")
            }
            Change::FieldAdded { treatment, .. } => {
                write!(f, "the image does not have this field ({treatment})")
            }
            Change::FieldRemoved { treatment, ty } if treatment.is_saved() => {
                write!(f, "only the image has this field (`{ty}`)")
            }
            Change::FieldRemoved { treatment, .. } => {
                write!(f, "only the image has this field ({treatment})")
            }
            Change::FieldMoved => f.write_str("the field stands in another place in the image"),
            Change::Treatment { image, program } => {
                write!(f, "{image} in the image, {program} in the program")
            }
            Change::Type { image, program } => {
                write!(f, "`{image}` in the image, `{program}` in the program")
            }
            Change::Version { image, program } => {
                write!(f, "version {image} in the image, version {program} in the program")
            }
            Change::Shape => f.write_str("the fields have names in one and numbers in the other"),
            Change::VariantAdded => f.write_str("the image does not have this variant"),
            Change::VariantRemoved => f.write_str("only the image has this variant"),
            Change::VariantMoved { image, program } => {
                write!(f, "variant number {image} in the image, number {program} in the program")
            }
            Change::VariantId => f.write_str("the variant has another id in the image"),
            Change::ImplementerAdded => f.write_str("the image does not have this implementer"),
            Change::ImplementerRemoved => f.write_str("only the image has this implementer"),
        }
    }
}

/// All differences between the types of an image and those of a program.
#[must_use]
pub fn compare(image: &SchemaChunk, program: &SchemaChunk) -> Vec<Difference> {
    Comparison::of(image, program, None)
}

/// The differences that the program does not tell how to read: with none, [`evolve::rewrite`]
/// brings the image to the program's types. Names are what matters, so fields and variants may
/// stand in another place, and the version may be an older one.
///
/// [`evolve::rewrite`]: crate::evolve::rewrite
#[must_use]
pub fn untold(image: &SchemaChunk, program: &SchemaChunk, notes: &Notes) -> Vec<Difference> {
    Comparison::of(image, program, Some(notes))
}

/// Whether a type of a table is the root of a schema.
pub(crate) fn same_type(table: &Table, ty: TypeRef, chunk: &SchemaChunk) -> bool {
    let text = table.canonical(ty, CANONICAL_LIMIT);
    text.is_some() && text == chunk.table.canonical(chunk.table.root, CANONICAL_LIMIT)
}

struct Comparison<'a> {
    image: &'a Table,
    program: &'a Table,
    /// What the program says of changes; without it, each is a difference.
    notes: Option<&'a Notes>,
    /// Pairs of types with names, so that recursive ones are compared once.
    compared: BTreeSet<(TypeRef, TypeRef)>,
    /// The types of the field that is being compared.
    field: Option<(TypeRef, TypeRef)>,
    found: Vec<Difference>,
}

/// The fields of a struct or of a variant, in the image and in the program.
struct Owner<'a> {
    path: &'a FieldPath,
    old: &'a [Field],
    new: &'a [Field],
    /// The type in the program's table.
    ty: TypeRef,
    /// The place and the name of the variant in the program.
    variant: Option<(usize, &'a str)>,
    /// The versions in the image and in the program.
    versions: (u32, u32),
}

impl<'a> Comparison<'a> {
    fn of(
        image: &'a SchemaChunk,
        program: &'a SchemaChunk,
        notes: Option<&'a Notes>,
    ) -> Vec<Difference> {
        let (compared, found) = (BTreeSet::new(), Vec::new());
        let (old, new) = (&image.table, &program.table);
        let mut comparison =
            Comparison { image: old, program: new, notes, compared, field: None, found };
        let path = FieldPath::root(program.root_name.clone());
        comparison.types(&path, old.root, new.root);
        comparison.found
    }

    fn note(&mut self, path: &FieldPath, change: Change) {
        self.found.push(Difference { path: path.clone(), change, remedy: None });
    }

    /// A difference that the program can tell how to read, unless it is asked for all of them.
    fn tell(&mut self, path: &FieldPath, change: Change, remedy: impl FnOnce() -> String) {
        let remedy = self.notes.map(|_| remedy());
        self.found.push(Difference { path: path.clone(), change, remedy });
    }

    fn had_name(&self, ty: TypeRef, name: &str) -> bool {
        self.notes.is_some_and(|notes| notes.had_name(ty, name))
    }

    /// Goes down where both have the same kind of type, so never deeper than the program's own
    /// types, whatever the image claims.
    fn types(&mut self, path: &FieldPath, image: TypeRef, program: TypeRef) {
        let (old_table, new_table) = (self.image, self.program);
        let (Some(old), Some(new)) = (old_table.get(image), new_table.get(program)) else {
            return;
        };
        let migrations = self.notes.map_or(&[][..], |notes| notes.migrations(program));
        let is_old =
            |from: &From| (from.schema)().is_some_and(|chunk| same_type(old_table, image, &chunk));
        if migrations.iter().any(is_old) {
            return;
        }
        match (old, new) {
            (Type::Option(old), Type::Option(new)) => {
                self.types(&path.join(Step::Variant("Some".into())), *old, *new);
            }
            (Type::Shared(old), Type::Shared(new)) | (Type::Weak(old), Type::Weak(new)) => {
                self.types(path, *old, *new);
            }
            (Type::Dyn(old), Type::Dyn(new)) if old.name == new.name => {
                if self.compared.insert((image, program)) {
                    self.implementers(path, old, new);
                }
            }
            (Type::Sequence(old), Type::Sequence(new)) | (Type::Set(old), Type::Set(new)) => {
                self.types(&path.join(Step::Elements), *old, *new);
            }
            (Type::Array(old, old_len), Type::Array(new, new_len)) if old_len == new_len => {
                self.types(&path.join(Step::Elements), *old, *new);
            }
            (Type::Map(old_key, old_value), Type::Map(new_key, new_value)) => {
                self.types(&path.join(Step::Keys), *old_key, *new_key);
                self.types(&path.join(Step::Values), *old_value, *new_value);
            }
            (Type::Tuple(old), Type::Tuple(new)) if old.len() == new.len() => {
                for (index, (old, new)) in (0..).zip(old.iter().zip(new)) {
                    self.types(&path.join(Step::Tuple(index)), *old, *new);
                }
            }
            (Type::Struct(old), Type::Struct(new))
                if old.name == new.name || self.had_name(program, &old.name) =>
            {
                if self.compared.insert((image, program)) {
                    self.structs(path, old, new, program);
                }
            }
            (Type::Enum(old), Type::Enum(new))
                if old.name == new.name || self.had_name(program, &old.name) =>
            {
                if self.compared.insert((image, program)) {
                    self.enums(path, old, new, program);
                }
            }
            (old, new) if is_leaf(old) && old == new => {}
            _ => {
                let image = Spelled(old_table, image).to_string();
                let program = Spelled(new_table, program).to_string();
                let remedy = self.notes.and_then(|_| self.type_remedy(old, new));
                let change = Change::Type { image, program };
                self.found.push(Difference { path: path.clone(), change, remedy });
            }
        }
    }

    fn implementers(&mut self, path: &FieldPath, old: &Dyn, new: &Dyn) {
        let concrete = |name: &str| path.join(Step::Concrete(name.to_owned()));
        let find = |all: &Dyn, name: &str| {
            all.implementers.iter().find(|(other, _)| other == name).map(|(_, ty)| *ty)
        };
        for (name, program) in &new.implementers {
            match find(old, name) {
                Some(image) => self.types(&concrete(name), image, *program),
                // An older image holds none of it.
                None if self.notes.is_some() => {}
                None => self.note(&concrete(name), Change::ImplementerAdded),
            }
        }
        for (name, _) in old.implementers.iter().filter(|(name, _)| find(new, name).is_none()) {
            self.note(&concrete(name), Change::ImplementerRemoved);
        }
    }

    /// What to write where the types of the image and of the program are not of one kind.
    fn type_remedy(&self, old: &Type, new: &Type) -> Option<String> {
        let was = match (old, new) {
            (Type::Struct(old), Type::Struct(new)) => Some((&old.name, &new.name)),
            (Type::Enum(old), Type::Enum(new)) => Some((&old.name, &new.name)),
            _ => None,
        };
        let was = was.map(|(old, new)| format!("`#[checkpoint(was = \"{old}\")]` on `{new}`"));
        let from = self.field.map(|(old, new)| {
            let (old, new) = (Spelled(self.image, old), Spelled(self.program, new));
            format!(
                "`#[checkpoint(from({old}, path))]` on the field, where `path` makes `{new}` of \
                 `{old}`"
            )
        });
        let migrate = if was.is_none() { migrate_remedy(new) } else { None };
        let both: Vec<String> = was.into_iter().chain(from).chain(migrate).collect();
        (!both.is_empty()).then(|| both.join(", or "))
    }

    fn structs(&mut self, path: &FieldPath, old: &Struct, new: &Struct, ty: TypeRef) {
        let versions = (old.version, new.version);
        self.versions(path, versions);
        if old.shape != new.shape {
            let remedy = self.notes.and_then(|_| migrate_remedy(&Type::Struct(new.clone())));
            self.found.push(Difference { path: path.clone(), change: Change::Shape, remedy });
        }
        let (old, new) = (&old.fields, &new.fields);
        self.fields(&Owner { path, old, new, ty, variant: None, versions });
    }

    fn versions(&mut self, path: &FieldPath, (image, program): (u32, u32)) {
        let older = self.notes.is_some() && image < program;
        if image != program && !older {
            self.note(path, Change::Version { image, program });
        }
    }

    fn fields(&mut self, owner: &Owner<'_>) {
        let (old, new) = (owner.old, owner.new);
        let member = |field: &Field| owner.path.join(FieldPath::member(&field.name));
        let number = owner.variant.map_or(0, |(number, _)| number);
        // For each field of the program, the one that it was in the image.
        let before: Vec<Option<usize>> = (0..new.len())
            .map(|index| match self.notes {
                Some(notes) => notes.old_field((owner.ty, number, index), &new[index], old),
                None => old.iter().position(|other| other.name == new[index].name),
            })
            .collect();
        for (index, field) in new.iter().enumerate() {
            match before[index].and_then(|at| old.get(at)) {
                Some(before) => self.field(owner, (owner.ty, number, index), before, field),
                None => self.added(owner, (owner.ty, number, index), field, &before),
            }
        }
        let is_kept = |at: usize| before.contains(&Some(at));
        for (_, field) in old.iter().enumerate().filter(|&(at, _)| !is_kept(at)) {
            self.removed(owner, field);
        }
        if self.notes.is_none() {
            let kept_old = (0..old.len()).filter(|&at| is_kept(at));
            let kept_new = (0..new.len()).filter_map(|at| Some((at, before[at]?)));
            for (expected, (at, before)) in kept_old.zip(kept_new) {
                if expected != before {
                    self.note(&member(&new[at]), Change::FieldMoved);
                }
            }
        }
    }

    fn field(&mut self, owner: &Owner<'_>, key: FieldKey, before: &Field, field: &Field) {
        let path = owner.path.join(FieldPath::member(&field.name));
        let note = self.notes.and_then(|notes| notes.fields.get(&key));
        match (before.ty, field.ty) {
            (Some(old), Some(new)) => {
                if self.notes.is_none() && before.treatment != field.treatment {
                    let (image, program) = (before.treatment, field.treatment);
                    self.note(&path, Change::Treatment { image, program });
                }
                let from = note.map_or(&[][..], |note| &note.from);
                let is_told = from.iter().any(|from| {
                    (from.schema)().is_some_and(|from| same_type(self.image, old, &from))
                });
                if !is_told {
                    let outer = self.field.replace((old, new));
                    self.types(&path, old, new);
                    self.field = outer;
                }
            }
            (None, Some(_)) if note.is_some_and(|note| note.since.is_some()) => {}
            // The values of the image are lost, which must be told as for a field that is gone.
            (Some(_), None) if self.is_removed(owner, &before.name) => {}
            (None, None) if self.notes.is_some() || before.treatment == field.treatment => {}
            (old, _) => {
                let (image, program) = (before.treatment, field.treatment);
                self.tell(&path, Change::Treatment { image, program }, || match old {
                    Some(_) => removed_remedy(owner, &before.name),
                    None => since_remedy(owner),
                });
            }
        }
    }

    fn added(&mut self, owner: &Owner<'_>, key: FieldKey, field: &Field, kept: &[Option<usize>]) {
        let since = self.notes.and_then(|notes| notes.fields.get(&key)?.since);
        // An image of that version or a later one should have it.
        let told = since.is_some_and(|(since, _)| owner.versions.0 < since);
        if told || (self.notes.is_some() && field.ty.is_none()) {
            return;
        }
        let path = owner.path.join(FieldPath::member(&field.name));
        let ty = field.ty.map(|ty| Spelled(self.program, ty).to_string()).unwrap_or_default();
        let change = Change::FieldAdded { treatment: field.treatment, ty };
        let moved = self.moved(owner, field, kept);
        self.tell(&path, change, || {
            let since = since_remedy(owner);
            format!("{since}, or `#[checkpoint(was = \"…\")]` if it had another name{moved}")
        });
    }

    /// What to write if fields that are gone have moved into a new one.
    fn moved(&self, owner: &Owner<'_>, field: &Field, kept: &[Option<usize>]) -> String {
        let Some(Type::Struct(inner)) = field.ty.and_then(|ty| self.program.get(ty)) else {
            return String::new();
        };
        let gone = owner.old.iter().enumerate().filter(|&(at, _)| !kept.contains(&Some(at)));
        let moved = gone.filter(|(_, old)| inner.fields.iter().any(|new| new.name == old.name));
        let names: Vec<String> = moved.map(|(_, old)| format!("`{}`", old.name)).collect();
        let remedy = self.program.get(owner.ty).and_then(migrate_remedy);
        match remedy {
            Some(remedy) if !names.is_empty() => {
                format!(", or {remedy}, if {} moved into it", names.join(", "))
            }
            _ => String::new(),
        }
    }

    fn removed(&mut self, owner: &Owner<'_>, field: &Field) {
        let nothing_lost = self.notes.is_some() && field.ty.is_none();
        if nothing_lost || self.is_removed(owner, &field.name) {
            return;
        }
        let path = owner.path.join(FieldPath::member(&field.name));
        let ty = field.ty.map(|ty| Spelled(self.image, ty).to_string()).unwrap_or_default();
        let change = Change::FieldRemoved { treatment: field.treatment, ty };
        self.tell(&path, change, || {
            let removed = removed_remedy(owner, &field.name);
            format!(
                "{removed}, or `#[checkpoint(was = \"{}\")]` on the field that it is now",
                field.name
            )
        });
    }

    fn is_removed(&self, owner: &Owner<'_>, name: &str) -> bool {
        let variant = owner.variant.map(|(_, name)| name);
        self.notes.is_some_and(|notes| notes.is_removed(owner.ty, variant, name))
    }

    fn enums(&mut self, path: &FieldPath, old: &Enum, new: &Enum, ty: TypeRef) {
        let versions = (old.version, new.version);
        self.versions(path, versions);
        let strict = self.notes.is_none();
        let no_notes = Notes::default();
        let notes = self.notes.unwrap_or(&no_notes);
        let by_name = |variant: &Variant| new.variants.iter().position(|v| v.name == variant.name);
        // For each variant of the image, the one that it is now.
        let after: Vec<Option<usize>> = old
            .variants
            .iter()
            .map(|variant| match strict {
                true => by_name(variant),
                false => notes.new_variant(ty, variant, &new.variants),
            })
            .collect();
        for (program, variant) in new.variants.iter().enumerate() {
            let path = path.join(Step::Variant(variant.name.clone()));
            let Some(image) = after.iter().position(|now| *now == Some(program)) else {
                let since = notes.variants.get(&(ty, program)).and_then(|note| note.since);
                if since.is_none_or(|since| old.version >= since) {
                    self.tell(&path, Change::VariantAdded, || {
                        let since = versions.1.max(versions.0.saturating_add(1));
                        format!("`#[checkpoint(since = {since})]` on the variant")
                    });
                }
                continue;
            };
            let before = &old.variants[image];
            if strict && image != program {
                self.note(&path, Change::VariantMoved { image, program });
            }
            // An id may be given to a variant that had none.
            if before.id != variant.id && (strict || before.id.is_some()) {
                self.note(&path, Change::VariantId);
            }
            if before.shape != variant.shape {
                self.note(&path, Change::Shape);
            }
            self.fields(&Owner {
                path: &path,
                old: &before.fields,
                new: &variant.fields,
                ty,
                variant: Some((program, &variant.name)),
                versions,
            });
        }
        for (variant, _) in old.variants.iter().zip(&after).filter(|(_, now)| now.is_none()) {
            let name = &variant.name;
            if !notes.is_removed(ty, None, name) {
                self.tell(&path.join(Step::Variant(name.clone())), Change::VariantRemoved, || {
                    format!(
                        "`#[checkpoint(removed(\"{name}\"))]` on the enum, or \
                         `#[checkpoint(was = \"{name}\")]` on the variant that it is now"
                    )
                });
            }
        }
    }
}

/// A field of the program: its type, the place of its variant, its place.
type FieldKey = (TypeRef, usize, usize);

/// What to write on a type where nothing on its fields would help.
fn migrate_remedy(ty: &Type) -> Option<String> {
    let name = match ty {
        Type::Struct(def) => &def.name,
        Type::Enum(def) => &def.name,
        _ => return None,
    };
    Some(format!(
        "`#[checkpoint(migrate(OldType, with = path))]` on `{name}`, where `OldType` is what the image \
         holds"
    ))
}

fn since_remedy(owner: &Owner<'_>) -> String {
    let (image, program) = owner.versions;
    let since = program.max(image.saturating_add(1));
    format!("`#[checkpoint(since = {since}, default = …)]` on the field")
}

fn removed_remedy(owner: &Owner<'_>, name: &str) -> String {
    match owner.variant {
        Some((_, variant)) => format!("`#[checkpoint(removed(\"{variant}.{name}\"))]` on the enum"),
        None => format!("`#[checkpoint(removed(\"{name}\"))]` on the type"),
    }
}

const fn is_leaf(ty: &Type) -> bool {
    matches!(ty, Type::Primitive(_) | Type::Str | Type::Opaque(_))
}
