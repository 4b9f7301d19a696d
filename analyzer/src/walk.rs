//! The walk from the roots along field paths, breadth first, so that the first way to a type is
//! the shortest.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use samestate_report::{Evidence, Place};
use samestate_schema::path::{FieldPath, Step};

use crate::containers::wide_trait;
use crate::evidence::{FieldKey, FieldVerdict, Judge, Judgment, Verdict};
use crate::fields::{self, Field};
use crate::graph::{Graph, Kind, TypeId};
use crate::implementers::Implementers;
use crate::limits::MAX_PATH_STEPS;
use crate::names;
use crate::reach;
use crate::versions::ConstantVersion;
use crate::view::{self, View, type_text};

/// What was found on the way.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The definitions that were reached, in the order in which they were met.
    pub(crate) types: Vec<Reached>,
    /// Where sight ended.
    pub(crate) ends: Vec<End>,
    /// The enums of numbers that were met, with the version of their records.
    pub(crate) numbers: BTreeSet<(TypeId, Option<u32>)>,
    /// The roots that the walk started from.
    pub(crate) roots: Vec<TypeId>,
    /// The versions of what roots save, where samestate.toml says in which constant they stand.
    pub(crate) versions: BTreeMap<TypeId, ConstantVersion>,
    /// The trait objects that were met, with their implementers.
    pub(crate) traits: BTreeMap<String, BTreeSet<TypeId>>,
    /// The names of statics for which samestate.toml states a treatment.
    pub(crate) decided_statics: BTreeSet<String>,
}

/// A type definition that hangs from a root.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) id: TypeId,
    pub(crate) fields: Vec<ReachedField>,
    /// What the verdicts rest on; empty if there is no evidence at all.
    pub(crate) evidence: Vec<Evidence>,
    /// Whether any source knows the type.
    pub(crate) is_known: bool,
    pub(crate) version: Option<u32>,
}

/// A field of a reached definition.
#[derive(Debug)]
pub(crate) struct ReachedField {
    pub(crate) key: FieldKey,
    pub(crate) path: FieldPath,
    /// The root first, then each field with its type, this one last.
    pub(crate) way: Vec<String>,
    pub(crate) type_text: String,
    pub(crate) verdict: FieldVerdict,
    /// What of the host its value is, if it is that.
    pub(crate) host: Option<&'static str>,
    /// Its type, if the debug information tells.
    pub(crate) ty: Option<TypeId>,
    /// The bytes of it that no other field counts.
    pub(crate) bytes: u64,
    /// What lies below it and was not looked at.
    pub(crate) below: NotWalked,
}

/// What lies below a field that the walk does not go into.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NotWalked {
    pub(crate) types: usize,
    pub(crate) fields: usize,
    pub(crate) bytes: u64,
}

/// A place where sight ends.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) path: FieldPath,
    pub(crate) way: Vec<String>,
    /// The type that cannot be looked into.
    pub(crate) type_text: String,
    pub(crate) kind: EndKind,
    pub(crate) why: String,
    pub(crate) evidence: Vec<Evidence>,
}

/// Why sight ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndKind {
    /// A container that is not known.
    Opaque,
    /// A pointer that tells no type; whether tags of C and C++ can.
    Pointer { is_tagged: bool },
    /// A type that a trait object can hold, and that is restored by no name.
    Unregistered,
    /// A type that a trait object can hold, and of which nothing is seen to be saved, while others
    /// that stand behind the same trait are.
    Implementer,
    /// Anything else.
    Unseen,
}

impl Walk {
    /// Shows every place that findings of this walk may name.
    pub(crate) fn for_each_place(&mut self, mut see: impl FnMut(&mut Place)) {
        let evidence = |list: &mut Vec<Evidence>, see: &mut dyn FnMut(&mut Place)| {
            list.iter_mut().filter_map(|evidence| evidence.place.as_mut()).for_each(see);
        };
        for reached in &mut self.types {
            evidence(&mut reached.evidence, &mut see);
            let fields = reached.fields.iter_mut();
            fields.filter_map(|field| field.verdict.place.as_mut()).for_each(&mut see);
        }
        for end in &mut self.ends {
            evidence(&mut end.evidence, &mut see);
        }
    }
}

