//! Containers of other crates, as they are today: behind each stands a leaf that must be reached by
//! its exact path, so a row of the table that is wrong fails here.

use std::path::{Path, PathBuf};
use std::process::Command;

use samestate_report::{Severity, Subject};

use crate::build::cover;

/// The field, and the way from it to the leaf; `None` for values without parts.
const CASES: &[(&str, &[&str])] = &[
    ("arc_swap", &[""]),
    ("array_string", &[]),
    ("array_vec", &["[]"]),
    ("bytes", &[]),
    ("bytes_mut", &[]),
    ("dash_map", &["[key]", "[value]"]),
    ("generational", &["[]"]),
    ("graph", &[".nodes[].weight", ".edges[].weight"]),
    ("graph_map", &[".edges[value]"]),
    ("hash_map", &["[key]", "[value]"]),
    ("hash_set", &["[]"]),
    ("hash_table", &["[]"]),
    ("index_map", &["[key]", "[value]"]),
    ("index_set", &["[]"]),
    ("lazy", &[""]),
    ("matrix", &["[]"]),
    ("mutex", &[""]),
    ("once", &[""]),
    ("once_unsync", &[""]),
    ("queue", &["[]"]),
    ("rw_lock", &[""]),
    ("seg_queue", &["[]"]),
    ("slab", &["[]"]),
    ("slot_map", &["[]"]),
    ("dense_map", &["[]"]),
    ("hop_map", &["[]"]),
    ("secondary", &["[]"]),
    ("small", &["[]"]),
    ("stable_graph", &[".g.nodes[].weight::Some.0"]),
    ("thin", &["[]"]),
    ("tiny", &["[]"]),
    ("tiny_array", &["[]"]),
    ("vec3", &[]),
    ("mat4", &[]),
];

fn build() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/third");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("third");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("debug/third")
}

#[test]
fn the_leaf_behind_each_container_of_other_crates_is_reached_by_its_path() {
    let report = cover(&build(), &["third::Root"]);
    let paths: Vec<String> = report
        .findings
        .iter()
        .filter_map(|finding| match &finding.subject {
            Subject::Field(path) => Some(path.to_string()),
            _ => None,
        })
        .collect();
    for (field, ways) in CASES {
        for way in *ways {
            let expected = format!("third::Root.{field}{way}.x");
            assert!(paths.contains(&expected), "{expected} not in {paths:#?}");
        }
        let below = format!("third::Root.{field}");
        let leaves = paths.iter().filter(|path| {
            path.ends_with(".x")
                && path.strip_prefix(&below).is_some_and(|rest| !rest.starts_with('_'))
        });
        assert_eq!(leaves.count(), ways.len(), "{field}: {paths:#?}");
    }
    let blind: Vec<_> = report.findings.iter().filter(|f| f.severity == Severity::Blind).collect();
    assert!(blind.is_empty(), "{blind:#?}");
}
