//! The seeds of the fuzz target `trace`: if they are of another format, it never comes to what it is
//! there for.

use std::fs;
use std::path::{Path, PathBuf};

use samestate_tracer::trace::{Reader, VERSION};
use samestate_tracer::{Config, Stream, record};

/// Set, it makes the seeds anew.
const MAKE: &str = "SAMESTATE_MAKE_SEEDS";
/// The magic and the version.
const START: usize = 10;
/// The head of a block.
const HEAD: usize = 16;

fn seed(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.with_file_name("fuzz/seeds/trace").join(name)
}

fn number(bytes: &[u8], at: usize) -> usize {
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.first_chunk());
    u32::from_le_bytes(*bytes.expect("a number")) as usize
}

/// The blocks of a trace: what kind they are, and what they hold.
fn blocks(trace: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let (mut blocks, mut at) = (Vec::new(), START);
    while at < trace.len() {
        let (kind, length, packed) =
            (number(trace, at), number(trace, at + 4), number(trace, at + 8));
        let content = &trace[at + HEAD..at + HEAD + packed];
        let content = lz4_flex::block::decompress(content, length).expect("a block");
        blocks.push((kind, content));
        at += HEAD + packed;
    }
    blocks
}

/// As the fuzz target takes it: start, length of the header, header, events.
fn unpacked(trace: &[u8]) -> Vec<u8> {
    let blocks = blocks(trace);
    let header = &blocks.first().expect("a header").1;
    let length = u16::try_from(header.len()).expect("a short header").to_le_bytes();
    let events = blocks.iter().filter(|(kind, _)| *kind == 2).flat_map(|(_, events)| events);
    let mut all = [&trace[..START], &length, header].concat();
    all.extend(events);
    all
}

/// Makes the seeds anew. What a program is started with stands in its trace, so it gets nothing.
fn make() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config {
        command: vec!["/bin/true".into()],
        environment: Some(Vec::new()),
        directory: Some("/".into()),
        stdin: Stream::Null,
        stdout: Stream::Null,
        stderr: Stream::Null,
        output: folder.path().join("trace"),
        ..Config::default()
    };
    record(&config, &mut |_| ()).expect("it is recorded");
    let trace = fs::read(config.output).expect("the trace");
    fs::write(seed("unpacked"), unpacked(&trace)).expect("the seed can be written");
    fs::write(seed("whole"), trace).expect("the seed can be written");
}

#[test]
fn the_fuzz_target_starts_from_traces_of_this_format() {
    if std::env::var_os(MAKE).is_some() {
        make();
    }
    let again = format!("make them anew: {MAKE}=1 cargo test -p samestate-tracer --test it seeds");
    let whole = fs::read(seed("whole")).expect("the seed");
    assert_eq!(whole[8..START], VERSION.to_le_bytes(), "{again}");
    let mut reader = Reader::open(&seed("whole")).expect(&again);
    let mut events = 0;
    while reader.read().expect(&again).is_some() {
        events += 1;
    }
    assert!(reader.tear().is_none(), "{again}");
    assert!(events > 30, "{events} events: {again}");
    let split = fs::read(seed("unpacked")).expect("the seed");
    assert!(split == unpacked(&whole), "{again}");
}
