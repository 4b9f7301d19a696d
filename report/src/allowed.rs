//! Findings that the program's authors have decided to live with.

use std::fmt;

use crate::{Day, Finding, Glob, Pattern, Place, Report, Rule, Severity, Subject, Table, rules};

/// One decision: findings of a rule are left out, all or those that it describes.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The rule's id.
    pub rule: String,
    /// The subjects; `None` is every one.
    pub subject: Option<Pattern>,
    /// The names of the system calls.
    pub call: Option<Glob>,
    /// A file that the call, or the finding, is about; in both runs, if both make it.
    pub path: Option<Glob>,
    /// The name of the argument that differs.
    pub argument: Option<Glob>,
    /// The lineage of the thread that makes the call.
    pub thread: Option<Glob>,
    /// Why nothing has to be done about it.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Day>,
    /// Where it is written.
    pub place: Place,
}

impl Allowed {
    fn covers(&self, finding: &Finding) -> bool {
        if finding.rule.id != self.rule {
            return false;
        }
        let call = match &finding.subject {
            Subject::Call(call) => Some(call),
            _ => None,
        };
        let is = |glob: &Option<Glob>, text: Option<&str>| {
            glob.as_ref().is_none_or(|glob| text.is_some_and(|text| glob.matches(text)))
        };
        let is_about = |glob: &Glob| {
            let input = match &finding.subject {
                Subject::Input(name) => Some(name),
                _ => None,
            };
            let one = |paths: &Vec<String>| paths.iter().any(|path| glob.matches(path));
            // A call on such a file in the place of one on another file is no matter of it alone.
            let all = !finding.paths.is_empty() && finding.paths.iter().all(one);
            all || input.is_some_and(|path| glob.matches(path))
        };
        self.subject.as_ref().is_none_or(|pattern| pattern.matches(&finding.subject.to_string()))
            && is(&self.call, call.map(|call| &*call.name))
            && is(&self.thread, call.map(|call| &*call.lineage))
            && is(&self.argument, finding.argument.as_deref())
            && self.path.as_ref().is_none_or(is_about)
    }

    /// The same of a finding about a call of which not all is known yet: it may be of some rules.
    fn may_cover(&self, is_rule: impl Fn(&str) -> bool, calls: [&str; 2], thread: &str) -> bool {
        let is = |glob: &Option<Glob>, texts: &[&str]| {
            glob.as_ref().is_none_or(|glob| texts.iter().any(|text| glob.matches(text)))
        };
        is_rule(&self.rule) && is(&self.call, &calls) && is(&self.thread, &[thread])
    }

    fn is_of_runs(&self) -> bool {
        rules::by_id(&self.rule).is_some_and(Rule::is_divergence)
    }

    fn about(&self, rule: &'static Rule, message: String) -> Finding {
        let subject = Subject::Type(format!("{} {}", self.rule, Which(self)));
        let mut finding = Finding::new(rule, subject, message);
        finding.place = Some(self.place.clone());
        finding
    }
}

/// What an entry describes, in words.
struct Which<'a>(&'a Allowed);

impl fmt::Display for Which<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Allowed { subject, call, path, argument, thread, .. } = self.0;
        let globs = [("call", call), ("path", path), ("argument", argument), ("thread", thread)];
        let subject = subject.as_ref().map(|subject| subject.text().to_owned());
        let globs = globs
            .into_iter()
            .filter_map(|(name, glob)| glob.as_ref().map(|glob| format!("{name} {}", glob.text())));
        let all: Vec<_> = subject.into_iter().chain(globs).collect();
        f.write_str(if all.is_empty() { "*".to_owned() } else { all.join(", ") }.as_str())
    }
}

/// What becomes of entries that nothing was found for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unused {
    /// The report is about all that there is, so they are errors.
    Fails,
    /// They may belong to other runs, so they are warnings.
    Warns,
    /// The report is about a part only, which tells nothing of them.
    Quiet,
}

