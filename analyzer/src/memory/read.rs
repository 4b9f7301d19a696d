//! From the graph of types to how they lie in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{FieldLayout, Layout, Memory, Span, Target, VariantLayout};
use crate::containers::{self, Class, Holds};
use crate::fields::field_name;
use crate::graph::{Graph, Kind, Member, Type, TypeId};
use crate::limits::MAX_NAME_DEPTH;
use crate::names::is_std;
use crate::view::{meant_text, type_text};

/// The layouts of these types and of all that lies in them. What std keeps behind addresses is not
/// looked into: an address is all that a dump would hold of it.
pub(crate) fn read(graph: &Graph, types: impl Iterator<Item = TypeId>, target: &Target) -> Memory {
    let mut reader = Reader {
        graph,
        address_len: u64::from(target.bits) / 8,
        addresses: HashMap::new(),
        queue: types.collect(),
        found: BTreeMap::new(),
    };
    let mut seen = HashSet::new();
    while let Some(id) = reader.queue.pop() {
        let id = reader.resolved(id);
        if seen.insert(id) {
            reader.visit(id);
        }
    }
    let mut types = Memory::new();
    for (name, layouts) in reader.found {
        for (index, layout) in layouts.into_iter().enumerate() {
            let name = if index == 0 { name.clone() } else { format!("{name} @{}", index + 1) };
            types.insert(name, layout);
        }
    }
    types
}

struct Reader<'a> {
    graph: &'a Graph,
    address_len: u64,
    /// Whether types hold addresses: all that they hold, or only what is their own.
    addresses: HashMap<(TypeId, bool), bool>,
    queue: Vec<TypeId>,
    found: BTreeMap<String, BTreeSet<Layout>>,
}

