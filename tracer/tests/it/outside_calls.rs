//! The rarer ways in from outside, and those that are refused because nobody would see what came.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

use samestate_tracer::trace::{Reader, Status};
use samestate_tracer::{Config, Stream};

use crate::outside::{Again, PYTHON, Terminal, client, free_port, has_python, nothing, pipe, rule};
use crate::support::{assert_clean, first, has, lines};

fn fifo(path: &Path) -> bool {
    has("mkfifo") && Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success())
}

/// Writes to a FIFO as soon as somebody reads from it.
fn feed(path: PathBuf, text: &'static str) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut to = File::options().write(true).open(path).expect("a reader");
        to.write_all(text.as_bytes()).expect("it is read");
    })
}

#[test]
fn a_fifo_that_somebody_else_writes_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("fifo");
    if !fifo(&path) {
        return;
    }
    let writer = feed(path.clone(), "one\ntwo\n");
    // The one of its own has both ends inside.
    let text = format!(
        "cat '{}'; mkfifo own; (echo within > own) & cat own; wait; echo end",
        path.display()
    );
    let mut again = Again::new(&["sh"], &text, nothing, nothing);
    writer.join().expect("the writer");
    assert_eq!(again.place.printed(2), "one\ntwo\nwithin\nend\n");
    let (report, printed) = again.changed("echo within", "echo elsewhere");
    rule(&report, "payload-differs", &["write"]);
    assert!(printed.starts_with("one\ntwo\nelsewhere\n"), "{printed}");
}

/// Serves one connection at a path, and goes away.
fn local(path: &Path, serve: fn(UnixStream)) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).expect("a socket");
    let path = path.to_owned();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        serve(stream);
        fs::remove_file(path).expect("the socket");
    })
}

#[test]
fn a_local_socket_whose_server_is_gone() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("socket");
    let serves = local(&path, |mut stream| {
        let mut word = [0; 5];
        stream.read_exact(&mut word).expect("a word");
        stream.write_all(b"answer to ").expect("it listens");
        stream.write_all(&word).expect("it listens");
    });
    let text = format!(
        "import socket\n\
         c = socket.socket(socket.AF_UNIX); c.connect({path:?})\n\
         c.sendall(b'hello')\n\
         while len(d := c.recv(100, socket.MSG_PEEK)) < 15: pass\n\
         print(d)\n\
         print(c.recv(6), c.recv(100), c.recv(100))\n"
    );
    let mut again = Again::new(&PYTHON, &text, nothing, nothing);
    serves.join().expect("the server");
    let printed = again.place.printed(2);
    assert_eq!(printed, "b'answer to hello'\nb'answer' b' to hello' b''\n");
    let (report, printed) = again.changed("b'hello'", "b'hallo'");
    rule(&report, "payload-differs", &["sendto"]);
    assert!(printed.contains("to hello"), "{printed}");
}

#[test]
fn a_local_socket_whose_client_is_gone() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("socket");
    let text = format!(
        "import os, socket\n\
         s = socket.socket(socket.AF_UNIX); s.bind({path:?}); s.listen()\n\
         c, _ = s.accept()\n\
         while d := c.recv(100): c.sendall(d.upper())\n\
         os.unlink({path:?}) if os.path.exists({path:?}) else None\n\
         print('done')\n"
    );
    let there = path.clone();
    let asks = std::thread::spawn(move || {
        let mut stream = loop {
            match UnixStream::connect(&there) {
                Ok(stream) => break stream,
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        stream.write_all(b"hello").expect("it listens");
        let mut word = [0; 5];
        stream.read_exact(&mut word).expect("an answer");
        String::from_utf8_lossy(&word).into_owned()
    });
    // Nothing is bound the second time, so nothing is there to be removed.
    let mut place = crate::support::Place::new();
    let limit = |config: &mut Config| config.timeout = Some(Duration::from_secs(100));
    let command = [PYTHON[0], PYTHON[1], PYTHON[2], "-c", &*text];
    place.record_with(None, |_| (), &command, limit);
    assert_eq!(asks.join().expect("the client"), "HELLO");
    let recording = place.record_with(Some(1), |_| (), &command, limit);
    assert!(!recording.timed_out);
    assert_eq!(place.printed(2), "done\n");
    assert!(lines(&place, 2).iter().any(|line| line.contains("accept") && line.contains("given")));
}

#[test]
fn descriptors_that_come_in_are_said() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("socket");
    let sends = format!(
        "import socket, sys\n\
         s = socket.socket(socket.AF_UNIX); s.bind({path:?}); s.listen()\n\
         print('ready', flush=True)\n\
         c, _ = s.accept()\n\
         socket.send_fds(c, [b'take'], [0])\n"
    );
    let mut sender = Command::new("python3")
        .args(["-I", "-S", "-c", &sends])
        .stdin(File::open("/etc/passwd").expect("a file"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut ready = [0; 6];
    sender.stdout.as_mut().expect("its output").read_exact(&mut ready).expect("it is ready");
    let text = format!(
        "import os, socket\n\
         c = socket.socket(socket.AF_UNIX); c.connect({path:?})\n\
         data, fds, _, _ = socket.recv_fds(c, 10, 2)\n\
         print(data, len(fds))\n"
    );
    let mut place = crate::support::Place::new();
    let command = [PYTHON[0], PYTHON[1], PYTHON[2], "-c", &*text];
    let recording = place.record(None, |_| (), &command);
    sender.wait().expect("it ends");
    let said = recording.untraced.iter().any(|what| what.contains("descriptors that came in"));
    assert!(said, "{:?}", recording.untraced);
    assert!(recording.report().is_incomplete());
    place.record(Some(1), |_| (), &command);
    assert_eq!(place.printed(1), place.printed(2));
    first(&place.compare(1, 2), "untraced");
}

/// Answers one connection and does not listen any more.
fn deaf() -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let goes = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.read_exact(&mut [0; 1]).expect("a byte");
    });
    (port, goes)
}