/// Walks from these roots.
pub(crate) fn walk(
    graph: &Graph,
    implementers: &Implementers<'_>,
    roots: &[TypeId],
    judge: &Judge<'_>,
) -> Walk {
    let mut walker = Walker {
        graph,
        implementers,
        judge,
        trails: Vec::new(),
        queue: VecDeque::new(),
        visited: HashSet::new(),
        unsaved: BTreeSet::new(),
        doubtful: Vec::new(),
        out: Walk::default(),
    };
    walker.out.roots = roots.iter().map(|&root| graph.defined(root)).collect();
    for &root in roots {
        let name = type_text(graph, root);
        let trail = walker.trail(Trail { parent: None, steps: Vec::new(), label: Some(name) });
        walker.queue.push_back(Visit { ty: graph.defined(root), trail, is_saved: false });
    }
    walker.run()
}

/// One step of a way; the whole way is its chain of parents.
struct Trail {
    parent: Option<usize>,
    steps: Vec<Step>,
    label: Option<String>,
}

/// A type that waits for its visit.
#[derive(Clone, Copy)]
struct Visit {
    ty: TypeId,
    trail: usize,
    /// Whether what leads here is saved, so that the type must be able to save itself.
    is_saved: bool,
}

struct Walker<'a> {
    graph: &'a Graph,
    implementers: &'a Implementers<'a>,
    judge: &'a Judge<'a>,
    trails: Vec<Trail>,
    queue: VecDeque<Visit>,
    visited: HashSet<(TypeId, bool)>,
    /// Types without evidence whose fields were reported one by one.
    unsaved: BTreeSet<TypeId>,
    /// Types without evidence that something saves.
    doubtful: Vec<Visit>,
    out: Walk,
}

