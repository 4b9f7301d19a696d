//! What must not be below or above a volatile field.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Field, Table, TableError, Type, TypeRef};
use crate::treatment::Treatment;

impl Table {
    /// Checks that no volatile field holds shared objects, and no key a volatile field. Takes time
    /// in proportion to the table, which may be forged.
    pub(super) fn check_volatile(&self) -> Result<(), TableError> {
        if self.volatile_fields().next().is_none() {
            return Ok(());
        }
        let parents = self.parents();
        let shared = self.above(&parents, |ty| matches!(ty, Type::Shared(_) | Type::Weak(_)));
        for (owner, field) in self.volatile_fields() {
            if field.ty.is_some_and(|ty| shared[ty.0 as usize]) {
                let (owner, field) = (owner.to_string(), field.name.clone());
                return Err(TableError::VolatileShared { owner, field });
            }
        }
        let volatile = self.above(&parents, |ty| ty.volatile_fields().next().is_some());
        let mut keys = self.types.iter().filter_map(|ty| match ty {
            Type::Map(key, _) | Type::Set(key) => Some(*key),
            _ => None,
        });
        match keys.find(|key| volatile[key.0 as usize]) {
            None => Ok(()),
            Some(key) => {
                let (owner, field) = self.first_volatile(key).unwrap_or_default();
                Err(TableError::VolatileKey { owner, field })
            }
        }
    }

    /// All volatile fields with the names of their types.
    fn volatile_fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.types.iter().flat_map(Type::volatile_fields)
    }

    /// For each type, those that refer to it.
    fn parents(&self) -> Vec<Vec<usize>> {
        let mut parents: Vec<Vec<usize>> = self.types.iter().map(|_| Vec::new()).collect();
        for (index, ty) in self.types.iter().enumerate() {
            for child in ty.children() {
                parents[child.0 as usize].push(index);
            }
        }
        parents
    }

    /// For each type, whether it is such a one or holds one.
    fn above(&self, parents: &[Vec<usize>], is_such: impl Fn(&Type) -> bool) -> Vec<bool> {
        let mut found: Vec<bool> = self.types.iter().map(is_such).collect();
        let mut queue: Vec<usize> = (0..found.len()).filter(|&index| found[index]).collect();
        while let Some(index) = queue.pop() {
            for &parent in &parents[index] {
                if !core::mem::replace(&mut found[parent], true) {
                    queue.push(parent);
                }
            }
        }
        found
    }

    /// A volatile field below a type.
    fn first_volatile(&self, start: TypeRef) -> Option<(String, String)> {
        let mut seen: Vec<bool> = self.types.iter().map(|_| false).collect();
        let mut queue = Vec::from([start]);
        while let Some(index) = queue.pop() {
            let ty = self.get(index)?;
            if let Some((owner, field)) = ty.volatile_fields().next() {
                return Some((owner.to_string(), field.name.clone()));
            }
            let new = |child: &TypeRef| !core::mem::replace(&mut seen[child.0 as usize], true);
            queue.extend(ty.children().into_iter().filter(new));
        }
        None
    }
}

impl Type {
    fn volatile_fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        let (name, own, variants) = match self {
            Self::Struct(def) => (def.name.as_str(), &def.fields[..], &[][..]),
            Self::Enum(def) => (def.name.as_str(), &[][..], &def.variants[..]),
            _ => ("", &[][..], &[][..]),
        };
        let fields = own.iter().chain(variants.iter().flat_map(|variant| &variant.fields));
        let volatile = fields.filter(|field| field.treatment == Treatment::Volatile);
        volatile.map(move |field| (name, field))
    }
}
