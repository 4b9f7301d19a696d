//! Restored runs of programs that get something from outside: it goes on where the original was.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use samestate_tracer::{Stream, Verdict, Verification, Verify, verify};

use crate::support::{call, first, short, skipped, write};
use crate::verify::{folder, verdicts, words};

/// Reads lines from standard input and asks a server; saves after the second round. A restored one
/// connects anew, and reads the image last.
const PROGRAM: &str = r#"
import os, socket, sys

port, folder = int(sys.argv[1]), sys.argv[2]
image = sys.argv[3] if len(sys.argv) > 3 else None
count = total = 0
s = socket.create_connection(("127.0.0.1", port))
s.sendall(b"hello\n")
lines = s.makefile("r")
assert lines.readline() == "welcome\n"
if image:
    with open(image) as f: count, total = map(int, f.read().split())
while count < 4:
    word = os.read(0, 6).decode().strip()
    s.sendall(("ask %s %d\n" % (word, total)).encode())
    answer = lines.readline()
    total += int(answer)
    count += 1
    print(count, word, total, flush=True)
    if count == 2 and not image:
        with open(folder + "/draft", "w") as f: f.write("%d %d" % (count, CHANGED))
        os.rename(folder + "/draft", folder + "/image")
"#;

fn python() -> Option<&'static str> {
    let there = Path::new("/usr/bin/python3").is_file();
    if !there {
        skipped("/usr/bin/python3 not found");
    }
    there.then_some("/usr/bin/python3")
}

/// Answers one client, and goes away.
fn server() -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let serves = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the original");
        let mut stream = BufReader::new(stream);
        let (mut heard, mut line) = (Vec::new(), String::new());
        while stream.read_line(&mut line).is_ok_and(|count| count > 0) {
            let answer = match line.as_str() {
                "hello\n" => "welcome\n".to_owned(),
                _ => format!("{}\n", heard.len() * 10),
            };
            stream.get_mut().write_all(answer.as_bytes()).expect("it listens");
            heard.push(std::mem::take(&mut line));
        }
        heard
    });
    (port, serves)
}

fn run(python: &str, changed: &str) -> (Verification, Vec<String>) {
    let folder = folder();
    let (port, serves) = server();
    let program = folder.path().join("program.py");
    write(&program, PROGRAM.replace("CHANGED", changed));
    let (from, mut to) = std::io::pipe().expect("a pipe");
    let writer = std::thread::spawn(move || {
        for word in ["one  \n", "two  \n", "three\n", "four \n"] {
            to.write_all(word.as_bytes()).expect("it is read");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    let state = folder.path().join("state");
    let at = state.display();
    let command = format!("{python} -I -S '{}' {port} '{at}'", program.display());
    let mut config = Verify {
        command: words(&command),
        restore: words(format!("{command} {{image}}")),
        state: vec![state.clone()],
        stdin: Stream::File(std::fs::File::from(std::os::fd::OwnedFd::from(from))),
        ..Verify::default()
    };
    config.announce.saved_on = Some("image".to_owned());
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    writer.join().expect("the writer");
    (found, serves.join().expect("the server"))
}

#[test]
fn input_and_a_connection_go_on_from_the_marker() {
    let Some(python) = python() else { return };
    let (found, heard) = run(python, "total");
    assert_eq!(found.output, b"1 one 10\n2 two 30\n3 three 60\n4 four 100\n");
    // Nobody but the original came.
    assert_eq!(
        heard,
        ["hello\n", "ask one 0\n", "ask two 10\n", "ask three 30\n", "ask four 60\n"]
    );
    assert!(found.report.findings.is_empty(), "{:#?}", short(&found.report));
    assert_eq!(verdicts(&found), [Verdict::Same]);
    let (found, _) = run(python, "total - 1");
    assert_eq!(verdicts(&found), [Verdict::Differs]);
    assert_eq!(call(first(&found.report, "payload-differs")), "sendto");
}
