//! A program with debug information, as somebody gives it to the analyzer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use samestate_analyzer::{CoverageConfig, Statics, coverage, lock_text};

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("samestate-fuzz-{}", std::process::id()));
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    let config = CoverageConfig {
        binary: path,
        roots: vec!["t::Root".to_owned()],
        statics: Statics::All,
        ..CoverageConfig::default()
    };
    if let Ok(report) = coverage(&config) {
        assert!(!report.findings.is_empty());
    }
    let _ = lock_text(&config);
});
