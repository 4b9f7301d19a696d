//! `samestate explain`: the rule catalogue for people.

use std::fmt::Write as _;

use samestate_report::{ExitCode, Rule, rules};

use crate::args::{ExplainArgs, OutputArgs};
use crate::failure::Failure;
use crate::output;

/// Explains one rule, or lists all.
pub(crate) fn run(args: &ExplainArgs, output: OutputArgs) -> Result<u8, Failure> {
    output::text_only("explain", output)?;
    let text = match &args.rule {
        None => list(),
        Some(id) => match rules::by_id(id) {
            Some(rule) => explain(rule),
            None => {
                return Err(Failure::usage(format!(
                    "there is no rule `{id}`; `samestate explain` lists them all"
                )));
            }
        },
    };
    output::print(&text, output)?;
    Ok(ExitCode::Clean.code())
}

fn list() -> String {
    let width = rules::ALL.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in rules::ALL {
        let _ = writeln!(text, "{:width$}  {:7}  {}", rule.id, rule.severity.word(), rule.title);
    }
    text
}

fn explain(rule: &Rule) -> String {
    format!(
        "{} ({})\n{}.\n\n{}\n\nWhat to do: {}\n",
        rule.id,
        rule.severity.word(),
        rule.title,
        rule.explanation,
        rule.remedy
    )
}
