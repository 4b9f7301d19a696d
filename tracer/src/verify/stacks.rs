//! Where in the program the calls are made that differ.
//!
//! A trace does not tell, since asking at every call would cost every run too much. But runs can be
//! repeated: once something differs, the original is run again in any case ([`super::control`]), and
//! the restored run is made once more, to be asked at the calls in question. What the repeated run
//! does there must be what the trace holds, or nothing is said.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use samestate_report::{Finding, Severity, Stack};

use crate::Error;
use crate::compare::DifferingCalls;
use crate::record::Stacks;
use crate::stacks::{self, Names};
use crate::trace::{Call, Event, Place, Reader};

/// So many checkpoints that differ are asked about.
pub(super) const MOST_CHECKPOINTS: usize = 3;
/// So many differing calls of each.
const MOST_CALLS: usize = 5;

/// Names a call of a run: the thread's lineage, and which of its calls it is.
type Number = (String, u64);

/// A call that is looked for in a repeated run.
type Sought = (Number, Call);

/// Of which calls the stacks are wanted.
pub(super) struct Wanted {
    /// The finding, its call in the original run, and that in the restored one.
    calls: Vec<(usize, Option<Sought>, Option<Sought>)>,
}

impl Wanted {
    /// The first calls that differ for certain; `None` if there is none.
    pub(super) fn of(
        findings: &[Finding],
        differing: &[DifferingCalls],
        original: &Path,
        restored: &Path,
    ) -> Result<Option<Self>, Error> {
        let certain = |calls: &&DifferingCalls| {
            findings.get(calls.finding).is_some_and(|finding| finding.severity == Severity::Error)
        };
        let chosen: Vec<_> = differing.iter().filter(certain).take(MOST_CALLS).collect();
        if chosen.is_empty() {
            return Ok(None);
        }
        let places = |side: fn(&DifferingCalls) -> Option<Place>| {
            chosen.iter().filter_map(|calls| side(calls)).collect::<BTreeSet<_>>()
        };
        let mut ours = numbered(original, &places(|calls| calls.left))?;
        let mut theirs = numbered(restored, &places(|calls| calls.right))?;
        let calls = chosen.iter().map(|calls| {
            let (left, right) = (calls.left, calls.right);
            let left = left.and_then(|place| ours.remove(&place));
            (calls.finding, left, right.and_then(|place| theirs.remove(&place)))
        });
        Ok(Some(Self { calls: calls.collect() }))
    }

    /// What a run that is made to be asked shall write down.
    pub(super) fn in_restored(&self) -> Stacks {
        let numbers = self.calls.iter().filter_map(|(_, _, right)| right.as_ref());
        Stacks::At(numbers.map(|(number, _)| number.clone()).collect())
    }

    /// Puts the stacks into the findings. `control` and `again` are the repeated runs of the
    /// original and of the restored run, or why there is none.
    pub(super) fn put(
        self,
        findings: &mut [Finding],
        control: Result<&Path, String>,
        again: Result<&Path, String>,
        names: &mut Names,
    ) -> Result<(), Error> {
        let side = |calls: Vec<&Sought>, run: Result<&Path, String>| match run {
            Ok(run) => Repeated::read(run, &calls).map(Ok),
            Err(why) => Ok(Err(why)),
        };
        let left = self.calls.iter().filter_map(|(_, left, _)| left.as_ref()).collect();
        let right = self.calls.iter().filter_map(|(.., right)| right.as_ref()).collect();
        let (ours, theirs) = (side(left, control)?, side(right, again)?);
        for (finding, left, right) in &self.calls {
            let Some(finding) = findings.get_mut(*finding) else { continue };
            for (label, call, run) in [("original", left, &ours), ("restored", right, &theirs)] {
                let Some(call) = call else { continue };
                let stack = match run {
                    Ok(run) => run.stack(label, call, names),
                    Err(why) => nothing(label, why.clone()),
                };
                finding.stacks.push(stack);
            }
            stacks::place(finding);
        }
        Ok(())
    }
}

fn nothing(label: &str, why: String) -> Stack {
    Stack { label: label.to_owned(), frames: Vec::new(), missing: Some(why) }
}

/// The calls at some places of a trace, and which of their thread they are.
fn numbered(trace: &Path, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Sought>, Error> {
    let mut found = BTreeMap::new();
    let mut counted = Counted::default();
    let mut reader = Reader::open(trace)?;
    while let Some(last) = places.last()
        && let Some((place, event)) = reader.read()?
        && place <= *last
    {
        let number = counted.next(&event);
        if let (Event::Call(call), Some(number)) = (event, number)
            && places.contains(&place)
        {
            found.insert(place, (number, call));
        }
    }
    Ok(found)
}

/// Counts the calls of each thread.
#[derive(Default)]
struct Counted {
    tasks: HashMap<u32, (String, u64)>,
}

impl Counted {
    /// Which call of which thread the event is, if it is one.
    fn next(&mut self, event: &Event) -> Option<Number> {
        match event {
            Event::Task(task) => {
                self.tasks.insert(task.id, (task.lineage.clone(), 0));
                None
            }
            Event::Call(call) => {
                let (lineage, count) = self.tasks.get_mut(&call.task)?;
                *count += 1;
                Some((lineage.clone(), *count - 1))
            }
            _ => None,
        }
    }
}

/// What a repeated run did at the calls in question.
struct Repeated {
    stacks: stacks::Stacks,
    calls: HashMap<Number, (Place, Call)>,
}

impl Repeated {
    fn read(run: &Path, wanted: &[&Sought]) -> Result<Self, Error> {
        let wanted: BTreeSet<&Number> = wanted.iter().map(|(number, _)| number).collect();
        let mut repeated = Self { stacks: stacks::Stacks::default(), calls: HashMap::new() };
        let mut counted = Counted::default();
        let mut reader = Reader::open(run)?;
        while repeated.calls.len() < wanted.len()
            && let Some((place, event)) = reader.read()?
        {
            repeated.stacks.learn(place, &event);
            let number = counted.next(&event);
            match (event, number) {
                (Event::Call(call), Some(number)) if wanted.contains(&number) => {
                    repeated.calls.insert(number, (place, call));
                }
                (Event::Call(_), _) => repeated.stacks.forget_at(place),
                _ => {}
            }
        }
        Ok(repeated)
    }

    fn stack(&self, label: &str, (number, call): &Sought, names: &mut Names) -> Stack {
        let Some((place, again)) = self.calls.get(number) else {
            let why = "the run, made again, ended before this call";
            return nothing(label, why.to_owned());
        };
        if !is_same(call, again) {
            let why = "the run, made again, makes another call here";
            return nothing(label, why.to_owned());
        }
        match self.stacks.at(*place) {
            Some(stack) => names.stack(label, &self.stacks, stack),
            None => nothing(label, "the call was answered before the tracer saw it".to_owned()),
        }
    }
}

/// Whether a repeated run makes the same call: from the same place in the program, with the same
/// bytes.
fn is_same(call: &Call, again: &Call) -> bool {
    let handed = |call: &Call| -> Vec<(u8, u64, u64)> {
        let data = call.data.iter().filter(|data| !data.out);
        data.map(|data| (data.argument, data.payload.length, data.payload.hash)).collect()
    };
    (call.number, call.instruction) == (again.number, again.instruction)
        && handed(call) == handed(again)
}
