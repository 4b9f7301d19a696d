//! A program in C that announces its checkpoints by the header.

use std::path::Path;
use std::process::Command;

use samestate_tracer::{Verdict, Verify, verify};

use crate::support::{first, has, short};
use crate::verify::{folder, verdicts, words};

#[test]
fn a_program_in_c_announces_its_checkpoints_by_the_header() {
    if !has("cc") {
        return;
    }
    let folder = folder();
    let program = folder.path().join("marks");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = Command::new("cc")
        .args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-O1", "-o"])
        .arg(&program)
        .arg("-I")
        .arg(here.with_file_name("include"))
        .arg(here.join("tests/fixtures/marks/marks.c"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles without a warning");
    let (program, state) = (program.display(), folder.path().join("state"));
    let at = state.display();
    let run = |more: &str| {
        let config = Verify {
            command: words(format!("'{program}' '{at}' 6")),
            restore: words(format!("'{program}' '{at}' 6 {{image}} {more}")),
            state: vec![state.clone()],
            ..Verify::default()
        };
        verify(&config, &mut |_| ()).expect("it can be verified")
    };
    let found = run("");
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same; 3]);
    let found = run("forget");
    assert_eq!(verdicts(&found), [Verdict::Differs, Verdict::Differs, Verdict::Same]);
    first(&found.report, "payload-differs");
}
