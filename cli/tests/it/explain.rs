//! `samestate explain`.

use crate::fixtures::samestate;

#[test]
fn every_rule_that_is_listed_is_explained() {
    let list = samestate(["explain"]);
    assert_eq!(list.code, 0);
    let rules: Vec<&str> = list.stdout.lines().filter_map(|l| l.split(' ').next()).collect();
    assert!(rules.contains(&"uncovered-field") && rules.contains(&"payload-differs"));
    for rule in rules {
        let said = samestate(["explain", rule]);
        assert_eq!(said.code, 0, "{rule}");
        assert!(said.stdout.starts_with(rule) && said.stdout.contains("What to do: "), "{rule}");
    }
}

#[test]
fn a_rule_that_is_not_there_is_a_usage_error() {
    let said = samestate(["explain", "no-such-rule"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("there is no rule `no-such-rule`"), "{}", said.stderr);
    assert!(said.stdout.is_empty());
}
