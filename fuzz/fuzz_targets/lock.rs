//! A lock file, as it comes from a repository: it is refused, or equal to itself.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use samestate_analyzer::{DriftConfig, drift};

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    std::env::temp_dir().join(format!("samestate-fuzz-{}.lock", std::process::id()))
});

fuzz_target!(|bytes: &[u8]| {
    // What is no lock is taken for a binary.
    if !bytes.starts_with(b"samestate lock") {
        return;
    }
    fs::write(&*FILE, bytes).expect("a file for the lock");
    let config = DriftConfig::default();
    if let Ok(report) = drift(&FILE, &FILE, &config) {
        assert_ne!(report.exit_code().code(), 1, "it differs from itself: {:?}", report.findings);
    }
});
