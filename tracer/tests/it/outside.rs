//! What comes in from outside: a second run gets it again, though nobody is there any more.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use samestate_report::Report;
use samestate_tracer::{Config, Recording, Stream};

use crate::support::{Place, assert_clean, call, first, lines, short, sides, skipped, write};
use crate::threads::fixture;

/// `tracer/benches/again.sh` does more of them.
const TIMES: usize = 3;

pub(crate) const PYTHON: [&str; 3] = ["/usr/bin/python3", "-I", "-S"];

pub(crate) fn nothing(_: &mut Config) {}

pub(crate) fn has_python() -> bool {
    let there = Path::new(PYTHON[0]).is_file();
    if !there {
        skipped("/usr/bin/python3 not found");
    }
    there
}

/// A program in a file `script`, which is what differs where a change is planted.
pub(crate) fn script(text: &str) -> impl Fn(&Path) {
    move |work: &Path| write(&work.join("script"), text)
}

pub(crate) fn runs(interpreter: &[&str]) -> Vec<String> {
    interpreter.iter().copied().chain(["script"]).map(str::to_owned).collect()
}

/// Records once while the outside is there, and then again and again while it is not.
pub(crate) struct Again {
    pub(crate) place: Place,
    command: Vec<String>,
    text: String,
}

impl Again {
    pub(crate) fn new(
        interpreter: &[&str],
        text: &str,
        outside: impl Fn(&mut Config),
        outside_of_second: impl Fn(&mut Config),
    ) -> Self {
        let (place, command) = (Place::new(), runs(interpreter));
        let mut again = Self { place, command, text: text.to_owned() };
        again.run(None, text, outside);
        again.again(outside_of_second);
        again
    }

    pub(crate) fn run(
        &mut self,
        like: Option<usize>,
        text: &str,
        options: impl Fn(&mut Config),
    ) -> Recording {
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        self.place.record_with(like, script(text), &command, |config| {
            config.timeout = Some(Duration::from_secs(100));
            options(config);
        })
    }

    fn again(&mut self, options: impl Fn(&mut Config)) {
        for run in 2..2 + TIMES {
            let recording = self.run(Some(1), &self.text.clone(), &options);
            assert!(!recording.timed_out);
            assert_eq!(self.place.printed(1), self.place.printed(run));
            assert_clean(&self.place.compare(1, run));
        }
    }

    /// With a change in the program: what it comes to, and what it printed.
    pub(crate) fn changed(&mut self, from: &str, to: &str) -> (Report, String) {
        assert!(self.text.contains(from));
        let text = self.text.replace(from, to);
        let recording = self.run(Some(1), &text, nothing);
        assert!(!recording.timed_out);
        let run = self.place.count();
        (self.place.compare(1, run), self.place.printed(run))
    }
}

