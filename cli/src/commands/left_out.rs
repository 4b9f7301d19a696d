//! Which of the fields that differing lines read no checkpoint brings back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use samestate_analyzer::{CoverageConfig, Settings};
use samestate_report::{Finding, Frame, Report};

/// Adds it to the findings, as far as it can be seen: a hint, no verdict.
pub(super) fn tell(report: &mut Report, settings: &Settings) {
    let mut asked: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for frame in report.findings.iter().flat_map(frames) {
        asked.entry(PathBuf::from(&frame.module)).or_default().extend(frame.fields.iter().cloned());
    }
    for (module, fields) in asked {
        let config = CoverageConfig {
            binary: module.clone(),
            settings: settings.clone(),
            ..CoverageConfig::default()
        };
        // What cannot be read has no hints; that it has no stacks either was told.
        let Ok(found) = samestate_analyzer::left_out(&config, &fields) else { continue };
        for finding in &mut report.findings {
            let own = frames(finding).filter(|frame| Path::new(&frame.module) == module);
            let own: BTreeSet<_> = own.flat_map(|frame| &frame.fields).collect();
            let hints: Vec<_> =
                own.into_iter().filter_map(|field| found.get(field)).cloned().collect();
            for hint in hints {
                if !finding.evidence.contains(&hint) {
                    finding.evidence.push(hint);
                }
            }
        }
    }
}

/// The frames of the program's own sources that read fields.
fn frames(finding: &Finding) -> impl Iterator<Item = &Frame> {
    let frames = finding.stacks.iter().flat_map(|stack| &stack.frames);
    frames.filter(|frame| frame.is_own && !frame.fields.is_empty())
}
