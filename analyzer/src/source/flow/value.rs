//! What is known of a value: from which places of the state it comes.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::FieldKey;
use crate::graph::TypeId;
use crate::source::conditions;

/// One step from a value to a part of it: the type that has the part, and which it is.
pub(crate) type Key = (TypeId, FieldKey);

/// A place in the state that a function was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which parameter it belongs to.
    pub(super) param: usize,
    /// The way to it from there.
    pub(super) path: Vec<Key>,
    /// Its type; `None` for what is only made of the value there.
    pub(super) ty: Option<TypeId>,
    /// Whether that is made of all that the value holds, so that it could be made again.
    pub(super) is_whole: bool,
    /// The condition, of which nothing is known, under which it is this place.
    pub(super) under: Option<String>,
}

/// A value.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    /// What it is, or is made of.
    pub(super) places: BTreeSet<Place>,
    /// Whether what is put into it leaves the function: a writer, or something unknown.
    pub(super) is_out: bool,
    /// Whether that is somewhere else than what the function was given.
    pub(super) is_elsewhere: bool,
    /// Whether code made it that cannot be seen.
    pub(super) is_opaque: bool,
    /// Whether it is a pair of a number and what its places tell.
    pub(super) is_counted: bool,
    /// The types that it may have, if it leads out.
    pub(super) writers: Vec<TypeId>,
}

impl Value {
    /// Something that leads out.
    pub(super) fn out() -> Self {
        Self { is_out: true, is_elsewhere: true, ..Self::default() }
    }

    /// Both in one.
    pub(super) fn join(mut self, other: Self) -> Self {
        self.places.extend(other.places);
        self.is_out |= other.is_out;
        self.is_elsewhere |= other.is_elsewhere;
        self.is_opaque |= other.is_opaque;
        self.writers.extend(other.writers);
        self.writers.dedup();
        self
    }

    /// Something that is computed from it.
    pub(super) fn derived(self) -> Self {
        self.made(false)
    }

    /// Something that it is turned into, by what loses nothing of a single number or text.
    pub(super) fn converted(self) -> Self {
        self.made(true)
    }

    fn made(self, is_whole: bool) -> Self {
        let made = |place: Place| Place {
            ty: None,
            is_whole: is_whole && (place.ty.is_some() || place.is_whole),
            ..place
        };
        let places = self.places.into_iter().map(made).collect();
        let Self { is_out, is_elsewhere, is_opaque, .. } = self;
        Self { places, is_out, is_elsewhere, is_opaque, ..Self::default() }
    }

    /// The same where it is this value under a condition only.
    pub(super) fn under(mut self, condition: &str) -> Self {
        let places = std::mem::take(&mut self.places).into_iter();
        let doubtful = |place: Place| {
            let under = place.under.or_else(|| Some(condition.to_owned()));
            Place { under, ..place }
        };
        self.places = places.map(doubtful).collect();
        self
    }

    /// What it is, without what it leads to.
    pub(super) fn inward(mut self) -> Self {
        self.is_out = false;
        self
    }
}

/// What becomes of one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its value goes into the image.
    pub(crate) is_saved: bool,
    /// Not only by what the function was given to put it into.
    pub(super) is_elsewhere: bool,
    /// It does so behind these conditions, of which nothing is known.
    pub(crate) conditions: BTreeSet<String>,
    /// It is only logged or tested.
    pub(crate) is_mentioned: bool,
    /// A function got it that was read.
    pub(crate) is_entered: bool,
    /// Where it went to, if that cannot be seen.
    pub(crate) to: Option<String>,
    /// What went there was converted from all of it.
    pub(crate) is_whole: bool,
}

impl Mark {
    /// Takes over what else became of it.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.add(other, None);
    }

    /// It is saved if this condition holds; it is for sure if the opposite is known to do.
    pub(crate) fn doubt(&mut self, condition: &str) {
        self.conditions.insert(condition.to_owned());
        self.is_saved |= conditions::are_exhaustive(self.conditions.iter());
    }

    /// Takes over what else became of it; `under` is the condition of that.
    pub(super) fn add(&mut self, other: &Self, under: Option<&String>) {
        match under {
            Some(condition) if other.is_saved => {
                self.conditions.insert(condition.clone());
            }
            _ => self.is_saved |= other.is_saved,
        }
        self.conditions.extend(other.conditions.iter().cloned());
        self.is_elsewhere |= other.is_elsewhere;
        self.is_mentioned |= other.is_mentioned;
        self.is_entered |= other.is_entered;
        self.is_whole |= other.is_whole;
        if self.to.is_none() {
            self.to.clone_from(&other.to);
        }
    }
}

/// What a function does with the state that it is given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// By parameter and way.
    pub(crate) marks: BTreeMap<(usize, Vec<Key>), Mark>,
    /// What it gives back.
    pub(super) returned: BTreeSet<Place>,
}

impl Summary {
    /// The ways to what it gives back of a parameter, each with the condition that it does so under,
    /// and whether what it gives back was converted from all that is there.
    pub(crate) fn given_back(
        &self,
        param: usize,
    ) -> impl Iterator<Item = (&[Key], Option<&String>, bool)> {
        let own = self.returned.iter().filter(move |place| place.param == param);
        own.map(|place| (&*place.path, place.under.as_ref(), place.is_whole))
    }
}
