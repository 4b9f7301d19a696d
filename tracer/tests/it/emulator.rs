//! The emulator of `examples/machine`, which saves itself by hand and has never heard of us: it is
//! verified by its files, whole and with one line taken out of what it loads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use samestate_tracer::{Announce, Verdict, Verification, Verify, Which, verify};

use crate::support::{first, short, sides};
use crate::verify::{folder, verdicts, words};

/// Draws frames, tells a hash of each, and saves after every tenth.
const MAIN: &str = r#"
fn main() -> Result<(), Box<dyn Error>> {
    use std::fs;
    use std::io::{Read as _, Seek as _, SeekFrom};
    let words: Vec<String> = std::env::args().skip(1).collect();
    let folder = std::path::Path::new(&words[0]);
    let frames: u64 = words[1].parse()?;
    let mut machine = Machine::new("machine", PROGRAM);
    let mut log = fs::File::options().write(true).create(true).open(folder.join("log"))?;
    let (mut frame, mut clock) = (0_u64, 5000_u64);
    if let Some(image) = words.get(2) {
        let mut file = fs::File::open(image)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let number = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes);
        frame = number(0)?;
        clock = number(8)?;
        log.seek(SeekFrom::Start(number(16)?))?;
        machine.load_state(&bytes[24..]).map_err(|_| "the state is damaged")?;
    }
    while frame < frames {
        frame += 1;
        let hash = pictures(&mut machine, 1);
        let told = machine.summary();
        clock += 17;
        log.write_all(format!("frame {frame} {hash:016x} {told}\n").as_bytes())?;
        log.write_all(format!("clock {clock}\n").as_bytes())?;
        if frame % 10 == 0 {
            let kept = [frame, clock, log.stream_position()?];
            let mut bytes = kept.map(u64::to_le_bytes).concat();
            bytes.extend(machine.save_state()?);
            fs::write(folder.join("draft"), bytes)?;
            fs::rename(folder.join("draft"), folder.join("state.sav"))?;
        }
    }
    Ok(())
}
"#;

/// Statements of what it loads: the file, the statement, and one that loses something.
const FAULTS: [(&str, &str, &str); 7] = [
    ("display.rs", "display.frames = reader.u32()?;", "reader.u32()?;"),
    (
        "noise.rs",
        "*self = Self { shift, taps, draws: reader.u64()? };",
        "*self = Self { shift: shift ^ shift | self.shift, taps, draws: reader.u64()? };",
    ),
    (
        "cpu.rs",
        "self.flags = load_flags(reader)?;",
        "self.flags = load_flags(reader)?; self.cycles = 0;",
    ),
    (
        "console.rs",
        "self.output = reader.block()?;",
        "self.output = reader.block()?; self.output.reverse();",
    ),
    ("machine.rs", "self.budget = reader.u32()?.cast_signed();", "reader.u32()?;"),
    ("main.rs", "clock = number(8)?;", "number(8)?;"),
    (
        "main.rs",
        "log.seek(SeekFrom::Start(number(16)?))?;",
        "log.seek(SeekFrom::Start(0 * number(16)?))?;",
    ),
];

/// Builds it from a copy of its sources in which `LOST` of the environment chooses a fault.
fn build(folder: &Path) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("examples/machine/src");
    for source in fs::read_dir(sources).expect("the example is there") {
        let source = source.expect("an entry").path();
        let name = source.file_name().expect("a name");
        let mut text = fs::read_to_string(&source).expect("the source");
        if name == "main.rs" {
            text.truncate(text.find("fn main()").expect("it has a main function"));
            text.push_str(MAIN);
        }
        for (number, (file, right, wrong)) in FAULTS.iter().enumerate() {
            if name == *file {
                assert_eq!(text.matches(right).count(), 1, "{right}");
                let asked =
                    format!("std::env::var_os(\"LOST\").is_some_and(|l| l == \"{number}\")");
                let both = format!("if {asked} {{ {wrong} }} else {{ {right} }}");
                text = text.replace(right, &both);
            }
        }
        fs::write(folder.join(name), text).expect("it can be written");
    }
    let program = folder.join("emulator");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "--crate-name", "emulator", "-A", "warnings", "-o"]);
    let built = rustc.arg(&program).arg(folder.join("main.rs")).status();
    assert!(built.is_ok_and(|status| status.success()), "it compiles");
    program
}

#[test]
fn an_emulator_is_clean_and_what_it_does_not_load_is_found() {
    let sources = folder();
    let program = build(sources.path());
    let run = |lost: &str, how: &dyn Fn(&mut Verify)| -> Verification {
        let folder = folder();
        let state = folder.path().join("state");
        let command = format!("'{}' '{}' 30", program.display(), state.display());
        let mut config = Verify {
            restore: words(format!("env LOST={lost} {command} {{image}}")),
            command: words(command),
            state: vec![state],
            announce: Announce { saved_on: Some("*.sav".to_owned()), ..Announce::default() },
            ..Verify::default()
        };
        how(&mut config);
        verify(&config, &mut |_| ()).expect("it can be verified")
    };
    let found = run("nothing", &|config| config.rounds = 3);
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same; 6], "three checkpoints, up to three rounds");
    for (number, fault) in FAULTS.iter().enumerate() {
        let found = run(&number.to_string(), &|config| config.which = Which::Sample(1));
        assert_eq!(verdicts(&found), [Verdict::Differs], "{fault:?}: {:#?}", short(&found.report));
        // Either a frame shows it, or the next state that is saved; a line of another length is
        // seen again where the program asks how long its log is.
        let known = |id| {
            matches!(id, "payload-differs" | "image-differs" | "iteration-order" | "result-differs")
        };
        let findings = &found.report.findings;
        if fault.2.contains("seek") {
            let finding = first(&found.report, "position-differs");
            assert!(finding.subject.to_string().ends_with("/log"), "{:#?}", short(&found.report));
        } else {
            assert!(findings.iter().all(|finding| known(finding.rule.id)), "{fault:?}");
        }
        if fault.1.contains("clock") {
            assert!(sides(first(&found.report, "payload-differs")).0.contains("clock "));
        }
    }
}
