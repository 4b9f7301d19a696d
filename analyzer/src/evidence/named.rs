//! Evidence from the functions that samestate.toml names: those that save and those that restore,
//! of whatever type and name.
//!
//! What they do is followed from field to field and through helpers, so that a function of one
//! type is evidence for the types below it, too. A field counts as saved only if it is saved at
//! every place where such functions take a value of its type apart.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use samestate_report::{Evidence, Finding, Place};
use samestate_schema::path::FieldPath;
use samestate_schema::treatment::Grade;

use super::cover::{Cover, Marks};
use super::handwritten::place_of;
use super::{Answer, FieldKey, Source, Testimony, stale, told};
use crate::fields::{self, Field};
use crate::graph::TypeId;
use crate::names;
use crate::settings::{Named, Settings};
use crate::source::{self, Flows, Func, Key, Restored};

/// What the named functions do.
pub(crate) struct NamedFunctions<'a> {
    flows: &'a Flows<'a>,
    lines: Box<dyn Fn(TypeId) -> BTreeMap<FieldKey, Place> + 'a>,
    /// What happens to values of each type that a function is given.
    saved: BTreeMap<TypeId, Marks>,
    /// Where values of each type are taken apart: in a value of which type, and the way there.
    places: HashMap<TypeId, Vec<(TypeId, Vec<Key>)>>,
    /// The types of what is handed on as a whole, to code that is not read here.
    whole: BTreeSet<TypeId>,
    restored: Restored,
    evidence: HashMap<TypeId, Vec<Evidence>>,
    all_evidence: Vec<Evidence>,
    /// Lines of samestate.toml that name no function.
    pub(crate) stale: Vec<Finding>,
}

/// A function with what of its parameters is state.
struct Entry {
    func: Func,
    states: Vec<(usize, TypeId)>,
}

impl<'a> NamedFunctions<'a> {
    /// Finds and reads the functions.
    pub(crate) fn new(
        flows: &'a Flows<'a>,
        settings: &Settings,
        crates: &BTreeSet<String>,
        lines: Box<dyn Fn(TypeId) -> BTreeMap<FieldKey, Place> + 'a>,
    ) -> Self {
        let mut all = Self {
            flows,
            lines,
            saved: BTreeMap::new(),
            places: HashMap::new(),
            whole: BTreeSet::new(),
            restored: Restored::default(),
            evidence: HashMap::new(),
            all_evidence: Vec::new(),
            stale: Vec::new(),
        };
        if settings.save.is_empty() && settings.restore.is_empty() {
            return all;
        }
        let (save, mut stale) = entries(flows, &settings.save, "save", crates);
        for entry in &save {
            all.add_save(entry);
        }
        for (&root, marks) in &all.saved {
            all.whole.extend(marks.whole(flows.code, root));
            for (way, ty) in marks.places(flows.code, root) {
                let places = all.places.entry(ty).or_default();
                if !places.iter().any(|(known, at)| *known == root && *at == way) {
                    places.push((root, way));
                }
            }
        }
        let (restore, more) = entries(flows, &settings.restore, "restore", crates);
        for entry in &restore {
            all.add_restore(entry);
        }
        stale.extend(more);
        all.stale = stale;
        all
    }

    fn add_save(&mut self, entry: &Entry) {
        let summary = self.flows.entry(&entry.func, &entry.states);
        let evidence = self.told("save", &entry.func);
        for &(param, ty) in &entry.states {
            self.saved.entry(ty).or_default().add(&summary, param);
            self.evidence.entry(ty).or_default().push(evidence.clone());
        }
        self.all_evidence.push(evidence);
    }

    fn add_restore(&mut self, entry: &Entry) {
        let func = &entry.func;
        let filled = filled(self.flows, entry);
        source::restored(self.flows.code, func, &filled, &mut self.restored);
        let evidence = self.told("restore", func);
        for ty in filled.iter().map(|(_, ty)| *ty).chain(func.self_type) {
            let known = self.evidence.entry(ty).or_default();
            if !known.contains(&evidence) {
                known.push(evidence.clone());
            }
        }
        self.all_evidence.push(evidence);
    }

    fn told(&self, word: &str, func: &Func) -> Evidence {
        Evidence {
            source: "source".to_owned(),
            says: format!("`{}` is named under `{word}`", func.signature().ident),
            place: Some(place_of(self.flows.code.sources, func)),
        }
    }