impl Walker<'_> {
    fn run(mut self) -> Walk {
        while let Some(visit) = self.queue.pop_front() {
            if self.visited.insert((visit.ty, visit.is_saved)) {
                self.visit(visit);
            }
        }
        for visit in std::mem::take(&mut self.doubtful) {
            if self.unsaved.contains(&visit.ty) {
                continue;
            }
            if self.is_lone_implementer(visit) {
                let why = "others behind the same trait are saved; nothing shows that this one is";
                self.end(visit, EndKind::Implementer, why.to_owned(), Vec::new());
            } else {
                let why = "it is saved as part of another type, but what that does with its fields \
                           cannot be seen";
                self.end(visit, EndKind::Unseen, why.to_owned(), Vec::new());
            }
        }
        self.out
    }

    /// Whether the type was reached as one implementer of a trait of which another one is known to
    /// be saved.
    fn is_lone_implementer(&self, visit: Visit) -> bool {
        let trail = &self.trails[visit.trail];
        if !matches!(trail.steps.last(), Some(Step::Concrete(_))) {
            return false;
        }
        let saved = |ty: &TypeId| {
            self.out.types.iter().any(|reached| reached.id == *ty && reached.is_known)
        };
        let mut traits = self.out.traits.values();
        traits.any(|types| types.contains(&visit.ty) && types.iter().any(saved))
    }

    fn visit(&mut self, visit: Visit) {
        let is_root = self.trails[visit.trail].parent.is_none();
        if !is_root && self.judge.decisions.covers_type(self.graph.get(visit.ty).definition()) {
            return;
        }
        match view::view(self.graph, visit.ty) {
            View::Leaf => self.visit_leaf(visit.ty),
            View::Host(_) => {}
            View::Parts(parts) => {
                for part in parts {
                    if view::is_pointer(self.graph, visit.ty) {
                        self.follow_derived(visit, &part);
                    }
                    self.follow(visit, part.steps, part.ty);
                }
            }
            View::Trait(name) => self.visit_trait(visit, &name),
            View::Opaque(why) => self.end(visit, EndKind::Opaque, why, Vec::new()),
            View::Untyped(untyped) => {
                // Each such pointer leads somewhere else.
                self.visited.remove(&(visit.ty, visit.is_saved));
                let target = untyped.target.as_deref();
                if !target.is_some_and(|target| self.judge.decisions.covers_type(target)) {
                    let kind = EndKind::Pointer { is_tagged: untyped.is_tagged };
                    self.end(visit, kind, untyped.why, Vec::new());
                }
            }
            View::Unseen(why) => self.end(visit, EndKind::Unseen, why, Vec::new()),
            View::Defined => self.visit_definition(visit),
        }
    }

    /// Goes on to the classes of C++ that may stand behind a pointer to one of their bases.
    fn follow_derived(&mut self, visit: Visit, part: &view::Part) {
        for ty in self.implementers.derived(self.graph.defined(part.ty)) {
            let mut steps = part.steps.clone();
            steps.push(Step::Concrete(type_text(self.graph, ty)));
            self.follow(visit, steps, ty);
        }
    }

    fn visit_leaf(&mut self, ty: TypeId) {
        let leaf = self.graph.get(ty);
        if matches!(leaf.kind, Kind::Enumeration(_)) && !names::is_std(&leaf.name) {
            let version = self.judge.records.of(ty).map(|record| record.body.version);
            self.out.numbers.insert((ty, version));
        }
    }

    fn visit_trait(&mut self, visit: Visit, name: &str) {
        if self.judge.decisions.covers_type(name) {
            return;
        }
        if let Some(why) = wide_trait(name.split('<').next().unwrap_or(name)) {
            let why = format!("what stands behind `dyn {name}` is not followed: {why}");
            self.end(visit, EndKind::Unseen, why, Vec::new());
            return;
        }
        let known = self.implementers.of(name);
        if known.types.is_empty() && known.unseen.is_empty() {
            let why = format!("no implementer of `{name}` has debug information in this binary");
            self.end(visit, EndKind::Unseen, why, Vec::new());
            return;
        }
        for unseen in known.unseen {
            let steps = vec![Step::Concrete(unseen.clone())];
            let trail = self.trail(Trail { parent: Some(visit.trail), steps, label: None });
            self.out.ends.push(End {
                path: self.path(trail),
                way: self.way(trail),
                type_text: unseen,
                kind: EndKind::Unseen,
                why: format!("it implements `{name}`, and its crate has no debug information"),
                evidence: Vec::new(),
            });
        }
        self.out.traits.entry(name.to_owned()).or_default().extend(&known.types);
        let registered = self.judge.records.registered(name);
        for ty in known.types {
            let step = Step::Concrete(type_text(self.graph, ty));
            if visit.is_saved && !registered.is_empty() && !registered.contains(&ty) {
                let trail = self.enter_implementer(visit, step);
                let why = format!("no name is registered for it behind `dyn {name}`");
                self.end(Visit { ty, trail, ..visit }, EndKind::Unregistered, why, Vec::new());
                continue;
            }
            self.follow(visit, vec![step], ty);
        }
    }

    fn enter_implementer(&mut self, visit: Visit, step: Step) -> usize {
        let label = match &step {
            Step::Concrete(name) => Some(format!("{{{name}}}")),
            _ => None,
        };
        self.trail(Trail { parent: Some(visit.trail), steps: vec![step], label })
    }

    fn visit_definition(&mut self, visit: Visit) {
        if let Some(variant) = fields::unreadable_variant(self.graph, visit.ty) {
            let why = format!("the debug information does not show what its `{variant}` holds");
            self.end(visit, EndKind::Unseen, why, Vec::new());
        }
        for ty in fields::unnamed(self.graph, visit.ty) {
            self.follow(visit, Vec::new(), ty);
        }
        let mut fields = fields::of(self.graph, visit.ty);
        // What takes no room has no value to be forgotten.
        fields.retain(|field| !field.ty.is_some_and(|ty| view::is_empty(self.graph, ty)));
        if fields.is_empty() {
            return;
        }
        let mut reached = Reached {
            id: visit.ty,
            fields: Vec::new(),
            evidence: Vec::new(),
            is_known: true,
            version: None,
        };
        match self.judge.judge(visit.ty) {
            Judgment::CannotSee { why, evidence } => {
                self.end(visit, EndKind::Unseen, why, evidence);
                self.visited.insert((visit.ty, !visit.is_saved));
                for field in fields {
                    let verdict =
                        FieldVerdict { verdict: Verdict::Unknown, place: None, why: None };
                    let trail = self.enter(visit, &field);
                    reached.fields.push(self.reached_field(
                        field,
                        trail,
                        verdict,
                        NotWalked::default(),
                    ));
                }
            }
            Judgment::NoEvidence { .. } if visit.is_saved => {
                self.doubtful.push(visit);
                return;
            }
            Judgment::NoEvidence { mut places } => {
                self.unsaved.insert(visit.ty);
                reached.is_known = false;
                for field in fields {
                    let place = places.remove(&field.key);
                    let verdict = FieldVerdict { verdict: Verdict::Uncovered, place, why: None };
                    let verdict = self.judge.decisions.decide(visit.ty, &field, verdict);
                    let trail = self.enter(visit, &field);
                    if verdict.verdict == Verdict::Uncovered {
                        self.push(field.ty, trail, false);
                    }
                    let below = match verdict.verdict {
                        Verdict::Left(_) => self.not_walked(&field),
                        _ => NotWalked::default(),
                    };
                    reached.fields.push(self.reached_field(field, trail, verdict, below));
                }
            }
            Judgment::Known { fields: mut verdicts, evidence, version } => {
                // Both ways lead to the same verdicts; the fields are stated once.
                self.visited.insert((visit.ty, !visit.is_saved));
                reached.evidence = evidence;
                reached.version = version;
                for field in fields {
                    let verdict = verdicts.remove(&field.key).unwrap_or(FieldVerdict {
                        verdict: Verdict::Uncovered,
                        place: None,
                        why: None,
                    });
                    let verdict = self.judge.decisions.decide(visit.ty, &field, verdict);
                    let trail = self.enter(visit, &field);
                    let mut below = NotWalked::default();
                    match verdict.verdict {
                        Verdict::Saved(_) | Verdict::Volatile | Verdict::Partly(_) => {
                            self.push(field.ty, trail, true);
                        }
                        Verdict::Left(_) => below = self.not_walked(&field),
                        Verdict::Handed(_) => {}
                        Verdict::Unknown => {
                            let ty = field.ty.unwrap_or(visit.ty);
                            let why = verdict.why.clone().unwrap_or_default();
                            self.end(
                                Visit { ty, trail, ..visit },
                                EndKind::Unseen,
                                why,
                                Vec::new(),
                            );
                        }
                        Verdict::Uncovered | Verdict::SavedOnly | Verdict::RestoredOnly => {
                            below = self.not_walked(&field);
                        }
                    }
                    reached.fields.push(self.reached_field(field, trail, verdict, below));
                }
            }
        }
        self.out.types.push(reached);
    }

    fn reached_field(
        &self,
        field: Field,
        trail: usize,
        verdict: FieldVerdict,
        below: NotWalked,
    ) -> ReachedField {
        ReachedField {
            path: self.path(trail),
            way: self.way(trail),
            type_text: field.ty.map_or_else(|| "_".to_owned(), |ty| type_text(self.graph, ty)),
            ty: field.ty,
            bytes: self.bytes(&field, &verdict.verdict),
            host: field.ty.and_then(|ty| view::host(self.graph, ty)),
            key: field.key,
            verdict,
            below,
        }
    }

    /// The way to a field of the type that is being visited.
    fn enter(&mut self, visit: Visit, field: &Field) -> usize {
        let ty = field.ty.map_or_else(|| "_".to_owned(), |ty| type_text(self.graph, ty));
        let label = match &*field.key.variant {
            "" => format!("{}: {ty}", field.key.name),
            variant => format!("{variant}.{}: {ty}", field.key.name),
        };
        self.trail(Trail { parent: Some(visit.trail), steps: field.steps(), label: Some(label) })
    }

    fn follow(&mut self, visit: Visit, steps: Vec<Step>, ty: TypeId) {
        let trail = if steps.is_empty() {
            visit.trail
        } else {
            let label = steps.iter().find_map(|step| match step {
                Step::Concrete(name) => Some(format!("{{{name}}}")),
                _ => None,
            });
            self.trail(Trail { parent: Some(visit.trail), steps, label })
        };
        self.push(Some(ty), trail, visit.is_saved);
    }

    fn push(&mut self, ty: Option<TypeId>, trail: usize, is_saved: bool) {
        let Some(ty) = ty else {
            self.out.ends.push(End {
                path: self.path(trail),
                way: self.way(trail),
                type_text: "_".to_owned(),
                kind: EndKind::Unseen,
                why: "the debug information does not tell its type".to_owned(),
                evidence: Vec::new(),
            });
            return;
        };
        let visit = Visit { ty: self.graph.defined(ty), trail, is_saved };
        if self.visited.contains(&(visit.ty, is_saved)) {
            return;
        }
        if self.depth(trail) > MAX_PATH_STEPS {
            let why = format!("its path has more than {MAX_PATH_STEPS} steps");
            self.end(visit, EndKind::Unseen, why, Vec::new());
            return;
        }
        self.queue.push_back(visit);
    }

    fn end(&mut self, visit: Visit, kind: EndKind, why: String, evidence: Vec<Evidence>) {
        self.out.ends.push(End {
            path: self.path(visit.trail),
            way: self.way(visit.trail),
            type_text: type_text(self.graph, visit.ty),
            kind,
            why,
            evidence,
        });
    }

    fn trail(&mut self, trail: Trail) -> usize {
        self.trails.push(trail);
        self.trails.len() - 1
    }

    fn chain(&self, trail: usize) -> Vec<&Trail> {
        let mut chain = Vec::new();
        let mut next = Some(trail);
        while let Some(at) = next {
            chain.push(&self.trails[at]);
            next = self.trails[at].parent;
        }
        chain.reverse();
        chain
    }

    fn depth(&self, trail: usize) -> usize {
        self.chain(trail).len()
    }

    fn path(&self, trail: usize) -> FieldPath {
        let chain = self.chain(trail);
        let root = chain.first().and_then(|first| first.label.clone()).unwrap_or_default();
        let steps = chain.iter().flat_map(|trail| trail.steps.iter().cloned()).collect();
        FieldPath { root, steps }
    }

    fn way(&self, trail: usize) -> Vec<String> {
        self.chain(trail).iter().filter_map(|trail| trail.label.clone()).collect()
    }

    /// What lies below a field that is not walked into, without regard to evidence.
    fn not_walked(&self, field: &Field) -> NotWalked {
        let below = reach::below(self.graph, self.implementers, field.ty);
        NotWalked { types: below.types.len(), fields: below.fields, bytes: below.bytes }
    }

    /// The bytes of a field; those of a definition that is walked are its own fields'.
    fn bytes(&self, field: &Field, verdict: &Verdict) -> u64 {
        let Some(ty) = field.ty else { return 0 };
        let is_walked = matches!(
            verdict,
            Verdict::Saved(_) | Verdict::Partly(_) | Verdict::Volatile | Verdict::Uncovered
        );
        if is_walked && matches!(view::view(self.graph, ty), View::Defined) {
            return 0;
        }
        view::size(self.graph, ty).unwrap_or(0)
    }
}
