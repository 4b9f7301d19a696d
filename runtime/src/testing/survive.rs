use std::any::type_name;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use samestate_image::Image;
use samestate_image::mutant::{self, Edit, Site};

use super::report::Unequal;
use super::{Setup, report, roundtrip};
use crate::Checkpoint;
use crate::schema::Program;

/// How many images are tried at most: one with new elements or variants may hold new fields.
const IMAGES: usize = 4096;

pub(super) fn check<T: Checkpoint>(setup: &Setup<'_, T>, value: &T) -> Result<(), String> {
    // What is always the same after a restore may be so by chance here, but not in a mutant too.
    roundtrip::check(setup, value)?;
    let mut check = Check {
        setup,
        program: Program::of::<T>().map_err(|error| error.to_string())?,
        places: BTreeMap::new(),
        added: BTreeMap::new(),
        met: BTreeSet::new(),
        images: VecDeque::new(),
        left: IMAGES,
    };
    check.later(report::saved(value)?)?;
    while let Some(image) = check.images.pop_front() {
        check.image(&report::opened(&image)?)?;
    }
    check.judge(type_name::<T>())
}

struct Check<'a, 's, T> {
    setup: &'a Setup<'s, T>,
    program: Program,
    /// By the field path in the types.
    places: BTreeMap<String, Found>,
    /// What was made from nothing, by its field path in the types: why it was refused, if it was.
    added: BTreeMap<String, Option<String>>,
    /// The places in all images, those that are not tried yet too.
    met: BTreeSet<String>,
    /// Images whose fields are not tried yet.
    images: VecDeque<Vec<u8>>,
    left: usize,
}

/// What is known of a place; a later one counts more.
enum Found {
    /// No other value could be restored.
    Refused(String),
    /// Another value came back.
    Survived,
    /// Another value did not come back.
    Lost(String),
}

enum Tried {
    Refused(String),
    Survived(Vec<u8>),
    Lost(Vec<Unequal>, Vec<Unequal>),
    /// There is no such value.
    Nothing,
}

impl<T: Checkpoint> Check<'_, '_, T> {
    fn image(&mut self, image: &Image<'_>) -> Result<(), String> {
        for site in mutant::sites(image).map_err(|error| error.to_string())? {
            if !self.is_untested(&site.place) {
                self.site(image, &site)?;
            }
        }
        Ok(())
    }

