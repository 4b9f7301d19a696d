//! Which images a store keeps.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::path::PathBuf;

use samestate_image::Ends;

use super::names::Name;

/// The rules. An image stays if any of them keeps it; without rules, all stay.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Retention {
    /// So many of the newest images.
    pub(super) last: Option<NonZeroU64>,
    /// The first image saved in each so many steps.
    pub(super) every: Option<NonZeroU64>,
}

/// Images whose ends were found to be there, so that each is looked at only once.
#[derive(Debug, Default)]
pub(super) struct Looked(HashSet<PathBuf>);

impl Looked {
    /// Whether the image looks whole.
    fn is_whole(&mut self, name: &Name) -> bool {
        if self.0.contains(&name.path) {
            return true;
        }
        let whole = Ends::read(&name.path).is_ok();
        if whole {
            self.0.insert(name.path.clone());
        }
        whole
    }

    pub(super) fn forget(&mut self, name: &Name) {
        self.0.remove(&name.path);
    }
}

impl Retention {
    /// The images that no rule keeps; `older` are those before the one that was just saved, which
    /// stays in any case. An image that does not look whole counts for no rule and is not among
    /// them: there may be something in it that somebody wants to rescue.
    pub(super) fn excess(&self, older: Vec<Name>, looked: &mut Looked) -> Vec<Name> {
        if self.last.is_none() && self.every.is_none() {
            return Vec::new();
        }
        let mut whole: Vec<Name> = older.into_iter().filter(|name| looked.is_whole(name)).collect();
        // The new one is the first of the newest.
        let last =
            self.last.map_or(0, |last| usize::try_from(last.get() - 1).unwrap_or(usize::MAX));
        whole.truncate(whole.len().saturating_sub(last));
        if let Some(every) = self.every {
            let mut kept = None;
            whole.retain(|name| {
                let span = name.step / every;
                let is_first = kept.replace(span) != Some(span);
                !is_first
            });
        }
        whole
    }
}