/// A pipe whose other end gives these pieces, one after the other.
pub(crate) fn pipe(
    pieces: &[&'static str],
) -> (impl Fn(&mut Config) + use<>, std::thread::JoinHandle<()>) {
    let (from, mut to) = std::io::pipe().expect("a pipe");
    let pieces = pieces.to_vec();
    let writer = std::thread::spawn(move || {
        for piece in pieces {
            to.write_all(piece.as_bytes()).expect("it is read");
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let options = move |config: &mut Config| {
        let from = from.try_clone().expect("a duplicate");
        config.stdin = Stream::File(File::from(OwnedFd::from(from)));
    };
    (options, writer)
}

pub(crate) fn rule<'a>(
    report: &'a Report,
    rule: &str,
    names: &[&str],
) -> &'a samestate_report::Finding {
    let found = report.findings.iter().find(|finding| {
        finding.rule.id == rule && (names.is_empty() || names.contains(&call(finding)))
    });
    found.unwrap_or_else(|| panic!("no {rule} at {names:?} in {:#?}", short(report)))
}

#[test]
fn filters_read_what_came_through_the_pipe() {
    for text in
        ["cat", "sort", "tr a-z A-Z | head -2", "head -1; while read l; do echo \"$l\"; done"]
    {
        let (stdin, writer) = pipe(&["one\ntwo\n", "three\nfo", "ur\n"]);
        let mut again = Again::new(&["sh"], text, stdin, nothing);
        writer.join().expect("the writer");
        assert!(again.place.printed(1).to_lowercase().contains("one"));
        // Neither does it matter if somebody else is there.
        let (other, writer) = pipe(&["something else\n"]);
        again.run(Some(1), text, other);
        writer.join().expect("the writer");
        assert_clean(&again.place.compare(1, 2 + TIMES));
        assert_eq!(again.place.printed(1), again.place.printed(2 + TIMES));
    }
}

#[test]
fn who_reads_on_gets_no_more_and_it_is_said() {
    if !has_python() {
        return;
    }
    let text = "import os\nprint(os.read(0, 4))\nprint(os.read(0, 100))\n";
    let (stdin, writer) = pipe(&["one\ntwo\nthree\n"]);
    let mut again = Again::new(&PYTHON, text, stdin, nothing);
    writer.join().expect("the writer");
    let more = "100))\nprint(os.read(0, 7), 'end')\n";
    let (report, printed) = again.changed("100))\n", more);
    assert_eq!(call(rule(&report, "extra-call", &["read"])), "read");
    assert!(report.is_incomplete(), "{:#?}", short(&report));
    first(&report, "untraced");
    assert!(printed.ends_with("b'' end\n"), "{printed}");
    // Another size is another call, and gets no other bytes.
    let (report, printed) = again.changed("100))\n", "2), os.read(0, 98))\n");
    rule(&report, "argument-differs", &["read"]);
    assert!(printed.contains("b'tw' b'o\\nthree\\n'"), "{printed}");
}

#[test]
fn nothing_of_it_is_kept_in_part() {
    let long: &'static str = Box::leak("0123456789".repeat(5000).into_boxed_str());
    let (stdin, writer) = pipe(&[long]);
    let hash = |config: &mut Config| config.knobs.payload_limit = 0;
    let again = Again::new(
        &["sh"],
        "cat | tail -c 7; echo",
        |config| {
            stdin(config);
            hash(config);
        },
        hash,
    );
    writer.join().expect("the writer");
    assert_eq!(again.place.printed(1), "3456789\n");
}

#[test]
fn each_class_can_be_switched_off() {
    let (stdin, writer) = pipe(&["one\n"]);
    let mut again = Again::new(&["sh"], "cat; echo end", stdin, nothing);
    writer.join().expect("the writer");
    let live = |config: &mut Config| assert!(config.knobs.switch("mirrored-stdin", false));
    let (other, writer) = pipe(&["two\n"]);
    again.run(Some(1), "cat; echo end", |config| {
        other(config);
        live(config);
    });
    writer.join().expect("the writer");
    let run = 2 + TIMES;
    assert_eq!(again.place.printed(run), "two\nend\n");
    first(&again.place.compare(1, run), "input-differs");
    let header = samestate_tracer::trace::Reader::open(&again.place.trace(run));
    let knobs = header.expect("the trace").header().knobs.clone();
    for class in ["stdin=off", "pipes=on", "terminals=on", "sockets=on", "signals=on"] {
        assert!(knobs.iter().any(|knob| *knob == format!("mirrored-{class}")), "{knobs:?}");
    }
}

/// A terminal whose other end is held by a process that types.
pub(crate) struct Terminal {
    typist: Child,
    pub(crate) path: String,
}

impl Terminal {
    pub(crate) fn new(types: &str) -> Self {
        let text = format!(
            "import os, pty, sys, time, fcntl, termios, struct\n\
             m, s = pty.openpty()\n\
             fcntl.ioctl(s, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 77, 0, 0))\n\
             print(os.ttyname(s), flush=True)\n\
             sys.stdin.readline()\n\
             for word in {types:?}.split(','):\n\
             \x20 os.write(m, word.encode() + b'\\n'); time.sleep(0.05)\n\
             os.write(m, b'\\x04')\n\
             sys.stdin.read()\n"
        );
        let mut typist = Command::new("python3")
            .args(["-I", "-S", "-c", &text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut path = String::new();
        let stdout = typist.stdout.as_mut().expect("its output");
        BufReader::new(stdout).read_line(&mut path).expect("the name of the terminal");
        Self { typist, path: path.trim().to_owned() }
    }

    fn opened(&self) -> File {
        File::options().read(true).write(true).open(&self.path).expect("the terminal")
    }

    pub(crate) fn types(&mut self) {
        let stdin = self.typist.stdin.as_mut().expect("its input");
        stdin.write_all(b"go\n").expect("it listens");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.typist.stdin.take());
        self.typist.wait().expect("it ends");
    }
}

#[test]
fn a_terminal_is_one_for_who_has_none() {
    if !has_python() {
        return;
    }
    let python = "import os, sys\n\
                  print(os.isatty(0), os.get_terminal_size(0), flush=True)\n\
                  for line in sys.stdin: print('got', line.strip(), flush=True)\n\
                  print('end')\n";
    for (interpreter, text) in
        [(&PYTHON[..], python), (&["sh"], "tty -s && cat; echo end"), (&["sh"], "sort")]
    {
        let mut terminal = Terminal::new("one,two,three");
        let opened = terminal.opened();
        terminal.types();
        let again = Again::new(
            interpreter,
            text,
            |config| config.stdin = Stream::File(opened.try_clone().expect("a duplicate")),
            nothing,
        );
        let printed = again.place.printed(1);
        assert!(printed.contains("three"), "{printed}");
        if interpreter.len() > 1 {
            assert!(printed.contains("columns=77, lines=33"), "{printed}");
        }
    }
}

/// Answers so many clients and goes away.
pub(crate) fn server(clients: usize) -> (SocketAddr, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let serves = std::thread::spawn(move || {
        let serve = |stream: TcpStream| {
            let mut heard = String::new();
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|count| count > 0) {
                std::thread::sleep(Duration::from_millis(3));
                let answer = format!("answer to {line}");
                if stream.get_mut().write_all(answer.as_bytes()).is_err() {
                    break;
                }
                heard.push_str(&std::mem::take(&mut line));
            }
            heard
        };
        let all: Vec<_> = (0..clients)
            .map(|_| {
                let (stream, _) = listener.accept().expect("a client");
                std::thread::spawn(move || serve(stream))
            })
            .collect();
        all.into_iter().map(|one| one.join().expect("served")).collect()
    });
    (address, serves)
}

#[test]
fn a_client_goes_on_without_its_server() {
    if !has_python() {
        return;
    }
    let (address, serves) = server(3);
    let text = format!(
        "import socket\n\
         for n in range(3):\n\
         \x20 c = socket.create_connection(('127.0.0.1', {}))\n\
         \x20 c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n\
         \x20 print(c.getpeername()[1], c.getsockname()[0])\n\
         \x20 f = c.makefile('rw')\n\
         \x20 for k in range(2):\n\
         \x20   f.write('ask %d %d\\n' % (n, k)); f.flush()\n\
         \x20   print(f.readline().strip())\n\
         \x20 c.shutdown(socket.SHUT_WR)\n\
         \x20 print(c.recv(10))\n",
        address.port()
    );
    let mut again = Again::new(&PYTHON, &text, nothing, nothing);
    let heard = serves.join().expect("the server");
    assert_eq!(heard.concat(), "ask 0 0\nask 0 1\nask 1 0\nask 1 1\nask 2 0\nask 2 1\n");
    // The server is gone: if anything went out, it would be refused.
    assert!(TcpStream::connect(address).is_err());
    assert!(again.place.printed(2).contains("answer to ask 2 1"));
    let all = lines(&again.place, 2);
    assert!(all.iter().any(|line| line.contains("connect(") && line.contains("(given)")));
    // It sends something else.
    let (report, printed) = again.changed("'ask %d %d", "'esk %d %d");
    let finding = rule(&report, "payload-differs", &["sendto"]);
    assert!(sides(finding).1.contains("esk 0 0"), "{:?}", sides(finding));
    // The answers are those of the earlier run all the same.
    assert!(printed.contains("answer to ask 0 0"), "{printed}");
    // It asks for more.
    let (report, _) = again.changed("print(c.recv(10))", "print(c.recv(10)); c.recv(10)");
    rule(&report, "extra-call", &["recvfrom"]);
    first(&report, "untraced");
    // It connects once more.
    let (report, printed) = again.changed("range(3)", "range(4)");
    rule(&report, "extra-call", &["connect"]);
    first(&report, "untraced");
    assert!(printed.contains("ConnectionRefusedError"), "{printed}");
}

#[test]
fn datagrams_come_in_without_who_sent_them() {
    if !has_python() {
        return;
    }
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("its address").port();
    let answers = std::thread::spawn(move || {
        let mut bytes = [0; 100];
        for _ in 0..4 {
            let (count, from) = socket.recv_from(&mut bytes).expect("a question");
            bytes[..count].reverse();
            socket.send_to(&bytes[..count], from).expect("an answer");
        }
    });
    let text = format!(
        "import socket\n\
         s = socket.socket(type=socket.SOCK_DGRAM)\n\
         c = socket.socket(type=socket.SOCK_DGRAM); c.connect(('127.0.0.1', {port}))\n\
         for n in range(2):\n\
         \x20 s.sendto(b'ask %d' % n, ('127.0.0.1', {port}))\n\
         \x20 print(s.recvfrom(100))\n\
         \x20 c.send(b'say %d' % n)\n\
         \x20 print(c.recvmsg(3))\n"
    );
    let mut again = Again::new(&PYTHON, &text, nothing, nothing);
    answers.join().expect("the other end");
    let printed = again.place.printed(2);
    assert!(printed.contains("b'0 ksa'") && printed.contains("b'1 y'"), "{printed}");
    let (report, _) = again.changed("say %d", "sey %d");
    rule(&report, "payload-differs", &["sendto"]);
}

/// Says so much to a server, and gives what it was answered.
pub(crate) fn client(port: u16, says: &'static [&'static str]) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut tries = 0;
        let mut stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(error) if tries > 2000 => panic!("{error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
            tries += 1;
        };
        let mut heard = String::new();
        for word in says {
            stream.write_all(word.as_bytes()).expect("it listens");
            let mut bytes = vec![0; word.len()];
            stream.read_exact(&mut bytes).expect("it answers");
            heard.push_str(&String::from_utf8_lossy(&bytes));
        }
        heard
    })
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

