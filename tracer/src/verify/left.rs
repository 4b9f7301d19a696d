//! What verifications have left that were killed: it is put back, or said.

use std::path::{Path, PathBuf};

use samestate_report::{Finding, Report, Subject, rules};

use super::entry::Entry;
use super::keep::Keep;
use super::log::Log;
use super::state::State;
use super::undo::{Entries, Undo};
use crate::Error;

/// Puts back what a verification that was killed has left.
pub(super) fn recover(keep: &Keep, notes: &mut Vec<String>) -> Result<(), Error> {
    let before = match keep.left_over() {
        Ok(Some(before)) => before,
        Ok(None) => return Ok(()),
        Err(error) => {
            let (path, folder) = (keep.root.clone(), keep.folder.clone());
            return Err(Error::LeftDamaged { path, folder, source: Box::new(error) });
        }
    };
    // No copies are taken.
    State::new(vec![keep.root.clone()], PathBuf::new()).put_back(&before)?;
    // The copies are about to go.
    keep.settle(&before)?;
    notes.push(format!(
        "an earlier verification was killed; {} is now as it was before that",
        keep.root.display()
    ));
    Ok(())
}

/// Puts back what verifications that were killed have changed anywhere.
pub(super) fn make_good(log: &Log, report: &mut Report) -> Result<(), Error> {
    let (left_over, aside) = log.left_over()?;
    for folder in aside {
        report.findings.push(not_put_back(&folder, SET_ASIDE, None));
    }
    for left in left_over {
        let mut left = match left {
            Ok(left) => left,
            Err((folder, error)) => {
                report.findings.push(not_put_back(&folder, AGAIN, Some(&error)));
                continue;
            }
        };
        let put_back = was_put_back(&left.told.before);
        let (failed, folder, then) = match Undo::recover(&mut left) {
            Ok(recovered) => {
                report.notes.extend(recovered.notes);
                match (recovered.failed, left.told.damage.take()) {
                    (None, None) => {
                        report.notes.extend(put_back);
                        left.done()?;
                        continue;
                    }
                    (failed, Some(damage)) => {
                        report.notes.extend(put_back.filter(|_| failed.is_none()));
                        (failed.unwrap_or(damage), left.set_aside()?, SET_ASIDE)
                    }
                    (Some(failed), None) => (failed, left.folder().to_owned(), AGAIN),
                }
            }
            Err(error) => (error, left.folder().to_owned(), AGAIN),
        };
        report.findings.push(not_put_back(&folder, then, Some(&failed)));
    }
    Ok(())
}

const AGAIN: &str = "this is tried again at each start; if it cannot be done";
const SET_ASIDE: &str = "the rest cannot be done, and this is said until the folder is gone";

/// An earlier verification was killed, and this is what is left of it.
fn not_put_back(folder: &Path, then: &str, error: Option<&Error>) -> Finding {
    let mut finding = Finding::new(
        &rules::NOT_PUT_BACK,
        Subject::Input(folder.display().to_string()),
        "an earlier verification was killed, and not all that it had changed could be put back",
    );
    finding.details.extend(error.map(Error::with_causes));
    finding.details.push(format!(
        "{then}: take what you need from {}, where copies of files are as they were before, and \
         remove that folder",
        folder.display()
    ));
    finding
}

/// What is to be said of what was put back.
fn was_put_back(before: &Entries) -> Option<String> {
    let changed = before.iter().filter(|(_, entry)| !matches!(entry, Entry::Folder { .. }));
    let mut paths: Vec<_> = changed.map(|(path, _)| path.display().to_string()).collect();
    let count = paths.len();
    paths.truncate(5);
    let more = if count > paths.len() {
        format!(" and {} more", count - paths.len())
    } else {
        String::new()
    };
    (count > 0).then(|| {
        format!(
            "an earlier verification was killed; what it had changed is now as it was before \
             that: {}{more}",
            paths.join(", ")
        )
    })
}