#[test]
fn who_writes_to_a_peer_that_is_gone_is_told_as_the_first_time() {
    if !has_python() {
        return;
    }
    for (handles, ends) in [("SIG_IGN", Status::Exited(0)), ("SIG_DFL", Status::Killed(13))] {
        let (port, goes) = deaf();
        let text = format!(
            "import signal, socket, time\n\
             signal.signal(signal.SIGPIPE, signal.{handles})\n\
             c = socket.create_connection(('127.0.0.1', {port}))\n\
             c.sendall(b'a')\n\
             print(c.recv(1), flush=True)\n\
             try:\n\
             \x20 for n in range(1000): c.sendall(b'b' * 100); time.sleep(0.01)\n\
             except OSError as e: print('told', e.errno in (32, 104))\n"
        );
        let mut again = Again::new(&PYTHON, &text, nothing, nothing);
        goes.join().expect("the peer");
        for run in 1..3 {
            let like = (run > 1).then_some(1);
            if like.is_some() {
                let recording = again.run(like, &text, nothing);
                assert_eq!(recording.status(), ends, "{handles}");
            }
            let printed = again.place.printed(run);
            assert_eq!(printed.contains("told True"), handles == "SIG_IGN", "{printed}");
        }
    }
}

const MOVES: &str = "import os\n\
                     def tried(name, *a):\n\
                     \x20 try: print(name, getattr(os, name)(*a), flush=True)\n\
                     \x20 except OSError as e: print(name, e.strerror, flush=True)\n\
                     out = os.open('out', os.O_RDWR | os.O_CREAT)\n\
                     r, w = os.pipe()\n\
                     tried('splice', 0, out, 4)\n\
                     tried('splice', 0, w, 4)\n\
                     tried('sendfile', out, 0, None, 4)\n\
                     tried('copy_file_range', 0, out, 4)\n\
                     print(os.read(0, 100))\n";

