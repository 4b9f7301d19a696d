//! Findings that the program's authors have decided to live with.

use samestate_report::{Finding, Place, Report, Table, rules};

use super::{Day, Pattern, Settings};

/// One decision: findings of a rule about these subjects are left out.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) rule: String,
    /// The subjects; `None` is every one.
    pub(crate) subject: Option<Pattern>,
    pub(crate) reason: String,
    /// The last day on which it holds.
    pub(crate) until: Option<Day>,
    pub(crate) place: Place,
}

impl Allowed {
    fn covers(&self, finding: &Finding) -> bool {
        let subject = finding.subject.to_string();
        finding.rule.id == self.rule
            && self.subject.as_ref().is_none_or(|pattern| pattern.matches(&subject))
    }

    fn about(&self, rule: &'static samestate_report::Rule, message: String) -> Finding {
        let subject = self.subject.as_ref().map_or("*", Pattern::text);
        let subject = samestate_report::Subject::Type(format!("{} {subject}", self.rule));
        let mut finding = Finding::new(rule, subject, message);
        finding.place = Some(self.place.clone());
        finding
    }
}

impl Settings {
    /// Leaves out of a report what is allowed, and says so in it. A decision past its day is a
    /// finding; one that nothing came of is, too, if `is_whole` says that the report is about all
    /// that there is.
    pub(crate) fn allow(&self, report: &mut Report, is_whole: bool) {
        let today = Day::today();
        let mut rows = Vec::new();
        for allowed in &self.allowed {
            let before = report.findings.len();
            report.findings.retain(|finding| !allowed.covers(finding));
            let count = before - report.findings.len();
            if count > 0 {
                let subject = allowed.subject.as_ref().map_or("*", Pattern::text);
                let cells = [&allowed.rule, subject, &count.to_string(), &allowed.reason];
                rows.push(cells.map(str::to_owned).to_vec());
            }
            if let Some(until) = allowed.until.filter(|&until| until < today) {
                let message = format!(
                    "`{}` was to be allowed until {until} only: {}",
                    allowed.rule, allowed.reason
                );
                let mut finding = allowed.about(&rules::EXPIRED_TREATMENT, message);
                finding.help = Some("mend it now, or state a later day and why".to_owned());
                report.findings.push(finding);
            } else if count == 0 && is_whole {
                let message = format!("`{}` is allowed here, and was not found", allowed.rule);
                let mut finding = allowed.about(&rules::STALE_TREATMENT, message);
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