#[test]
fn a_server_serves_clients_that_are_gone() {
    if !has_python() {
        return;
    }
    let simple = "import socket\n\
                  s = socket.create_server(('127.0.0.1', PORT))\n\
                  for _ in range(2):\n\
                  \x20 c, a = s.accept(); print('from', a[0])\n\
                  \x20 while d := c.recv(100): c.sendall(d.upper())\n\
                  \x20 c.close()\n\
                  print('done')\n";
    let selecting = "import selectors, socket\n\
                     s = socket.create_server(('127.0.0.1', PORT)); s.setblocking(False)\n\
                     sel = selectors.SELECTOR()\n\
                     sel.register(s, 1); left = 2\n\
                     while left:\n\
                     \x20 for key, _ in sel.select(30):\n\
                     \x20   if key.fileobj is s:\n\
                     \x20     c, a = s.accept(); c.setblocking(False); sel.register(c, 1)\n\
                     \x20   elif d := key.fileobj.recv(100): key.fileobj.sendall(d.upper())\n\
                     \x20   else: sel.unregister(key.fileobj); key.fileobj.close(); left -= 1\n\
                     print('done')\n";
    let threaded = "import socket, threading\n\
                    s = socket.create_server(('127.0.0.1', PORT))\n\
                    def serve(c):\n\
                    \x20 while d := c.recv(100): c.sendall(d.upper())\n\
                    all = []\n\
                    for _ in range(2):\n\
                    \x20 c, a = s.accept()\n\
                    \x20 all.append(threading.Thread(target=serve, args=(c,))); all[-1].start()\n\
                    for t in all: t.join()\n\
                    print('done')\n";
    let epoll = selecting.replace("SELECTOR", "EpollSelector");
    let poll = selecting.replace("SELECTOR", "PollSelector");
    let select = selecting.replace("SELECTOR", "SelectSelector");
    for text in [simple, &epoll, &poll, &select, threaded] {
        let port = free_port();
        let text = text.replace("PORT", &port.to_string());
        let clients = [client(port, &["hello", "world"]), client(port, &["once more"])];
        let mut again = Again::new(&PYTHON, &text, nothing, nothing);
        let [one, two] = clients.map(|client| client.join().expect("a client"));
        assert_eq!((one.as_str(), two.as_str()), ("HELLOWORLD", "ONCE MORE"));
        assert!(again.place.printed(2).contains("done"));
        let (report, _) = again.changed("d.upper()", "d.lower()");
        rule(&report, "payload-differs", &["sendto"]);
    }
}

