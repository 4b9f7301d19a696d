//! Restored runs of programs that get something from outside: it goes on where the original was.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
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

pub(crate) fn python() -> Option<&'static str> {
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

/// Saves, and only then makes a socket that is a file; looks at it, and serves one client.
const SERVER: &str = r#"
import os, socket, sys

folder, client = sys.argv[1:3]
if len(sys.argv) > 3:
    with open(sys.argv[3]) as f: count = int(f.read())
else:
    count = 1
    with open(folder + "/draft", "w") as f: f.write(str(count + CHANGED))
    os.rename(folder + "/draft", folder + "/image")
path = folder + "/socket"
s = socket.socket(socket.AF_UNIX)
s.bind(path)
print(oct(os.stat(path).st_mode), os.listdir(folder + "/served"), flush=True)
os.chmod(path, 0o640)
os.link(path, folder + "/served/name")
print(oct(os.stat(path).st_mode), os.listdir(folder + "/served"), flush=True)
s.listen()
if client == "inside":
    c = socket.socket(socket.AF_UNIX)
    c.connect(path)
    c.sendall(b"hello")
if client != "nobody":
    served, _ = s.accept()
    print(served.recv(5), flush=True)
    served.sendall(b"%d" % count)
if client == "inside": print(c.recv(9), flush=True)
print(count, flush=True)
os.unlink(path)
os.unlink(folder + "/served/name")
print(os.path.exists(path), flush=True)
"#;

fn serve(python: &str, client: &str, changed: &str) -> Verification {
    let folder = folder();
    let at = folder.path().join("state");
    std::fs::create_dir(at.join("served")).expect("a folder");
    let program = folder.path().join("server.py");
    write(&program, SERVER.replace("CHANGED", changed));
    let command = format!("{python} -I -S '{}' '{}' {client}", program.display(), at.display());
    let mut config = Verify {
        command: words(&command),
        restore: words(format!("{command} {{image}}")),
        logs: Some(folder.path().join("logs")),
        ..Verify::default()
    };
    config.announce.saved_on = Some("image".to_owned());
    let comes = (client == "outside").then(|| {
        let socket = at.join("socket");
        std::thread::spawn(move || {
            let mut stream = loop {
                match UnixStream::connect(&socket) {
                    Ok(stream) => break stream,
                    Err(_) => std::thread::sleep(std::time::Duration::from_millis(5)),
                }
            };
            stream.write_all(b"hello").expect("it listens");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer
        })
    });
    let found = verify(&config, &mut |_| ()).expect("it can be verified");
    let answer = comes.map(|comes| comes.join().expect("the client"));
    assert!(answer.is_none_or(|answer| answer == "1"), "only the original is served");
    assert!(!at.join("socket").exists(), "it is put back");
    found
}

#[test]
fn a_socket_that_is_bound_after_the_marker_is_a_file_in_each_run() {
    let Some(python) = python() else { return };
    for client in ["nobody", "inside", "outside"] {
        let found = serve(python, client, "0");
        let told = String::from_utf8_lossy(&found.output);
        assert!(told.contains("0o140640 ['name']\n"), "{client}: {told}");
        assert!(found.report.findings.is_empty(), "{client}: {:#?}", short(&found.report));
        assert_eq!(verdicts(&found), [Verdict::Same], "{client}");
        let found = serve(python, client, "1");
        assert_eq!(verdicts(&found), [Verdict::Differs], "{client}");
        first(&found.report, "payload-differs");
    }
}
