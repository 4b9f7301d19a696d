//! Variables, and what C and C++ say of them apart from their definitions.

use std::collections::HashMap;

use super::attrs::{self, Attrs, Location, Ref};
use super::{Input, Unit};

/// A variable that has an address.
#[derive(Debug)]
pub(super) struct Static<'a> {
    pub(super) name: &'a [u8],
    pub(super) linkage_name: &'a [u8],
    pub(super) scope: u32,
    pub(super) ty: Ref,
    pub(super) location: Location,
    pub(super) file: Option<u64>,
    pub(super) line: Option<u64>,
}

/// The declaration of a variable.
#[derive(Clone, Copy)]
struct Declared<'a> {
    name: &'a [u8],
    linkage_name: &'a [u8],
    scope: u32,
    ty: Ref,
    file: Option<u64>,
    line: Option<u64>,
}

/// What a unit declares.
#[derive(Default)]
pub(super) struct Declarations<'a> {
    /// By offset: definitions elsewhere refer to it.
    declared: HashMap<usize, Declared<'a>>,
    /// Statics by their index, each with the offset of its declaration.
    definitions: Vec<(usize, usize)>,
}

impl<'a> Declarations<'a> {
    /// Keeps an entry that is only a declaration.
    pub(super) fn add(
        &mut self,
        (input, unit): (&Input<'a>, &Unit<'a>),
        offset: usize,
        attrs: &Attrs<'a>,
        scope: u32,
    ) {
        if !attrs.is_declaration {
            return;
        }
        let linkage_name = attrs.linkage_name.and_then(|name| attrs::string(input, unit, name));
        let declared = Declared {
            name: attrs.name.unwrap_or(b""),
            linkage_name: linkage_name.unwrap_or(b""),
            scope,
            ty: attrs.ty,
            file: attrs.decl_file,
            line: attrs.decl_line,
        };
        self.declared.insert(offset, declared);
    }

    /// Keeps where a static is declared, if that is elsewhere.
    pub(super) fn refer(&mut self, index: usize, declaration: Ref) {
        if let Ref::Local(declaration) = declaration {
            self.definitions.push((index, declaration));
        }
    }

    /// Adds to statics what their declarations say: those stand in the scope that a static belongs
    /// to, and may come after its definition.
    pub(super) fn define(self, statics: &mut [Static<'a>]) {
        for (index, declaration) in self.definitions {
            let Some(declared) = self.declared.get(&declaration) else { continue };
            let found = &mut statics[index];
            found.scope = declared.scope;
            if found.name.is_empty() {
                found.name = declared.name;
            }
            if found.linkage_name.is_empty() {
                found.linkage_name = declared.linkage_name;
            }
            // `int a[]` gets its length where it is defined.
            if found.ty == Ref::None {
                found.ty = declared.ty;
            }
            found.file = found.file.or(declared.file);
            found.line = found.line.or(declared.line);
        }
    }
}
