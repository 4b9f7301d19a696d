//! `docs/RULES.md` is the catalogue, written out.

use std::fmt::Write as _;

use expect_test::expect_file;
use samestate_report::rules;

#[test]
fn the_rules_document_is_the_catalogue() {
    let mut text = String::from(
        "# Rules\n\nEvery kind of finding, by its stable id. This page is written from the \
         catalogue in `report/src/rules.rs`; `samestate explain RULE` prints the same.\n\n\
         | severity | what it does to the exit code |\n|---|---|\n\
         | error | 1 |\n| blind | 3: something could not be seen, so silence means nothing |\n\
         | warning, note | none |\n",
    );
    for rule in rules::ALL {
        let _ = write!(
            text,
            "\n## {}\n\n*{}* — {}.\n\n{}\n\nWhat to do: {}\n",
            rule.id,
            rule.severity.word(),
            rule.title,
            rule.explanation,
            rule.remedy
        );
    }
    expect_file!["../../docs/RULES.md"].assert_eq(&text);
}