#[test]
fn what_only_the_kernel_would_see_is_refused_and_that_is_said() {
    if !has_python() {
        return;
    }
    let (stdin, writer) = pipe(&["one\ntwo\n"]);
    let mut again = Again::new(&PYTHON, MOVES, &stdin, nothing);
    writer.join().expect("the writer");
    let printed = again.place.printed(1);
    assert_eq!(printed.matches("Invalid argument").count(), 4, "{printed}");
    assert!(printed.contains("b'one\\ntwo\\n'"), "{printed}");
    let all = lines(&again.place, 1);
    let refused = |line: &&String| line.contains("splice(") && line.contains("EINVAL");
    assert!(all.iter().find(refused).is_some_and(|line| line.contains("(given)")), "{all:#?}");
    for name in ["splice", "sendfile", "copy_file_range"] {
        let said = format!("{name} from or to outside was refused");
        assert!(all.iter().any(|line| line.contains(&said)), "{name}: {all:#?}");
    }
    // Between two of the program's own it is not refused, only not seen.
    let within = MOVES.replace(
        "print(os.read",
        "os.write(w, b'inner'); tried('splice', r, out, 5)\nprint(os.read",
    );
    again.run(None, &within, nothing);
    let run = again.place.count();
    assert!(again.place.printed(run).contains("splice 5\n"));
    assert_eq!(lines(&again.place, run).iter().filter(|l| l.contains("was refused")).count(), 3);
    // Where nothing is mirrored, nothing need be refused.
    let (stdin, writer) = pipe(&["one\ntwo\n"]);
    again.run(None, MOVES, |config| {
        stdin(config);
        assert!(config.knobs.switch("mirrored-stdin", false));
    });
    writer.join().expect("the writer");
    let run = again.place.count();
    let printed = again.place.printed(run);
    assert!(printed.contains("splice 4\n"), "{printed}");
    assert!(!lines(&again.place, run).iter().any(|line| line.contains("was refused")));
}

#[test]
fn what_is_switched_off_comes_live() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("fifo");
    if !fifo(&path) {
        return;
    }
    let port = free_port();
    let server = format!(
        "import socket\n\
         s = socket.create_server(('127.0.0.1', {port}))\n\
         c, a = s.accept()\n\
         while d := c.recv(100): c.sendall(d.upper())\n\
         print('done')\n"
    );
    let reader = format!("print(open({path:?}).read())\n");
    let feeds = |text| feed(path.clone(), text);
    for (text, class) in [(&server, "sockets"), (&reader, "pipes")] {
        let comes = |text: &'static [&'static str]| match class {
            "sockets" => std::thread::spawn(move || drop(client(port, text).join())),
            _ => feeds(text[0]),
        };
        let outside = comes(&["hello"]);
        let mut again = Again::new(&PYTHON, text, nothing, nothing);
        outside.join().expect("the other end");
        let outside = comes(&["world"]);
        again.run(Some(1), text, |config| {
            assert!(config.knobs.switch(&format!("mirrored-{class}"), false));
        });
        outside.join().expect("the other end");
        let run = again.place.count();
        let report = again.place.compare(1, run);
        let differs = ["input-differs", "payload-differs"];
        let found = report.findings.iter().any(|finding| differs.contains(&finding.rule.id));
        assert!(found, "{class}: {:#?}", crate::support::short(&report));
        let header = Reader::open(&again.place.trace(run)).expect("the trace").header().clone();
        assert!(header.knobs.contains(&format!("mirrored-{class}=off")), "{:?}", header.knobs);
    }
}

#[test]
fn a_duplicate_of_standard_input_is_given_as_well() {
    let (mut from, mut to) = std::io::pipe().expect("a pipe");
    to.write_all(b"one\ntwo\n").expect("there is room");
    drop(to);
    let mut again = Again::new(
        &["sh"],
        "exec 7<&0 < /dev/null; cat <&7; echo end",
        |config| {
            let from = from.try_clone().expect("a duplicate");
            config.stdin = Stream::File(File::from(std::os::fd::OwnedFd::from(from)));
        },
        nothing,
    );
    assert_eq!(again.place.printed(2), "one\ntwo\nend\n");
    let mut left = Vec::new();
    from.read_to_end(&mut left).expect("the pipe");
    assert!(left.is_empty());
    let (report, _) = again.changed("echo end", "echo other");
    assert!(!report.findings.is_empty());
    assert_clean(&again.place.compare(1, 2));
}

#[test]
fn a_terminal_that_is_opened_by_its_path_and_switched_off() {
    if !has_python() {
        return;
    }
    let mut terminal = Terminal::new("one,two");
    // So that it is not gone between the runs.
    let _open = File::open(&terminal.path).expect("the terminal");
    let text = format!(
        "import os\nfd = os.open({:?}, os.O_RDWR | os.O_NOCTTY)\n\
         print(os.isatty(fd), os.read(fd, 100))\n",
        terminal.path
    );
    terminal.types();
    let mut again = Again::new(&PYTHON, &text, nothing, nothing);
    assert_eq!(again.place.printed(2), "True b'one\\n'\n");
    again.run(Some(1), &text, |config| {
        assert!(config.knobs.switch("mirrored-terminals", false));
    });
    let run = again.place.count();
    assert_eq!(again.place.printed(run), "True b'two\\n'\n");
    first(&again.place.compare(1, run), "input-differs");
}
