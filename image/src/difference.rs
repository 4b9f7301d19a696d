//! What differs between the types of an image and those of a program, by field path.

mod spell;

use core::fmt;
use std::collections::BTreeSet;

use samestate_schema::path::{FieldPath, Step};
use samestate_schema::treatment::Treatment;
use samestate_schema::types::{Dyn, Enum, Field, Struct, Table, Type, TypeRef, Variant};

use crate::SchemaChunk;
use spell::Spelled;

/// One difference. `image` is what the image holds, `program` what the program expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, from the root type of the program.
    pub path: FieldPath,
    /// What.
    pub change: Change,
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
        write!(f, "{}: ", self.path)?;
        match &self.change {
            Change::FieldAdded { treatment: Treatment::Saved, ty } => {
                write!(f, "the image does not have this field (`{ty}`)")
            }
            Change::FieldAdded { treatment, .. } => {
                write!(f, "the image does not have this field ({treatment})")
            }
            Change::FieldRemoved { treatment: Treatment::Saved, ty } => {
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
    let mut comparison = Comparison {
        image: &image.table,
        program: &program.table,
        compared: BTreeSet::new(),
        found: Vec::new(),
    };
    let path = FieldPath::root(program.root_name.clone());
    comparison.types(&path, image.table.root, program.table.root);
    comparison.found
}

struct Comparison<'a> {
    image: &'a Table,
    program: &'a Table,
    /// Pairs of types with names, so that recursive ones are compared once.
    compared: BTreeSet<(TypeRef, TypeRef)>,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn note(&mut self, path: &FieldPath, change: Change) {
        self.found.push(Difference { path: path.clone(), change });
    }

    /// Goes down where both have the same kind of type, so never deeper than the program's own
    /// types, whatever the image claims.
    fn types(&mut self, path: &FieldPath, image: TypeRef, program: TypeRef) {
        let (old_table, new_table) = (self.image, self.program);
        let (Some(old), Some(new)) = (old_table.get(image), new_table.get(program)) else {
            return;
        };
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
            (Type::Struct(old), Type::Struct(new)) if old.name == new.name => {
                if self.compared.insert((image, program)) {
                    self.structs(path, old, new);
                }
            }
            (Type::Enum(old), Type::Enum(new)) if old.name == new.name => {
                if self.compared.insert((image, program)) {
                    self.enums(path, old, new);
                }
            }
            (old, new) if is_leaf(old) && old == new => {}
            _ => {
                let image = Spelled(old_table, image).to_string();
                let program = Spelled(new_table, program).to_string();
                self.note(path, Change::Type { image, program });
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
                None => self.note(&concrete(name), Change::ImplementerAdded),
            }
        }
        for (name, _) in old.implementers.iter().filter(|(name, _)| find(new, name).is_none()) {
            self.note(&concrete(name), Change::ImplementerRemoved);
        }
    }

    fn structs(&mut self, path: &FieldPath, old: &Struct, new: &Struct) {
        self.versions(path, old.version, new.version);
        if old.shape != new.shape {
            self.note(path, Change::Shape);
        }
        self.fields(path, &old.fields, &new.fields);
    }

    fn versions(&mut self, path: &FieldPath, image: u32, program: u32) {
        if image != program {
            self.note(path, Change::Version { image, program });
        }
    }

    fn fields(&mut self, path: &FieldPath, old: &[Field], new: &[Field]) {
        let in_old = |field: &Field| old.iter().find(|other| other.name == field.name);
        let in_new = |field: &Field| new.iter().find(|other| other.name == field.name);
        let member = |field: &Field| path.join(FieldPath::member(&field.name));
        for field in new {
            let path = member(field);
            match in_old(field) {
                Some(before) if before.treatment != field.treatment => {
                    let (image, program) = (before.treatment, field.treatment);
                    self.note(&path, Change::Treatment { image, program });
                }
                Some(before) => {
                    if let (Some(old), Some(new)) = (before.ty, field.ty) {
                        self.types(&path, old, new);
                    }
                }
                None => {
                    let ty = field.ty.map(|ty| Spelled(self.program, ty).to_string());
                    let (treatment, ty) = (field.treatment, ty.unwrap_or_default());
                    self.note(&path, Change::FieldAdded { treatment, ty });
                }
            }
        }
        for field in old.iter().filter(|field| in_new(field).is_none()) {
            let ty = field.ty.map(|ty| Spelled(self.image, ty).to_string());
            let (treatment, ty) = (field.treatment, ty.unwrap_or_default());
            self.note(&member(field), Change::FieldRemoved { treatment, ty });
        }
        let kept_old: Vec<&Field> = old.iter().filter(|field| in_new(field).is_some()).collect();
        let kept_new: Vec<&Field> = new.iter().filter(|field| in_old(field).is_some()).collect();
        for (before, after) in kept_old.iter().zip(&kept_new) {
            if before.name != after.name {
                self.note(&member(after), Change::FieldMoved);
            }
        }
    }

    fn enums(&mut self, path: &FieldPath, old: &Enum, new: &Enum) {
        self.versions(path, old.version, new.version);
        let at = |variants: &[Variant], variant: &Variant| {
            variants.iter().position(|other| other.name == variant.name)
        };
        for (program, variant) in new.variants.iter().enumerate() {
            let path = path.join(Step::Variant(variant.name.clone()));
            let Some(image) = at(&old.variants, variant) else {
                self.note(&path, Change::VariantAdded);
                continue;
            };
            let before = &old.variants[image];
            if image != program {
                self.note(&path, Change::VariantMoved { image, program });
            }
            if before.id != variant.id {
                self.note(&path, Change::VariantId);
            }
            if before.shape != variant.shape {
                self.note(&path, Change::Shape);
            }
            self.fields(&path, &before.fields, &variant.fields);
        }
        for variant in old.variants.iter().filter(|variant| at(&new.variants, variant).is_none()) {
            self.note(&path.join(Step::Variant(variant.name.clone())), Change::VariantRemoved);
        }
    }
}

const fn is_leaf(ty: &Type) -> bool {
    matches!(ty, Type::Primitive(_) | Type::Str | Type::Opaque(_))
}
