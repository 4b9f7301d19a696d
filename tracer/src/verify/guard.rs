//! The user's files: kept before anything runs, and put back on every way out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use samestate_report::Report;

use super::entry::{Entry, Snapshot};
use super::keep::{self, Keep};
use super::left::{make_good, recover};
use super::log::Log;
use super::state::State;
use super::undo::{Entries, Undo};
use crate::Error;
use crate::record::Change;

/// The files at one moment.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// Those at and below the state paths.
    pub(super) state: Snapshot,
    /// Which moment it is for all others.
    at: usize,
}

/// The user's files while programs change them.
#[derive(Debug)]
pub(super) struct Files {
    state: State,
    /// What calls change elsewhere; `None` if that shall stay changed.
    undo: Option<Undo>,
}

impl Files {
    /// Keeps them as they are now.
    pub(super) fn take(&mut self) -> Result<Moment, Error> {
        let at = self.undo.as_mut().map_or(Ok(0), Undo::mark)?;
        Ok(Moment { state: self.state.take()?, at })
    }

    /// From here on what was kept before is only put back, and nothing is added to it.
    pub(super) fn end_of_original(&mut self) -> Result<(), Error> {
        self.undo.as_mut().map_or(Ok(0), Undo::mark).map(drop)
    }

    /// Nothing runs: what can be found out about them now need not be found out again.
    pub(super) fn make_certain(&mut self) {
        self.state.make_certain();
    }

    /// What stood at a moment at those paths where something else stands now.
    pub(super) fn unlike_now(&self, moment: &Moment) -> Result<Entries, Error> {
        let mut then =
            self.undo.as_ref().map_or_else(Entries::new, |undo| undo.unlike_now(moment.at));
        then.extend(self.state.unlike_now(&moment.state)?);
        Ok(then)
    }

    /// Every path at which something has stood at one time and something else at another.
    pub(super) fn changed(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        let moments = self.undo.iter().flat_map(Undo::moments);
        moments.flatten().map(|(path, entry)| (path.as_path(), entry))
    }

    /// The state paths.
    pub(super) fn roots(&self) -> &[PathBuf] {
        self.state.roots()
    }

    /// The undo log of what calls change; `None` if that shall stay changed.
    pub(super) const fn undo(&self) -> Option<&Undo> {
        self.undo.as_ref()
    }

    /// A run has ended.
    pub(super) fn settle(&mut self) {
        if let Some(undo) = &mut self.undo {
            undo.settle();
        }
    }

    /// Whether it has to be told of changes.
    pub(super) const fn keeps(&self) -> bool {
        self.undo.is_some()
    }

    /// This is about to be changed.
    pub(super) fn changes(&mut self, change: Change<'_>) -> Result<(), Error> {
        self.undo.as_mut().map_or(Ok(()), |undo| undo.changes(change))
    }

    /// Makes them what they were.
    pub(super) fn go_to(&mut self, moment: &Moment) -> Result<(), Error> {
        self.both(&moment.state, |undo| undo.go_to(moment.at))
    }

    /// State paths may stand in folders that come and go, and those have times of their own.
    fn both(
        &mut self,
        state: &Snapshot,
        go: impl Fn(&mut Undo) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(undo) = &mut self.undo else { return self.state.put_back(state) };
        if self.state.is_empty() {
            return go(undo);
        }
        let first = go(undo);
        let second = self.state.put_back(state);
        // What could not be done yet can be done now.
        let again = go(undo);
        second.and(again).inspect_err(|_| drop(first))
    }

    /// Files that somebody else has changed meanwhile.
    pub(super) fn others(&self) -> Vec<PathBuf> {
        self.undo.iter().flat_map(Undo::others).map(Path::to_owned).collect()
    }

    /// Whether something was changed that cannot be put back.
    pub(super) fn has_unseen(&self) -> bool {
        self.undo.as_ref().is_some_and(Undo::has_unseen)
    }

    /// How many files the calls' undo log has copied.
    pub(super) fn copies(&self) -> u64 {
        self.undo.as_ref().map_or(0, Undo::copies)
    }
}

/// Puts the user's files back on every way out; also at the next start, if this one is killed.
pub(super) struct Guard {
    pub(super) files: Files,
    before: Snapshot,
    keeps: Vec<Keep>,
    done: bool,
}

/// Where what is kept goes.
pub(super) struct Places<'a> {
    /// Copies of the state paths at later moments.
    pub(super) copies: PathBuf,
    /// Traces and images: nothing there is the user's.
    pub(super) work: &'a Path,
    /// That folder goes in the end, also if we are killed.
    pub(super) goes: bool,
    /// Undo logs; `None` is the well-known folder.
    pub(super) logs: Option<&'a Path>,
}