    /// How much of a field is saved at all places where its type is taken apart.
    fn cover(
        &self,
        id: TypeId,
        field: &Field,
        places: &[(TypeId, Vec<Key>)],
    ) -> (Cover, Option<String>) {
        let mut covers = Vec::new();
        for (root, way) in places {
            let Some(marks) = self.saved.get(root) else { continue };
            let cover = marks.field(self.flows.code, way, (id, &field.key), field.ty);
            covers.push((cover, (*root, way)));
        }
        let is_all = |cover: &Cover| *cover == Cover::All;
        let worst = covers.iter().find(|(cover, _)| !is_all(cover));
        match worst {
            None if covers.is_empty() => (Cover::Nothing, None),
            None => (Cover::All, None),
            Some((cover, (root, way))) => {
                let is_elsewhere = covers.iter().any(|(cover, _)| is_all(cover));
                let why = is_elsewhere.then(|| {
                    let at = self.shown(*root, way);
                    format!("it is saved elsewhere, but not at `{at}`")
                });
                (cover.clone(), why)
            }
        }
    }

    fn shown(&self, root: TypeId, way: &[Key]) -> String {
        let mut steps = Vec::new();
        for (_, key) in way {
            if !key.variant.is_empty() {
                steps.push(samestate_schema::path::Step::Variant(key.variant.clone()));
            }
            steps.push(FieldPath::member(&key.name));
        }
        let root = names::short(&self.flows.code.graph().get(root).name);
        FieldPath { root, steps }.to_string()
    }
}

impl Source for NamedFunctions<'_> {
    fn about(&self, id: TypeId) -> Answer {
        let mut places = self.places.get(&id).cloned().unwrap_or_default();
        let own = self.saved.get(&id);
        if let Some(marks) = own {
            if let Some(to) = marks.escape() {
                return Answer::CannotSee(format!("what saves it hands all of it to {to}"));
            }
            let whole = (id, Vec::new());
            if !places.contains(&whole) {
                places.push(whole);
            }
        }
        let is_restored = self.restored.seen.contains(&id);
        if places.is_empty() && !is_restored {
            return Answer::Silent;
        }
        // What is only made here on the way, such as a constant, tells nothing.
        let all = fields::of(self.flows.code.graph(), id);
        let is_filled =
            all.iter().any(|field| self.restored.fields.contains_key(&(id, field.key.clone())));
        if places.is_empty() && (!is_filled || self.whole.contains(&id)) {
            return Answer::Silent;
        }
        let mut covers = BTreeMap::new();
        let mut whys = BTreeMap::new();
        for field in &all {
            let (cover, why) = self.cover(id, field, &places);
            covers.insert(field.key.clone(), cover);
            if let Some(why) = why {
                whys.insert(field.key.clone(), why);
            }
        }
        let keys: Vec<FieldKey> = all.iter().map(|field| field.key.clone()).collect();
        let (restored, missed) = self.restored.at(id, &keys, &places);
        for (key, (root, way)) in missed {
            let at = self.shown(root, &way);
            whys.entry(key)
                .or_insert_with(|| format!("it is restored elsewhere, but not at `{at}`"));
        }
        let mut lines = (self.lines)(id);
        match told::statements(&all, id, &covers, &restored, &mut lines) {
            Ok(mut fields) => {
                for (key, why) in whys {
                    if let Some(statement) = fields.get_mut(&key) {
                        statement.why.get_or_insert(why);
                    }
                }
                let evidence = self.evidence.get(&id).unwrap_or(&self.all_evidence).clone();
                Answer::Says(Testimony { grade: Grade::Read, evidence, fields, version: None })
            }
            Err(why) => Answer::CannotSee(why),
        }
    }
}

/// The parameters that a restoring function fills. A function that makes a value of the state,
/// `fn from_state(state: &TimerState) -> Timer`, cannot fill what is only lent to it or handed over:
/// that is the image, though it may be state by itself.
fn filled(flows: &Flows<'_>, entry: &Entry) -> Vec<(usize, TypeId)> {
    let func = &entry.func;
    let made = match &func.signature().output {
        syn::ReturnType::Type(_, ty) => flows.code.annotated(func, ty),
        syn::ReturnType::Default => Vec::new(),
    };
    let is_filled = |&&(index, ty): &&(usize, TypeId)| {
        let makes_another = made.iter().any(|&made| made != ty && flows.code.is_state(made));
        !makes_another || made.contains(&ty) || func.takes_mutable(index)
    };
    entry.states.iter().filter(is_filled).copied().collect()
}

