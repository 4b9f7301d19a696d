//! One program: its binary, its types and the evidence about them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use samestate_report::{Finding, Place, Report, Subject, rules};

use crate::aside::Aside;
use crate::coverage::{CoverageConfig, blind, root_finding};
use crate::dwarf::{self, Contents, Problem};
use crate::error::Error;
use crate::evidence::{
    self, Decisions, Derives, HandWritten, Judge, NamedFunctions, Records, SERDE, Tagged,
};
use crate::graph::{Graph, TypeId};
use crate::implementers::Implementers;
use crate::load::{self, Layout, MissingDebugFile};
use crate::memory::Target;
use crate::names;
use crate::profile::Profile;
use crate::roots;
use crate::settings::Settings;
use crate::source::{Codebase, Flows, Sources, by_order};
use crate::statics::{self, Statics};
use crate::timings;
use crate::unreached;
use crate::versions;
use crate::view::type_text;
use crate::walk::{self, Walk};

/// A binary that was read.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    path: PathBuf,
    contents: Aside<Contents>,
    records: Records,
    roots: Vec<(String, Option<Place>)>,
    settings: Settings,
    source_dirs: Vec<PathBuf>,
    notes: Vec<String>,
    missing_debug_file: Option<MissingDebugFile>,
    /// When the binary was written.
    built: Option<SystemTime>,
    layout: Layout,
    target: Target,
}

impl Program {
    /// Reads the binary, its types and its records.
    pub(crate) fn read(config: &CoverageConfig) -> Result<Self, Error> {
        let binary = timings::phase("read sections", || load::load(&config.binary))?;
        let contents = Aside::new(dwarf::read(&binary));
        timings::note(|timings| timings.types += contents.graph.len() as u64);
        let records = Records::read(&binary.records, &contents);
        drop(Aside::new(binary.sections));
        Ok(Self {
            name: config.binary.display().to_string(),
            path: config.binary.clone(),
            contents,
            records,
            roots: named_roots(config),
            settings: config.settings.clone(),
            source_dirs: config.source_dirs.clone(),
            notes: binary.notes,
            missing_debug_file: binary.missing_debug_file,
            built: binary.written,
            layout: binary.layout,
            target: binary.target,
        })
    }

    /// Its types.
    pub(crate) fn graph(&self) -> &Graph {
        &self.contents.graph
    }