impl Guard {
    /// Keeps the files below `roots`, and unless `only` these are wanted all that calls are about to
    /// change. What was left by an earlier verification goes to the report.
    pub(super) fn new(
        roots: Vec<PathBuf>,
        only: bool,
        places: Places<'_>,
        report: &mut Report,
    ) -> Result<Self, Error> {
        let log = Log::create(places.logs)?;
        apart(log.base(), &roots)?;
        make_good(&log, report)?;
        let notes = &mut report.notes;
        let mut keeps = Vec::new();
        for root in &roots {
            let keep = Keep::take(root)?;
            recover(&keep, notes)?;
            for other in keep::related(root)? {
                let other = Keep::take(&other)?;
                recover(&other, notes)?;
                other.done(&Snapshot::default())?;
            }
            keeps.push(keep);
        }
        if let Err(error) = roots.iter().try_for_each(|root| log.refuse_if_changed(root)) {
            // Nothing was kept, and nothing of ours stays beside the files.
            keeps.into_iter().try_for_each(|keep| keep.done(&Snapshot::default()))?;
            log.done()?;
            return Err(error);
        }
        let apart = roots.iter().cloned().chain([places.work.to_owned()]);
        let apart = apart.chain(keeps.iter().map(|keep: &Keep| keep.folder.clone())).collect();
        let mut state = State::new(roots, places.copies);
        let mut before = Snapshot::default();
        for keep in &keeps {
            state.take_into(&keep.root, keep.files()?, &mut before)?;
        }
        for keep in &keeps {
            keep.promise(&before)?;
        }
        let undo = if only {
            notes.extend(leads_away(&before, &keeps));
            log.done()?;
            None
        } else {
            if places.goes {
                log.take_along(places.work)?;
            }
            Some(Undo::new(log, apart, places.work.join("images")))
        };
        Ok(Self { files: Files { state, undo }, before, keeps, done: false })
    }

    /// The state paths where there was nothing, neither before nor at one of these moments, and
    /// where there is nothing now.
    pub(super) fn nowhere<'a>(&self, moments: impl Iterator<Item = &'a Snapshot>) -> Vec<PathBuf> {
        let roots = self.keeps.iter().map(|keep| &keep.root);
        let mut nowhere: Vec<_> =
            roots.filter(|root| !root.is_symlink() && !root.exists()).collect();
        let nothing =
            |snapshot: &Snapshot, root| matches!(snapshot.0.get(root), Some(Entry::Nothing) | None);
        nowhere.retain(|root| nothing(&self.before, *root));
        for moment in moments {
            nowhere.retain(|root| nothing(moment, *root));
        }
        nowhere.into_iter().cloned().collect()
    }

    /// Makes the files what they were before anything ran, so that the original can run again.
    pub(super) fn put_back(&mut self) -> Result<(), Error> {
        self.files.both(&self.before, |undo| undo.go_to(0))
    }

    /// Puts them back, and gives what is to be said of it. If that fails, the copies stay for the
    /// next start.
    pub(super) fn finish(mut self) -> Result<Vec<String>, Error> {
        self.done = true;
        let notes = self.at_last()?;
        let before = std::mem::take(&mut self.before);
        self.keeps.drain(..).try_for_each(|keep| keep.done(&before))?;
        if let Some(undo) = self.files.undo.take() {
            undo.done()?;
        }
        Ok(notes)
    }

    /// As at the beginning.
    fn at_last(&mut self) -> Result<Vec<String>, Error> {
        let put_back = |undo: &mut Option<Undo>| match undo {
            Some(undo) => undo.put_back(),
            None => Ok(Vec::new()),
        };
        let mut first = put_back(&mut self.files.undo);
        let state = self.files.state.put_back(&self.before);
        if !self.files.state.is_empty() {
            // The folders in which state paths are.
            first = put_back(&mut self.files.undo);
        }
        // Whatever cannot be put back, what is somebody else's is not lost.
        let handed_over = self.files.undo.as_ref().map_or(Ok(Vec::new()), Undo::hand_over);
        let mut notes = first?;
        state?;
        notes.extend(handed_over?);
        Ok(notes)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.done {
            // We are unwinding: there is nobody to tell, and the attempt is all that can be made.
            // The journal stays.
            let _best_effort = self.at_last();
        }
    }
}

/// Links to places that are not kept.
fn leads_away(before: &Snapshot, keeps: &[Keep]) -> Vec<String> {
    let mut notes = Vec::new();
    for (path, entry) in &before.0 {
        if !matches!(entry, Entry::Link { .. }) {
            continue;
        }
        let Ok(real) = fs::canonicalize(path) else { continue };
        if !keeps.iter().any(|keep| real.starts_with(&keep.root)) {
            notes.push(format!(
                "{} leads to {}, which no --state names: what is changed there stays changed",
                path.display(),
                real.display()
            ));
        }
    }
    notes
}

/// What has to be kept so that what is named can be put back: links are followed, of a path that
/// does not exist the first folder that does not, and nothing twice.
pub(super) fn roots(named: impl Iterator<Item = PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let mut all = named.map(|path| real(&path, 0)).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    let mut roots: Vec<PathBuf> = Vec::new();
    for path in all {
        if !roots.iter().any(|root| path.starts_with(root)) {
            roots.push(path);
        }
    }
    Ok(roots)
}

fn real(path: &Path, depth: usize) -> Result<PathBuf, Error> {
    /// As many as the kernel follows.
    const MOST_LINKS: usize = 40;
    let mut missing = None;
    let mut at = path;
    loop {
        match fs::canonicalize(at) {
            Ok(real) => {
                return Ok(match missing {
                    Some(name) => real.join(name),
                    None => real,
                });
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("find", at)(error));
            }
            Err(error) => {
                let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else {
                    return Err(Error::file("find", path)(error));
                };
                // A link to nothing: it is what it leads to that comes into being.
                if depth < MOST_LINKS
                    && let Ok(target) = fs::read_link(at)
                {
                    return real(&parent.join(target), depth + 1);
                }
                missing = Some(name);
                at = parent;
            }
        }
    }
}

/// What we write while we run must not be among the files that we put back.
pub(super) fn apart(work: &Path, roots: &[PathBuf]) -> Result<(), Error> {
    match roots.iter().find(|root| work.starts_with(root) || root.starts_with(work)) {
        Some(root) => Err(Error::WorkInState { work: work.to_owned(), state: root.to_owned() }),
        None => Ok(()),
    }
}
