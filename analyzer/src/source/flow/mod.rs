//! Which state a saving function writes: where values of the state go, followed through names,
//! patterns, helpers and macros.
//!
//! A value is saved if it leaves: if it is handed to something that the function was given, to
//! code that cannot be seen, or back to the caller. A value that is logged, compared, measured,
//! or computed into a name that nobody uses, is not.

mod calls;
mod macros;
mod patterns;
mod read;
mod value;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

pub(crate) use self::value::{Key, Mark, Summary};
use super::codebase::{Codebase, Func, FuncId};
use crate::graph::TypeId;

/// What a function is given for one of its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Given {
    /// State of this type.
    State(TypeId),
    /// Something that leads out.
    Out,
    /// A plain value.
    Plain,
}

type Call = (FuncId, Vec<Given>);

/// Reads functions, each once for each kind of arguments.
pub(crate) struct Flows<'a> {
    pub(crate) code: &'a Codebase<'a>,
    known: RefCell<HashMap<Call, Rc<Summary>>>,
    running: RefCell<HashSet<Call>>,
}

/// How deep functions are followed.
const MAX_DEPTH: usize = 24;

impl<'a> Flows<'a> {
    /// A reader of this code.
    pub(crate) fn new(code: &'a Codebase<'a>) -> Self {
        Self { code, known: RefCell::default(), running: RefCell::default() }
    }

    /// What a function does with what it is given.
    pub(crate) fn summary(&self, func: &Func, given: &[Given]) -> Rc<Summary> {
        let call = (func.id(), given.to_vec());
        if let Some(known) = self.known.borrow().get(&call) {
            return Rc::clone(known);
        }
        // A function that calls itself does nothing more the second time.
        if self.running.borrow().len() >= MAX_DEPTH
            || !self.running.borrow_mut().insert(call.clone())
        {
            return Rc::default();
        }
        let summary = Rc::new(read::read(self, func, given));
        self.running.borrow_mut().remove(&call);
        self.known.borrow_mut().insert(call, Rc::clone(&summary));
        summary
    }

    /// What a function does with the state in these of its parameters, as whoever saves calls it.
    pub(crate) fn entry(&self, func: &Func, states: &[(usize, TypeId)]) -> Rc<Summary> {
        let inputs = &func.signature().inputs;
        let given: Vec<Given> = inputs
            .iter()
            .enumerate()
            .map(|(index, input)| match states.iter().find(|(at, _)| *at == index) {
                Some((_, ty)) => Given::State(*ty),
                None => match input {
                    syn::FnArg::Typed(typed) if super::codebase::is_plain(&typed.ty) => {
                        Given::Plain
                    }
                    _ => Given::Out,
                },
            })
            .collect();
        self.summary(func, &given)
    }
}
