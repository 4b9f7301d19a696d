//! `--timings`.

use crate::fixtures::{particles, samestate, scratch};

#[test]
fn timings_stand_on_stderr_and_change_nothing_else() {
    let program = particles("forgotten");
    let program = program.to_str().unwrap();
    let lock = scratch().join("timings.lock");
    let lock = lock.to_str().unwrap();
    assert_eq!(samestate(["lock", program, "-o", lock]).code, 0);
    for words in [
        vec!["coverage", program],
        vec!["coverage", program, "--format", "json"],
        vec!["lock", program, "-o", "-"],
        vec!["drift", program, program],
        vec!["check", program, "--lock", lock],
    ] {
        let plain = samestate(words.clone());
        let timed = samestate(words.iter().copied().chain(["--timings"]));
        assert_eq!((plain.code, &plain.stdout), (timed.code, &timed.stdout), "{words:?}");
        assert!(!plain.stderr.contains("timings"), "{words:?}: {}", plain.stderr);
        for told in ["read units", "total", " MB/s: ", " units, ", " entries, ", "peak memory "] {
            assert!(timed.stderr.contains(told), "{words:?}: {}", timed.stderr);
        }
    }
    let refused = samestate(["explain", "--timings"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}