/// All such decisions, in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub struct Allowances(Vec<Allowed>);

/// How many findings each decision has left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Vec<u64>);

impl Counts {
    /// One more finding was left out by an entry.
    pub fn count(&mut self, entry: usize) {
        if self.0.len() <= entry {
            self.0.resize(entry + 1, 0);
        }
        self.0[entry] += 1;
    }

    /// Takes those of another report on the same decisions into account.
    pub fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (ours, theirs) in self.0.iter_mut().zip(&other.0) {
            *ours += theirs;
        }
    }

    /// How many findings were left out in all.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    fn of(&self, entry: usize) -> u64 {
        self.0.get(entry).copied().unwrap_or(0)
    }
}

impl Allowances {
    /// These decisions.
    #[must_use]
    pub const fn new(entries: Vec<Allowed>) -> Self {
        Self(entries)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those about runs that are compared.
    #[must_use]
    pub fn of_runs(&self) -> Self {
        Self(self.0.iter().filter(|entry| entry.is_of_runs()).cloned().collect())
    }

    /// Those about programs and what they save.
    #[must_use]
    pub fn of_programs(&self) -> Self {
        Self(self.0.iter().filter(|entry| !entry.is_of_runs()).cloned().collect())
    }

    /// The entry by which a finding is left out, if there is one.
    #[must_use]
    pub fn covering(&self, finding: &Finding) -> Option<usize> {
        self.0.iter().position(|entry| entry.covers(finding))
    }

    /// Whether an entry may leave out a finding about a call, as far as that can be told from what
    /// is known before it is made: which rules it may be of, what the call may be called, and its
    /// thread.
    #[must_use]
    pub fn may_cover(
        &self,
        is_rule: impl Fn(&str) -> bool,
        calls: [&str; 2],
        thread: &str,
    ) -> bool {
        self.0.iter().any(|entry| entry.may_cover(&is_rule, calls, thread))
    }

    /// Leaves out of a report what is allowed, and says so in it.
    pub fn apply(&self, report: &mut Report, unused: Unused) {
        let mut counts = Counts::default();
        report.findings.retain(|finding| match self.covering(finding) {
            Some(entry) => {
                counts.count(entry);
                false
            }
            None => true,
        });
        self.tell(report, &counts, unused);
    }

    /// Says in a report what was left out of it, and why. A decision past its day is a finding; one
    /// that nothing came of may be, too.
    pub fn tell(&self, report: &mut Report, counts: &Counts, unused: Unused) {
        let today = Day::today();
        let mut rows = Vec::new();
        for (entry, allowed) in self.0.iter().enumerate() {
            let count = counts.of(entry);
            if count > 0 {
                let (which, count) = (Which(allowed).to_string(), count.to_string());
                rows.push(vec![allowed.rule.clone(), which, count, allowed.reason.clone()]);
            }
            if let Some(until) = allowed.until.filter(|&until| until < today) {
                let message = format!(
                    "`{}` was to be allowed until {until} only: {}",
                    allowed.rule, allowed.reason
                );
                let mut finding = allowed.about(&rules::EXPIRED_TREATMENT, message);
                finding.help = Some("mend it now, or state a later day and why".to_owned());
                report.findings.push(finding);
            } else if count == 0 && unused != Unused::Quiet {
                let message = format!("`{}` is allowed here, and was not found", allowed.rule);
                let mut finding = allowed.about(&rules::STALE_TREATMENT, message);
                if unused == Unused::Warns {
                    finding.severity = Severity::Warning;
                }
                finding.help = Some("remove the entry, or correct it".to_owned());
                report.findings.push(finding);
            }
        }
        if !rows.is_empty() {
            report.tables.push(Table {
                row: "decision".to_owned(),
                columns: ["allowed", "subject", "findings", "reason"].map(str::to_owned).to_vec(),
                rows,
            });
        }
    }
}
