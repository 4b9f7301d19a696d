//! Tables and debug information that are damaged: whatever they say, everything ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use samestate_symbols::{Registers, Rules, Symbols, World, walk};

/// A number that looks random and is the same in every run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Memory that holds anything, now and then an address in the program.
struct Anything {
    rules: Rc<Rules>,
    code: Vec<u64>,
    state: u64,
}

impl World for Anything {
    fn rules(&mut self, _address: u64) -> Option<(Rc<Rules>, u64)> {
        Some((Rc::clone(&self.rules), 0))
    }

    fn read(&mut self, _address: u64) -> Option<u64> {
        let random = next(&mut self.state);
        let at = usize::try_from(random >> 8).unwrap() % self.code.len();
        match random % 16 {
            0 => None,
            1 => Some(random),
            _ => Some(self.code[at]),
        }
    }

    fn follows_call(&mut self, _address: u64) -> bool {
        true
    }
}

/// A small program with tables and debug information; `None` if there is no compiler.
fn program(folder: &Path) -> Option<PathBuf> {
    let source = folder.join("small.c");
    fs::write(
        &source,
        "struct s { int a; };\n\
         int f(struct s *s, int n) { return n ? f(s, n - 1) * s->a : s->a; }\n\
         int main(int c, char **v) { struct s s = {c}; return f(&s, 5) + (v == 0); }\n",
    )
    .unwrap();
    let program = folder.join("small");
    let built = Command::new("cc").args(["-O1", "-g", "-o"]).arg(&program).arg(&source).status();
    let Ok(built) = built else {
        // Past what the harness captures: what is skipped is seen.
        let _unseen = std::io::stderr().write_all(b"skipped: cc not found\n");
        return None;
    };
    assert!(built.success(), "it compiles");
    Some(program)
}

#[test]
fn whatever_a_damaged_file_says_everything_ends() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else { return };
    let whole = fs::read(&program).unwrap();
    let healthy = Symbols::open(&program).unwrap();
    // Where the code is, in a file that is linked to run anywhere.
    let code: Vec<u64> = (0x1000..0x1300).step_by(3).collect();
    let named = code.iter().filter(|address| !healthy.frames(**address).is_empty()).count();
    assert!(named > 10, "{named}");
    let mut state = 0x1234_5678_9abc_def1;
    for round in 0..300_u64 {
        let mut bytes = whole.clone();
        for _ in 0..=(round % 40) {
            let at = usize::try_from(next(&mut state)).unwrap() % bytes.len();
            bytes[at] = next(&mut state).to_le_bytes()[0];
        }
        if round % 7 == 0 {
            bytes.truncate(usize::try_from(next(&mut state)).unwrap() % bytes.len());
        }
        let damaged = folder.path().join("damaged");
        fs::write(&damaged, bytes).unwrap();
        if let Ok(rules) = Rules::open(&damaged) {
            let mut world = Anything { rules: Rc::new(rules), code: code.clone(), state };
            let mut registers = Registers([Some(0x7fff_0000); 17]);
            for start in &code {
                registers.0[16] = Some(*start);
                assert!(walk(registers, &mut world).addresses.len() <= 256);
            }
        }
        if let Ok(symbols) = Symbols::open(&damaged) {
            for address in &code {
                for frame in symbols.frames(*address) {
                    let _named = symbols.reads(*address, &frame, "n ? f(s, n - 1) * s->a : s->a");
                }
            }
        }
    }
}

#[test]
fn what_is_no_program_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "no program\n").unwrap();
    for path in [&text, folder.path(), &folder.path().join("missing"), Path::new("/dev/null")] {
        assert!(Rules::open(path).is_err(), "{}", path.display());
        assert!(Symbols::open(path).is_err(), "{}", path.display());
    }
}