#[test]
fn clients_inside_and_outside_of_one_server() {
    if !has_python() {
        return;
    }
    let port = free_port();
    let text = format!(
        "import socket, threading\n\
         s = socket.create_server(('127.0.0.1', {port}))\n\
         def ask():\n\
         \x20 c = socket.create_connection(('127.0.0.1', {port}))\n\
         \x20 c.sendall(b'inside'); print(c.recv(100))\n\
         \x20 c.close()\n\
         def serve():\n\
         \x20 c, a = s.accept()\n\
         \x20 while d := c.recv(100): c.sendall(d.upper())\n\
         for n in range(3):\n\
         \x20 if n != 1: t = threading.Thread(target=ask); t.start()\n\
         \x20 serve()\n\
         \x20 if n != 1: t.join()\n\
         \x20 if n == 0: open('ready', 'w').close()\n"
    );
    let mut place = Place::new();
    let ready = place.work().join("ready");
    let outside = std::thread::spawn(move || {
        while !ready.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        client(port, &["outside"]).join().expect("a client")
    });
    let command = runs(&PYTHON);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let limit = |config: &mut Config| config.timeout = Some(Duration::from_secs(100));
    let recording = place.record_with(None, script(&text), &command, limit);
    assert!(!recording.timed_out);
    assert_eq!(outside.join().expect("a client"), "OUTSIDE");
    for run in 2..2 + TIMES {
        let recording = place.record_with(Some(1), script(&text), &command, limit);
        assert!(!recording.timed_out, "{run}");
        assert_clean(&place.compare(1, run));
        assert_eq!(place.printed(1), place.printed(run));
    }
}

#[test]
fn tokio_clients_with_four_workers_go_on_without_their_server() {
    let program = fixture("rendezvous");
    let (address, serves) = server(8);
    let address = address.to_string();
    let mut place = Place::new();
    let limit = |config: &mut Config| config.timeout = Some(Duration::from_secs(100));
    let command = [&*program, "ping", &*address];
    place.record_with(None, |_| (), &command, limit);
    let heard = serves.join().expect("the server");
    assert_eq!(heard.iter().map(|heard| heard.lines().count()).sum::<usize>(), 40);
    for run in 2..2 + TIMES {
        let recording = place.record_with(Some(1), |_| (), &command, limit);
        assert!(!recording.timed_out);
        assert_eq!(place.printed(1), place.printed(run));
        assert_clean(&place.compare(1, run));
    }
    place.record_with(Some(1), |_| (), &[&*program, "pong", &*address], limit);
    let report = place.compare(1, 2 + TIMES);
    let finding = rule(&report, "payload-differs", &["sendto", "write"]);
    assert!(finding.details.iter().any(|line| line.contains("pong")), "{:?}", finding.details);
}
