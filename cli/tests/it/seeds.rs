//! The seeds of the fuzz targets are of the formats that are read now: a target that starts from
//! what is refused by its version never comes to what it is there for. Those of traces are made and
//! tested with the tracer.

use std::fs;
use std::path::{Path, PathBuf};

use samestate_image::Image;
use samestate_schema::record::records;
use samestate_schema::types::Table;

use crate::fixtures::samestate;

fn seeds(target: &str) -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("fuzz/seeds");
    let all = fs::read_dir(here.join(target)).unwrap();
    let all: Vec<PathBuf> = all.map(|seed| seed.unwrap().path()).collect();
    assert!(!all.is_empty(), "{target}");
    all
}

#[test]
fn the_fuzz_targets_start_from_what_is_read_now() {
    for seed in seeds("image") {
        let image = Image::from_bytes(fs::read(&seed).unwrap()).unwrap();
        assert!(image.value().is_ok(), "{}", seed.display());
    }
    for seed in seeds("record") {
        let bytes = fs::read(&seed).unwrap();
        let all: Vec<_> = records(&bytes).collect();
        assert!(!all.is_empty() && all.iter().all(|(_, record)| record.is_ok()), "{all:?}");
    }
    for seed in seeds("types") {
        let bytes = fs::read(&seed).unwrap();
        let (table, length) = Table::decode(&bytes).unwrap();
        assert_eq!((table.validate(), length), (Ok(()), bytes.len()));
    }
    for seed in seeds("lock") {
        let seed = seed.to_str().unwrap();
        let said = samestate(["drift", seed, seed]);
        // One is there because it has to be refused for what it holds.
        let expected = if seed.ends_with("/repeated") { 3 } else { 0 };
        assert_eq!(said.code, expected, "{}", said.stderr);
        assert_eq!(said.stderr.contains("stands here twice"), expected == 3, "{}", said.stderr);
    }
    for seed in seeds("elf") {
        let said = samestate(["coverage", seed.to_str().unwrap(), "--root", "t::Root"]);
        assert_eq!(said.code, 1, "{}", said.stderr);
    }
}