/// The functions that the patterns name, and the patterns that name none.
fn entries(
    flows: &Flows<'_>,
    patterns: &[Named],
    word: &str,
    crates: &BTreeSet<String>,
) -> (Vec<Entry>, Vec<Finding>) {
    let used: Vec<Cell<bool>> = patterns.iter().map(|_| Cell::new(false)).collect();
    let found = RefCell::new(Vec::new());
    let is_meant = |path: &str| {
        let mut any = false;
        for (named, used) in patterns.iter().zip(&used) {
            if named.pattern.matches(path) {
                used.set(true);
                any = true;
            }
        }
        any
    };
    for crate_name in crates {
        let krate = flows.code.sources.krate(crate_name);
        for (scope, file, block) in krate.all_impls() {
            let types = flows.code.types_named(crate_name, &block.self_ident);
            for item in &block.item.items {
                let syn::ImplItem::Fn(function) = item else { continue };
                let name = function.sig.ident.to_string();
                let written = path(crate_name, &scope, &[&block.self_ident, &name]);
                for &ty in &types {
                    let definition = flows.code.graph().get(ty).definition();
                    let full = format!("{definition}::{name}");
                    if !is_own(definition, crate_name, &scope, &types, flows)
                        || !(is_meant(&full) || is_meant(&written))
                    {
                        continue;
                    }
                    let owner = (&**crate_name, ty);
                    if let Some(func) = Func::method(block, &name, file, &krate, owner) {
                        let mut states = Vec::new();
                        if func.has_self() && flows.code.is_state(ty) {
                            states.push((0, ty));
                        }
                        found.borrow_mut().extend(with_states(flows, func, states));
                    }
                }
            }
        }
        for (scope, file, item) in krate.all_functions() {
            let name = item.sig.ident.to_string();
            if is_meant(&path(crate_name, &scope, &[&name])) {
                let func = Func::free(Rc::clone(item), file, &krate, crate_name);
                found.borrow_mut().extend(with_states(flows, func, Vec::new()));
            }
        }
    }
    let stale = patterns.iter().zip(&used).filter(|(_, used)| !used.get()).map(|(named, _)| {
        stale(named, format!("`{}` under `{word}` names no function", named.pattern.text()))
    });
    (found.into_inner(), stale.collect())
}

/// Whether an impl is for this type and not for another one of its name.
fn is_own(
    definition: &str,
    crate_name: &str,
    scope: &[String],
    types: &[TypeId],
    flows: &Flows<'_>,
) -> bool {
    let graph = flows.code.graph();
    let definitions: BTreeSet<&str> = types.iter().map(|&ty| graph.get(ty).definition()).collect();
    if definitions.len() == 1 {
        return names::crate_of(definition) == crate_name;
    }
    let own = path(crate_name, scope, &[names::last_segment(definition)]);
    own == definition || !definitions.contains(&*own)
}

fn path(crate_name: &str, scope: &[String], rest: &[&str]) -> String {
    let parts = std::iter::once(crate_name).chain(scope.iter().map(String::as_str));
    parts.chain(rest.iter().copied()).collect::<Vec<_>>().join("::")
}

/// A function with those of its parameters whose annotations name state; once for each instance
/// of what they name.
fn with_states(flows: &Flows<'_>, func: Func, own: Vec<(usize, TypeId)>) -> Vec<Entry> {
    let mut states = own;
    for (index, input) in func.signature().inputs.iter().enumerate() {
        if let syn::FnArg::Typed(typed) = input {
            let types = flows.code.annotated(&func, &typed.ty);
            let state = types.into_iter().filter(|&ty| flows.code.is_state(ty));
            states.extend(state.map(|ty| (index, ty)));
        }
    }
    // Several instances for one parameter are several ways to call it.
    let mut by_param: BTreeMap<usize, Vec<TypeId>> = BTreeMap::new();
    for (index, ty) in states {
        by_param.entry(index).or_default().push(ty);
    }
    let most = by_param.values().map(Vec::len).max().unwrap_or(0).max(1);
    (0..most)
        .map(|turn| Entry {
            func: func.clone(),
            states: by_param
                .iter()
                .filter_map(|(&index, types)| Some((index, *types.get(turn).or(types.last())?)))
                .collect(),
        })
        .collect()
}
