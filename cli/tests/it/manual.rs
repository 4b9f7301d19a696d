//! Types that are saved by hand with the help of the derive.

use std::path::Path;

use crate::fixtures::{build, findings, report, workspace};

#[test]
fn what_the_derive_hands_out_is_followed() {
    let manifest = workspace().join("cli/tests/fixtures/manual/Cargo.toml");
    let program = build(&manifest, &[], "manual");
    let found = findings(&report([Path::new("coverage"), &program]));
    assert_eq!(found, ["restore-without-save manual::Forgetful.seed"]);
}