impl Reader<'_> {
    /// What a name stands for.
    fn resolved(&self, id: TypeId) -> TypeId {
        let mut id = self.graph.defined(id);
        // A damaged file may make a circle.
        for _ in 0..MAX_NAME_DEPTH {
            match self.graph.get(id).kind {
                Kind::Alias { target: Some(target) } => id = self.graph.defined(target),
                _ => break,
            }
        }
        id
    }

    fn visit(&mut self, id: TypeId) {
        let ty = self.graph.get(id);
        if let Kind::Array { element: Some(element), .. } = ty.kind {
            self.queue.push(element);
            return;
        }
        let Some(size) = ty.size_bytes.filter(|&size| size > 0) else { return };
        if self.is_closed(id) {
            return;
        }
        let mut layout = Layout { size, align: ty.align_bytes, ..Layout::default() };
        match &ty.kind {
            Kind::Struct(members) | Kind::Union(members) => {
                layout.variants.push(self.variant(String::new(), None, members));
            }
            Kind::Enum(variants) => {
                let discriminant = ty.discriminant.as_deref();
                layout.discriminant = discriminant.and_then(|discriminant| {
                    let start = discriminant.offset_bytes;
                    let len = self.size(discriminant.ty?)?;
                    Some(Span { start, end: start.checked_add(len)? })
                });
                for variant in variants {
                    let values = discriminant.map_or(&[][..], |told| &told.values);
                    let value = values.iter().find(|(name, _)| *name == variant.name);
                    let payload = variant.payload.map(|id| &self.graph.get(self.resolved(id)).kind);
                    let members = match payload {
                        Some(Kind::Struct(members)) => &members[..],
                        _ => &[],
                    };
                    let name = variant.name.to_string();
                    let variant = self.variant(name, value.map(|(_, value)| *value), members);
                    layout.variants.push(variant);
                }
            }
            Kind::Enumeration(_) => {}
            Kind::Array { .. }
            | Kind::Pointer { .. }
            | Kind::Alias { .. }
            | Kind::Primitive
            | Kind::Function
            | Kind::Declaration => return,
        }
        self.found.entry(type_text(self.graph, id)).or_default().insert(layout);
    }

    fn variant(&mut self, name: String, value: Option<i128>, members: &[Member]) -> VariantLayout {
        let mut fields = Vec::new();
        for member in members {
            let Some(id) = member.ty else { continue };
            let len = self.size(id);
            if len == Some(0) {
                continue;
            }
            let start = member.offset_bytes;
            let bits = member.bits.map(|bits| {
                let start = u64::from(bits.first);
                Span { start, end: start + u64::from(bits.len) }
            });
            let len = bits.map(|bits| bits.end.div_ceil(8)).or(len);
            fields.push(FieldLayout {
                at: Span { start, end: start.saturating_add(len.unwrap_or(0)) },
                bits,
                name: field_name(&member.name),
                ty: meant_text(self.graph, id),
                has_address: self.holds_address(id, false),
            });
            self.queue.push(id);
        }
        fields.sort();
        VariantLayout { name, value, fields }
    }

    fn size(&self, id: TypeId) -> Option<u64> {
        let mut id = self.resolved(id);
        let mut count = 1_u64;
        for _ in 0..MAX_NAME_DEPTH {
            let ty = self.graph.get(id);
            match ty.kind {
                _ if ty.size_bytes.is_some() => return ty.size_bytes?.checked_mul(count),
                Kind::Array { element: Some(element), len: Some(len) } => {
                    count = count.checked_mul(len)?;
                    id = self.resolved(element);
                }
                Kind::Pointer { .. } => return count.checked_mul(self.address_len),
                _ => return None,
            }
        }
        None
    }

    /// Whether the type is nothing but an address to whoever dumps it.
    fn is_closed(&mut self, id: TypeId) -> bool {
        let ty = self.graph.get(id);
        if is_fat_pointer(ty) {
            return true;
        }
        match containers::known(ty.definition()) {
            Some(Holds::One(_, Class::Inline)) => false,
            Some(Holds::Phantom) => true,
            Some(_) => self.holds_address(id, false),
            None if matches!(ty.kind, Kind::Enum(_)) || ty.name.starts_with('(') => false,
            None => is_std(ty.definition()) && self.holds_address(id, true),
        }
    }

    /// Whether there is an address in the memory of the type; with `own`, in that part of it that
    /// is std's.
    fn holds_address(&mut self, id: TypeId, own: bool) -> bool {
        let id = self.resolved(id);
        if let Some(&known) = self.addresses.get(&(id, own)) {
            return known;
        }
        let mut seen = HashSet::new();
        let mut queue = vec![id];
        let mut found = false;
        while let Some(next) = queue.pop() {
            let next = self.resolved(next);
            if !seen.insert(next) {
                continue;
            }
            let ty = self.graph.get(next);
            if own && next != id && !ty.name.is_empty() && !is_std(ty.definition()) {
                let is_pointer = matches!(ty.kind, Kind::Pointer { .. });
                if !is_pointer {
                    continue;
                }
            }
            match &ty.kind {
                Kind::Pointer { .. } => {
                    found = true;
                    break;
                }
                Kind::Struct(members) | Kind::Union(members) => {
                    queue.extend(members.iter().filter_map(|member| member.ty));
                }
                Kind::Enum(variants) => {
                    queue.extend(variants.iter().filter_map(|variant| variant.payload));
                }
                Kind::Array { element, len } if *len != Some(0) => queue.extend(element),
                Kind::Array { .. }
                | Kind::Enumeration(_)
                | Kind::Alias { .. }
                | Kind::Primitive
                | Kind::Function
                | Kind::Declaration => {}
            }
        }
        self.addresses.insert((id, own), found);
        found
    }
}

/// `&[T]`, `*const str`, `Box<dyn Trait>` and the like are structs of two words.
fn is_fat_pointer(ty: &Type) -> bool {
    let Kind::Struct(members) = &ty.kind else { return false };
    let [first, second] = &members[..] else { return false };
    matches!((&*first.name, &*second.name), ("data_ptr", "length") | ("pointer", "vtable"))
}
