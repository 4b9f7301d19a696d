//! One program: its binary, its types and the evidence about them.

use std::path::PathBuf;
use std::time::SystemTime;

use samestate_report::{Finding, Report, Subject, rules};

use crate::coverage::{CoverageConfig, blind, root_finding};
use crate::dwarf::{self, Contents, Problem};
use crate::error::Error;
use crate::evidence::{HandWritten, Judge, Records};
use crate::graph::{Graph, TypeId};
use crate::implementers::Implementers;
use crate::load::{self, Layout};
use crate::roots;
use crate::source::Sources;
use crate::statics::{self, Statics};
use crate::view::type_text;
use crate::walk::{self, Walk};

/// A binary that was read.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    contents: Contents,
    records: Records,
    roots: Vec<String>,
    source_dirs: Vec<PathBuf>,
    notes: Vec<String>,
    missing_debug_file: Option<String>,
    /// When the binary was written.
    built: Option<SystemTime>,
    layout: Layout,
}

impl Program {
    /// Reads the binary, its types and its records.
    pub(crate) fn read(config: &CoverageConfig) -> Result<Self, Error> {
        let binary = load::load(&config.binary)?;
        let contents = dwarf::read(&binary);
        let records = Records::read(&binary.records, &contents);
        Ok(Self {
            name: config.binary.display().to_string(),
            contents,
            records,
            roots: config.roots.clone(),
            source_dirs: config.source_dirs.clone(),
            notes: binary.notes,
            missing_debug_file: binary.missing_debug_file,
            built: binary.written,
            layout: binary.layout,
        })
    }

    /// Its types.
    pub(crate) fn graph(&self) -> &Graph {
        &self.contents.graph
    }

    /// Its records.
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// Walks from its roots, and states what stands in the way of seeing.
    pub(crate) fn survey(&self, report: &mut Report) -> Walk {
        report.notes.extend(self.notes.iter().cloned());
        self.state_problems(report);
        if self.graph().len() == 0 {
            report.findings.push(self.no_types());
            return Walk::default();
        }
        let roots = self.find_roots(report);
        let sources = Sources::new(&self.contents, self.built, &self.source_dirs);
        let written = HandWritten::new(&self.contents, &sources);
        let judge = Judge {
            records: &self.records,
            readers: vec![Box::new(&written)],
            places: Box::new(|id| written.places(id)),
        };
        let methods = &self.layout.methods;
        let implementers = Implementers::new(self.graph(), &self.contents.vtables, methods);
        let mut walk = walk::walk(self.graph(), &implementers, &roots, &judge);
        walk.for_each_place(|place| {
            if place.text.is_none() {
                place.text = sources.line(&place.file, place.line);
            }
        });
        walk
    }

    /// The roots that records mark and those that were named, each once, sorted by name.
    fn find_roots(&self, report: &mut Report) -> Vec<TypeId> {
        let mut found: Vec<TypeId> = self.records.roots.iter().copied().collect();
        for name in &self.roots {
            match roots::find(self.graph(), name) {
                Ok(ids) => found.extend(ids),
                Err(error) => {
                    report.findings.push(root_finding(name, &error.why, &error.offered));
                }
            }
        }
        found.sort_by_cached_key(|&id| (type_text(self.graph(), id), id));
        found.dedup();
        if found.is_empty() && self.roots.is_empty() {
            report.findings.push(Finding::new(
                &rules::NO_ROOTS,
                Subject::Input(self.name.clone()),
                "no record is marked as a root and none was named",
            ));
        }
        found
    }

    fn state_problems(&self, report: &mut Report) {
        for problem in &self.contents.problems {
            report.findings.push(match problem {
                Problem::Unit { offset, detail } => blind(
                    &self.name,
                    format!("the debug information at offset {offset:#x} is damaged: {detail}"),
                ),
                Problem::MissingSplitFile { path } => {
                    let mut finding = blind(
                        &self.name,
                        format!(
                            "the types of a unit stand in {}, which is not there",
                            path.display()
                        ),
                    );
                    finding.help = Some(
                        "keep the `.dwo` files or the `.dwp` beside the binary, or build with \
                         `split-debuginfo = \"off\"`"
                            .to_owned(),
                    );
                    finding
                }
            });
        }
        for bad in &self.records.bad {
            report.findings.push(Finding::new(
                &rules::BAD_RECORD,
                Subject::Type(bad.subject.clone()),
                bad.why.clone(),
            ));
        }
    }

    fn no_types(&self) -> Finding {
        let message = match (&self.missing_debug_file, self.contents.units) {
            (Some(name), _) => {
                format!("its debug information is in `{name}`, which was not found")
            }
            (None, 0) => "it has no debug information".to_owned(),
            (None, _) => "its debug information has line tables, but no types".to_owned(),
        };
        let mut finding =
            Finding::new(&rules::NO_TYPES, Subject::Input(self.name.clone()), message);
        finding.help = Some(match &self.missing_debug_file {
            Some(name) => format!("put `{name}` beside the binary"),
            None => "set `debug = 2` and `strip = false` in the profile of Cargo.toml that the \
                     program is built with, or pass `-C debuginfo=2` to rustc"
                .to_owned(),
        });
        finding
    }

    /// States the statics that no root of the walk covers.
    pub(crate) fn judge_statics(&self, walk: &Walk, scope: Statics, report: &mut Report) {
        statics::judge(&self.contents, &self.layout, &walk.roots, scope, report);
    }

    /// How much was looked at.
    pub(crate) fn facts(&self, report: &mut Report) {
        report.detail("types known", self.graph().len() as u64);
        report.detail("records", self.records.len() as u64);
        report.detail("units read", self.contents.units);
        report.detail("bytes of debug information", self.contents.info_len);
    }
}