    fn is_untested(&self, place: &str) -> bool {
        self.setup.untested.iter().any(|field| {
            place
                .strip_prefix(field.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ':', '{']))
        })
    }

    fn site(&mut self, image: &Image<'_>, site: &Site) -> Result<(), String> {
        let known = !matches!(self.places.get(&site.place), None | Some(Found::Refused(_)));
        if known && site.edits.iter().all(|edit| edit.adds().is_none()) {
            return Ok(());
        }
        let mut lost = None;
        let mut refused = None;
        let mut survived = false;
        for edit in &site.edits {
            let tried = self.edit(image, site, edit)?;
            if let Some(added) = edit.adds() {
                self.note_added(added, &tried);
            }
            match tried {
                Tried::Survived(mutant) => {
                    survived = true;
                    if edit.adds().is_none() {
                        break;
                    }
                    self.later(mutant)?;
                }
                Tried::Lost(wanted, got) => {
                    lost.get_or_insert_with(|| told(site, &wanted, &got));
                }
                Tried::Refused(error) => {
                    refused.get_or_insert(error);
                }
                Tried::Nothing => {}
            }
        }
        if survived && site.volatile && !self.depends(image, site)? {
            survived = false;
            lost = Some(format!("{}: whatever is put there, the same comes back", site.path));
        }
        let found = match (survived, lost, refused) {
            (true, ..) => Found::Survived,
            (false, Some(lost), _) => Found::Lost(lost),
            (false, None, Some(error)) if !known && !site.tag => Found::Refused(error),
            (false, None, _) => return Ok(()),
        };
        if !known || matches!(found, Found::Lost(_)) {
            self.places.insert(site.place.clone(), found);
        }
        Ok(())
    }

    fn edit(&self, image: &Image<'_>, site: &Site, edit: &Edit) -> Result<Tried, String> {
        let mutant = mutant::mutant(image, site, edit).map_err(|error| error.to_string())?;
        let Some(bytes) = mutant else { return Ok(Tried::Nothing) };
        let mutant = report::opened(&bytes)?;
        let restored = match self.setup.restore(&mutant, &self.program) {
            Ok(restored) => restored,
            Err(error) => return Ok(Tried::Refused(error.to_string())),
        };
        let again = report::saved(&restored)?;
        let again = report::opened(&again)?;
        if again.id() == mutant.id() {
            drop(mutant);
            return Ok(Tried::Survived(bytes));
        }
        let wanted = report::differences(image, &mutant)?;
        Ok(Tried::Lost(wanted, report::differences(image, &again)?))
    }

    /// Whether what is volatile in a restored state depends on what stood at this site. It need not
    /// be the same: a field that nobody compares may hold a time.
    fn depends(&self, image: &Image<'_>, site: &Site) -> Result<bool, String> {
        let (mut tried, mut came_back) = (0, BTreeSet::new());
        let mut try_out = |image: &Image<'_>| {
            if let Ok(restored) = self.setup.restore(image, &self.program) {
                let again = report::saved(&restored)?;
                tried += 1;
                came_back.insert(report::opened(&again)?.volatile().to_vec());
            }
            Ok::<(), String>(())
        };
        try_out(image)?;
        for edit in &site.edits {
            let mutant = mutant::mutant(image, site, edit).map_err(|error| error.to_string())?;
            if let Some(bytes) = mutant {
                try_out(&report::opened(&bytes)?)?;
            }
        }
        Ok(tried < 2 || came_back.len() > 1)
    }

    fn note_added(&mut self, added: &str, tried: &Tried) {
        let refused = match tried {
            Tried::Survived(_) | Tried::Lost(..) => None,
            Tried::Refused(error) => Some(error.clone()),
            Tried::Nothing => Some(String::from("no value could be made")),
        };
        if self.is_untested(added) {
            return;
        }
        match self.added.get(added) {
            Some(None) => {}
            _ => drop(self.added.insert(added.to_owned(), refused)),
        }
    }

    /// Keeps an image for later, if it holds places that were not met.
    fn later(&mut self, image: Vec<u8>) -> Result<(), String> {
        let opened = report::opened(&image)?;
        let sites = mutant::sites(&opened).map_err(|error| error.to_string())?;
        drop(opened);
        let before = self.met.len();
        self.met.extend(sites.into_iter().map(|site| site.place));
        if self.met.len() > before {
            self.left = self
                .left
                .checked_sub(1)
                .ok_or_else(|| String::from("the types have too many variants to try them all"))?;
            self.images.push_back(image);
        }
        Ok(())
    }

    fn judge(self, name: &str) -> Result<(), String> {
        let (mut lost, mut untested) = (Vec::new(), Vec::new());
        for (place, found) in self.places {
            match found {
                Found::Survived => {}
                Found::Lost(told) => lost.push(told),
                Found::Refused(error) => untested.push(format!("{place}: {error}")),
            }
        }
        for (added, refused) in self.added {
            if let (Some(error), false) = (refused, self.met.iter().any(|p| p.starts_with(&added)))
            {
                untested.push(format!("{added}: {error}"));
            }
        }
        let mut message = String::new();
        if !lost.is_empty() {
            let lines = report::lines(&lost);
            message.push_str(&format!("fields of `{name}` do not survive a restore:{lines}"));
        }
        if !untested.is_empty() {
            let lines = report::lines(&untested);
            let line = if message.is_empty() { "" } else { "\n" };
            message.push_str(&format!(
                "{line}fields of `{name}` could not be tested, because no other value of them was \
                 restored; test another value, or allow it by `Setup::new().untested(\"…\")`:{lines}"
            ));
        }
        if message.is_empty() { Ok(()) } else { Err(message) }
    }
}

/// What became of a change that was made at a site.
fn told(site: &Site, wanted: &[Unequal], got: &[Unequal]) -> String {
    let mut message = match wanted.first() {
        Some(change) => match got.iter().find(|other| other.path == change.path) {
            Some(other) => format!(
                "{}: {} was put in place of {}, and {} came back",
                change.path, change.right, change.left, other.right
            ),
            None => format!(
                "{}: {} was put in place of {}, and {} came back",
                change.path, change.right, change.left, change.left
            ),
        },
        None => format!("{}: a change did not come back", site.path),
    };
    let elsewhere = got.iter().find(|other| wanted.iter().all(|change| change.path != other.path));
    if let Some(other) = elsewhere {
        message
            .push_str(&format!("; {} changed from {} to {}", other.path, other.left, other.right));
    }
    message
}