    /// Does something with its sources.
    pub(crate) fn with_sources<T>(&self, read: impl FnOnce(&Sources<'_>, &Contents) -> T) -> T {
        let binary = (&*self.path, self.built);
        read(&Sources::new(&self.contents, binary, &self.source_dirs), &self.contents)
    }

    /// What its images depend on.
    pub(crate) const fn profile(&self) -> Profile {
        self.settings.profile
    }

    /// The machine that it was built for.
    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    /// Whether a definition is of a crate: those of C and C++ are not.
    pub(crate) fn is_rust(&self, definition: &str) -> bool {
        self.contents.crates.contains_key(names::crate_of(definition)) || names::is_std(definition)
    }

    /// Its records.
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// Walks from its roots, and states what stands in the way of seeing; what became of the lines
    /// of samestate.toml goes to `stated`.
    pub(crate) fn survey(&self, report: &mut Report, stated: &mut Report) -> Walk {
        report.notes.extend(self.notes.iter().cloned());
        self.state_problems(report);
        if self.graph().len() == 0 {
            // Where its types are, is told already.
            let is_shared = |problem: &Problem| matches!(problem, Problem::SharedFile { .. });
            if !self.contents.problems.iter().any(is_shared) {
                report.findings.push(self.no_types());
            }
            return Walk::default();
        }
        let roots = timings::phase("find roots", || self.find_roots(report));
        let binary = (&*self.path, self.built);
        let sources = Sources::new(&self.contents, binary, &self.source_dirs);
        let code = timings::phase("know the types by name", || {
            Codebase::new(&self.contents, &sources, &roots)
        });
        let flows = Flows::new(&code);
        let written = HandWritten::new(&self.contents, &sources, &flows);
        let lines = Box::new(|id| written.places(id));
        let crates = self.crates_of(&roots);
        let serde = Derives::new(&SERDE, &flows, Box::new(|id| written.places(id)));
        // Without a word about it, derives count where a root has them.
        let is_serde =
            self.settings.serde.unwrap_or_else(|| roots.iter().any(|&root| serde.is_saved(root)));
        let named = NamedFunctions::new(&flows, &self.settings, &crates, lines);
        stated.findings.extend(named.stale.iter().cloned());
        let methods = &self.layout.methods;
        let implementers = Implementers::new(self.graph(), &self.contents.vtables, methods);
        let tagged = Tagged::new(&self.contents, &implementers, &roots);
        let mut readers: Vec<Box<dyn evidence::Source + '_>> =
            vec![Box::new(&written), Box::new(&named)];
        if is_serde {
            readers.push(Box::new(&serde));
        }
        // The last one, since it judges all that hangs from a tagged type.
        readers.push(Box::new(&tagged));
        let judge = Judge {
            records: &self.records,
            readers,
            places: Box::new(|id| {
                let places = tagged.places(id);
                if places.is_empty() { written.places(id) } else { places }
            }),
            decisions: Decisions::new(self.graph(), &self.settings),
        };
        let mut walk = timings::phase("walk and judge fields", || {
            walk::walk(self.graph(), &implementers, &roots, &judge)
        });
        walk.for_each_place(|place| {
            if place.text.is_none() {
                place.text = sources.line(&place.file, place.line);
            }
        });
        let decide = |name: &str, ty| judge.decisions.decide_static(name, ty);
        walk.decided_statics = statics::decided(&self.contents, &self.layout, decide);
        judge.decisions.report(stated);
        let lines = &self.settings.versions;
        if is_serde && self.settings.order.is_none() {
            self.suggest_order(&crates, report);
        }
        walk.versions =
            versions::read(&self.contents, &sources, lines, &walk.roots, report, stated);
        walk
    }

    /// Says so if serializers that go by order may write the state, and nobody said whether they do.
    fn suggest_order(&self, crates: &BTreeSet<String>, report: &mut Report) {
        let formats = by_order(&self.contents, crates);
        if formats.is_empty() {
            return;
        }
        let named: Vec<_> = formats.iter().map(|name| format!("`{name}`")).collect();
        let note = format!(
            "{} may be what writes the state, and tells fields and variants apart by their order: \
             write `order = \"matters\"` in samestate.toml, so that moving them is an error, or `order = \
             \"free\"`",
            named.join(", ")
        );
        // Two sides of a comparison say the same.
        if !report.notes.contains(&note) {
            report.notes.push(note);
        }
    }

    /// The roots that records mark and those that were named, each once, sorted by name.
    fn find_roots(&self, report: &mut Report) -> Vec<TypeId> {
        let mut found: Vec<TypeId> = self.records.roots.iter().copied().collect();
        let tagged = self.contents.tags.types.iter().filter(|(_, tags)| tags.is_root);
        found.extend(tagged.map(|(&id, _)| id));
        for (name, place) in &self.roots {
            match roots::find(self.graph(), name) {
                Ok(ids) => found.extend(ids),
                Err(error) => {
                    report.findings.push(root_finding(
                        name,
                        place.as_ref(),
                        &error.why,
                        &error.offered,
                    ));
                }
            }
        }
        found.sort_by_cached_key(|&id| (type_text(self.graph(), id), id));
        found.dedup();
        if found.is_empty() && self.roots.is_empty() {
            let has_tags = self.contents.tags.units > 0;
            let message = if has_tags {
                "no struct has the tag of a root and none was named"
            } else {
                "no record is marked as a root and none was named"
            };
            let subject = Subject::Input(self.name.clone());
            let mut finding = Finding::new(&rules::NO_ROOTS, subject, message);
            finding.help = has_tags.then(|| {
                "write `__cr_root` on the struct from which the state hangs, or name it with `--root`"
                    .to_owned()
            });
            report.findings.push(finding);
        }
        found
    }

    /// The crates in which functions that samestate.toml names are looked for: the program's own,
    /// those of its roots, and those that a name starts with.
    fn crates_of(&self, roots: &[TypeId]) -> BTreeSet<String> {
        let known = &self.contents.crates;
        let own =
            known.iter().filter(|(_, roots)| roots.iter().any(|root| root.file.is_relative()));
        let of_roots =
            roots.iter().map(|&id| names::crate_of(self.graph().get(id).definition()).to_owned());
        let patterns = self.settings.save.iter().chain(&self.settings.restore);
        let named = patterns.filter_map(|named| named.pattern.text().split("::").next());
        let named = named.filter(|name| known.contains_key(*name)).map(str::to_owned);
        own.map(|(name, _)| name.clone()).chain(of_roots).chain(named).collect()
    }

    fn state_problems(&self, report: &mut Report) {
        for problem in &self.contents.problems {
            report.findings.push(match problem {
                Problem::Unit { offset, detail } => blind(
                    &self.name,
                    format!("the debug information at offset {offset:#x} is damaged: {detail}"),
                ),
                Problem::Relocation { detail } => {
                    let mut finding = blind(
                        &self.name,
                        format!("the object file cannot be read whole: {detail}"),
                    );
                    finding.help = Some(
                        "compile it again, or give the program that it is linked into".to_owned(),
                    );
                    finding
                }
                Problem::SharedFile { name } => {
                    let message = format!("some of its types stand in {name}, which is not read");
                    let mut finding = blind(&self.name, message);
                    finding.help = Some("give a build that `dwz -m` has not changed".to_owned());
                    finding
                }
                Problem::ForeignSplitFile { path } => {
                    let message = format!(
                        "the types of a unit stood in {}, which is of another build now",
                        path.display()
                    );
                    let mut finding = blind(&self.name, message);
                    finding.help =
                        Some("link the program again, so that both are of one build".to_owned());
                    finding
                }
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
        for lost in &self.contents.tags.lost {
            let by = match &*lost.producer {
                "" => "its compiler".to_owned(),
                producer => format!("`{producer}`"),
            };
            let message = format!("`{}` has tags, and {by} keeps none", lost.unit);
            let mut finding = blind(&lost.unit, message);
            finding.help = Some(
                "compile it with `clang -g` (14 or later) or `gcc -g` (16 or later)".to_owned(),
            );
            report.findings.push(finding);
        }
        let named = self.layout.tagged_objects;
        if named > self.contents.tags.units {
            let message = format!(
                "{} objects have tags in their source and no debug information",
                named - self.contents.tags.units
            );
            let mut finding = blind(&self.name, message);
            finding.help = Some("compile all files with `-g`".to_owned());
            report.findings.push(finding);
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
            (Some(MissingDebugFile { name, foreign: None }), _) => {
                format!("its debug information is in `{name}`, which was not found")
            }
            (Some(MissingDebugFile { name, foreign: Some(foreign) }), _) => format!(
                "its debug information is in `{name}`, and {} is of another build",
                foreign.display()
            ),
            (None, 0) => "it has no debug information".to_owned(),
            (None, _) => "its debug information has line tables, but no types".to_owned(),
        };
        let mut finding =
            Finding::new(&rules::NO_TYPES, Subject::Input(self.name.clone()), message);
        finding.help = Some(match &self.missing_debug_file {
            Some(missing) => format!("put the `{}` of this build beside the binary", missing.name),
            None => "set `debug = 2` and `strip = false` in the profile of Cargo.toml that the \
                     program is built with, or pass `-C debuginfo=2` to rustc, or `-g` to a compiler of C"
                .to_owned(),
        });
        finding
    }

    /// States the statics that no root of the walk covers.
    pub(crate) fn judge_statics(&self, walk: &Walk, scope: Statics, report: &mut Report) {
        statics::judge(&self.contents, &self.layout, walk, scope, report);
    }

    /// States the annotated types that no root leads to.
    pub(crate) fn state_unreached(&self, walk: &Walk, report: &mut Report) {
        let methods = &self.layout.methods;
        let implementers = Implementers::new(self.graph(), &self.contents.vtables, methods);
        unreached::judge(self.graph(), &implementers, &self.records, walk, report);
        unreached::judge_tagged(&self.contents, &implementers, walk, report);
    }

    /// How much was looked at.
    pub(crate) fn facts(&self, report: &mut Report) {
        report.detail("types known", self.graph().len() as u64);
        report.detail("records", self.records.len() as u64);
        report.detail("units read", self.contents.units);
        report.detail("bytes of debug information", self.contents.info_len);
    }
}

/// The roots of the command line, and those of samestate.toml with their places.
fn named_roots(config: &CoverageConfig) -> Vec<(String, Option<Place>)> {
    let asked = config.roots.iter().map(|name| (name.clone(), None));
    let settled = config.settings.roots.iter();
    let settled = settled.map(|root| (root.pattern.text().to_owned(), Some(root.place.clone())));
    asked.chain(settled).collect()
}
