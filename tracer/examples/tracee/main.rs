//! A program to trace, for the tests: each mode does one thing that the tracer has to get right.
//!
//! ```text
//! tracee sim FOLDER STEPS EVERY [FLAG…]            simulate, and save every so many steps
//! tracee resume FOLDER STEPS EVERY IMAGE [FLAG…]   the same, from an image
//! tracee inputs                                    print the time, random bytes and process ids
//! tracee unknown                                   make a system call that does not exist
//! tracee pipe SIZE WORD                            hand a text to itself in pieces of a size
//! tracee wild                                      hand the kernel addresses of nothing
//! tracee queue WORD                               send a word to a message queue
//! tracee message PORT                             send a byte to a port
//! tracee shared FILE read|late|keep|end|killed    map a file, and perhaps write to it there
//! tracee foreign                                  make a 32-bit system call
//! tracee workers WORD                             let four threads work, and print who did what
//! tracee pauses                                   wait with and without a time limit
//! tracee spin                                     wait for another thread without a call
//! tracee untraced                                 make a child that asks not to be traced
//! tracee orphans COUNT                            kill children while they make children
//! tracee features                                 print what the processor can do
//! tracee closed                                   close all descriptors
//! tracee blocked                                  block all signals, for ever
//! tracee busy THREADS                             look at files until there is a file `stop`
//! tracee filter error|trap|kill|strict            do not allow itself to ask for its parent
//! tracee filter together                          the same for a thread that is there already
//! tracee part KEY                                 end what `--meet=KEY` waits for
//! tracee exit STATUS | signal NUMBER | threads COUNT | children COUNT | marker
//! ```

#![expect(clippy::print_stdout, reason = "what it prints is what the tests look at")]

mod plan;
mod together;

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

use plan::Plan;
use samestate_schema::marker::{self, Kind, Marker};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().any(|word| word == "--headless") {
        true => together::headless(words, begin),
        false => begin(&words),
    }
}

fn begin(words: &[String]) -> Result {
    let number = |at: usize| -> Result<u64> {
        Ok(words.get(at).ok_or("a number is missing")?.parse::<u64>()?)
    };
    let word = |at: usize| words.get(at).map(String::as_str).ok_or("an argument is missing");
    match word(0)? {
        "sim" => {
            let plan = Plan::new(word(1)?, number(2)?, number(3)?, words);
            Simulation::new(&plan)?.run(&plan)
        }
        "resume" => {
            let plan = Plan::new(word(1)?, number(2)?, number(3)?, words);
            Simulation::restore(&plan, Path::new(word(4)?))?.run(&plan)
        }
        "part" => together::part(number(1)?),
        "inputs" => inputs(),
        "unknown" => {
            call(500, [1, 2, 3]);
            Ok(())
        }
        "exit" => std::process::exit(i32::try_from(number(1)?)?),
        "signal" => {
            call(libc::SYS_kill, [std::process::id().into(), number(1)?, 0]);
            Ok(())
        }
        "threads" => {
            let count = number(1)?;
            let threads: Vec<_> = (0..count)
                .map(|n| std::thread::spawn(move || fs::metadata(format!("/thread-{n}")).is_ok()))
                .collect();
            for thread in threads {
                thread.join().map_err(|_| "a thread panicked")?;
            }
            Ok(())
        }
        "children" => {
            for n in 0..number(1)? {
                std::process::Command::new("/bin/true").arg(n.to_string()).status()?;
            }
            Ok(())
        }
        "wild" => {
            call(libc::SYS_write, [1, 16, 100]);
            call(libc::SYS_openat, [u64::MAX - 99, 16, 0]);
            call(libc::SYS_writev, [1, 16, u64::MAX]);
            call(libc::SYS_write, [1, 16, u64::MAX]);
            Ok(())
        }
        "pipe" => {
            let (mut from, mut to) = std::io::pipe()?;
            let all = word(2)?.repeat(100);
            for piece in all.as_bytes().chunks(usize::try_from(number(1)?)?) {
                to.write_all(piece)?;
            }
            drop(to);
            let mut piece = vec![0; usize::try_from(number(1)?)?];
            let mut count = 0;
            while let got @ 1.. = from.read(&mut piece)? {
                count += got;
            }
            println!("{count} bytes");
            Ok(())
        }
        "queue" => {
            let mut message = 1_u64.to_le_bytes().to_vec();
            message.extend_from_slice(word(1)?.as_bytes());
            let queue = call(libc::SYS_msgget, [0, 0o600, 0]).cast_unsigned();
            let text = (message.len() - 8) as u64;
            // SAFETY: the message outlives the call, and is as long as it says.
            unsafe { libc::syscall(libc::SYS_msgsnd, queue, message.as_ptr(), text, 0) };
            call(libc::SYS_msgctl, [queue, 0, 0]);
            Ok(())
        }
        "message" => {
            let socket = std::net::UdpSocket::bind("127.0.0.1:9999")?;
            let port = u16::try_from(number(1)?)?;
            let mut address = 2_u16.to_ne_bytes().to_vec();
            address.extend_from_slice(&port.to_be_bytes());
            address.extend_from_slice(&[127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
            let parts = [b"x".as_ptr() as usize, 1];
            let message =
                [address.as_ptr() as usize, address.len(), parts.as_ptr() as usize, 1, 0, 0, 0];
            // SAFETY: the message, its address and its one part outlive the call.
            unsafe { libc::syscall(libc::SYS_sendmsg, socket.as_raw_fd(), message.as_ptr(), 0) };
            Ok(())
        }
        "shared" => {
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(word(1)?)?;
            file.set_len(4096)?;
            // SAFETY: a new mapping at an address of the kernel's choice.
            let place = unsafe {
                libc::mmap(std::ptr::null_mut(), 4096, 1, libc::MAP_SHARED, file.as_raw_fd(), 0)
            };
            if word(2)? != "read" {
                // SAFETY: the mapping is ours, and nothing refers to it.
                unsafe { libc::mprotect(place, 4096, 3) };
                let text = word(3)?.as_bytes();
                // SAFETY: the mapping is writable now, and longer than any word.
                unsafe { std::ptr::copy(text.as_ptr(), place.cast(), text.len().min(4096)) };
            }
            match word(2)? {
                "end" => {
                    // SAFETY: the mapping is ours, and nothing refers to it.
                    unsafe { libc::munmap(place, 4096) };
                }
                "killed" => {
                    call(libc::SYS_kill, [std::process::id().into(), 9, 0]);
                }
                _ => {}
            }
            Ok(())
        }
        "foreign" => {
            let mut result: u64 = 20;
            // SAFETY: the 32-bit getpid takes no argument; the kernel keeps all registers but
            // the result and, through this gate, r8 to r11.
            unsafe {
                std::arch::asm!("int 0x80", inout("rax") result, out("r8") _, out("r9") _,
                    out("r10") _, out("r11") _);
            }
            println!("{result}");
            Ok(())
        }
        "workers" => workers(word(1)?),
        "pauses" => pauses(),
        "spin" => {
            let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let set = std::sync::Arc::clone(&done);
            let thread = std::thread::spawn(move || {
                set.store(true, std::sync::atomic::Ordering::Release);
            });
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                std::hint::spin_loop();
            }
            thread.join().map_err(|_| "a thread panicked")?;
            println!("done");
            Ok(())
        }
        "untraced" => {
            let flags = 0x80_0000 | libc::SIGCHLD.cast_unsigned();
            // SAFETY: a fork; the child only leaves.
            let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
            if child == 0 {
                let proof = File::create("proof").is_ok();
                // SAFETY: ends the child without running anything of its parent's.
                unsafe { libc::_exit(if proof { 7 } else { 8 }) };
            }
            let mut status = 0;
            // SAFETY: the status outlives the call.
            unsafe { libc::waitpid(i32::try_from(child)?, &raw mut status, 0) };
            std::process::exit(libc::WEXITSTATUS(status))
        }
        "orphans" => {
            for n in 0..number(1)? {
                // SAFETY: a fork; the child only forks on, and its children only leave.
                let child = unsafe { libc::fork() };
                if child == 0 {
                    fork_for_ever();
                }
                std::thread::sleep(std::time::Duration::from_micros(300 + n * 37 % 900));
                // SAFETY: both take plain numbers, and the status outlives its call.
                unsafe { libc::kill(child, libc::SIGKILL) };
                // SAFETY: see above.
                unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            }
            Ok(())
        }
        "features" => {
            let features = || {
                [
                    std::is_x86_feature_detected!("rdrand"),
                    std::is_x86_feature_detected!("rdseed"),
                    std::is_x86_feature_detected!("sse2"),
                ]
            };
            let thread = std::thread::spawn(features).join().map_err(|_| "a thread panicked")?;
            println!("{:?} {}", features(), thread == features());
            Ok(())
        }
        "closed" => {
            call(libc::SYS_close_range, [0, u64::from(u32::MAX), 0]);
            let lowest = File::create("after")?.as_raw_fd();
            std::process::exit(lowest + 3)
        }
        "blocked" => {
            // SAFETY: sigset_t consists of integers; all zeros is the empty set.
            let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
            // SAFETY: the set is ours.
            unsafe { libc::sigfillset(&raw mut all) };
            // SAFETY: the set outlives the call, and the old one is not asked for.
            unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut()) };
            loop {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        "busy" => busy(number(1)?),
        "filter" => filter(word(1)?),
        "marker" => {
            let traced = announce(Kind::Step, 0, 7, [0; 16], Path::new(""));
            println!("{}", if traced { "traced" } else { "alone" });
            Ok(())
        }
        other => Err(format!("no mode {other}").into()),
    }
}

/// Threads look at files, and the first one makes more of them and counts, until told to stop.
fn busy(threads: u64) -> Result {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let mut log = File::create("log")?;
    log.write_all(b"abc")?;
    let mut counts = File::create("count")?;
    let done = Arc::new(AtomicBool::new(false));
    let pause = std::time::Duration::from_millis(1);
    let all: Vec<_> = (0..threads)
        .map(|n| {
            let done = Arc::clone(&done);
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let _none = fs::metadata(format!("/busy-{n}"));
                    std::thread::sleep(pause);
                }
            })
        })
        .collect();
    let mut count = 0_u64;
    while fs::metadata("stop").is_err() {
        count += 1;
        // A file that is cut off and written again is flushed to the disk, which may take long.
        counts.write_all(b".")?;
        announce(Kind::Step, 0, count, [0; 16], Path::new(""));
        let late = std::thread::spawn(|| fs::metadata("/late").is_ok());
        late.join().map_err(|_| "a thread panicked")?;
        std::thread::sleep(pause);
    }
    done.store(true, Ordering::Relaxed);
    for thread in all {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    std::process::exit(5)
}

/// Installs a filter that does not let `getppid` pass, and asks for it everywhere.
fn filter(how: &str) -> Result {
    if how == "strict" {
        println!("before {}", call(libc::SYS_prctl, [21, 0, 0]));
        if call(libc::SYS_prctl, [22, 1, 0]) != 0 {
            return Err("no strict mode".into());
        }
        // SAFETY: the bytes outlive the call.
        unsafe { libc::syscall(libc::SYS_write, 1, b"strict\n".as_ptr(), 7) };
        call(libc::SYS_getppid, [0; 3]);
        return Ok(());
    }
    let answer = match how {
        "trap" => libc::SECCOMP_RET_TRAP,
        "kill" => libc::SECCOMP_RET_KILL_PROCESS,
        _ => libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned(),
    };
    let rule = |code: u32, skip: u8, k: u32| {
        u16::try_from(code).map(|code| libc::sock_filter { code, jt: 0, jf: skip, k })
    };
    let rules = [
        rule(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)?,
        rule(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, u32::try_from(libc::SYS_getppid)?)?,
        rule(libc::BPF_RET | libc::BPF_K, 0, answer)?,
        rule(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW)?,
    ];
    let program =
        libc::sock_fprog { len: u16::try_from(rules.len())?, filter: rules.as_ptr().cast_mut() };
    let (ask, asked) = std::sync::mpsc::channel::<()>();
    let earlier = std::thread::spawn(move || {
        let _gone = asked.recv();
        call(libc::SYS_getppid, [0; 3])
    });
    call(libc::SYS_prctl, [38, 1, 0]);
    let together = u64::from(how == "together");
    // SAFETY: the program and its rules outlive the call, which only reads them.
    let set = unsafe { libc::syscall(libc::SYS_seccomp, 1, together, &raw const program) };
    if set != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    let is_refused = |result: libc::c_long| result == -1;
    println!("here {}", is_refused(call(libc::SYS_getppid, [0; 3])));
    let thread = std::thread::spawn(|| call(libc::SYS_getppid, [0; 3]));
    println!("thread {}", is_refused(thread.join().map_err(|_| "a thread panicked")?));
    ask.send(())?;
    println!("earlier {}", is_refused(earlier.join().map_err(|_| "a thread panicked")?));
    // SAFETY: a fork; the child only asks and leaves.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = is_refused(call(libc::SYS_getppid, [0; 3]));
        // SAFETY: ends the child without running anything of its parent's.
        unsafe { libc::_exit(refused.into()) };
    }
    let mut status = 0;
    // SAFETY: the status outlives the call.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    println!("child {}", libc::WEXITSTATUS(status) == 1);
    println!("{:?}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?);
    Ok(())
}

/// Four threads take work from a channel, count in a map behind a lock, and report.
fn workers(last: &str) -> Result {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex, mpsc};
    use std::time::{Duration, Instant, SystemTime};

    let (give, take) = mpsc::channel::<u64>();
    let (tell, told) = mpsc::channel::<(usize, u64, Duration)>();
    let take = Arc::new(Mutex::new(take));
    let counts = Arc::new(Mutex::new(HashMap::<String, u64>::new()));
    let started = Instant::now();
    let threads: Vec<_> = (0..4)
        .map(|worker| {
            let (take, tell, counts) = (Arc::clone(&take), tell.clone(), Arc::clone(&counts));
            std::thread::spawn(move || {
                loop {
                    let work = match take.lock() {
                        Ok(take) => take.recv(),
                        Err(_) => return,
                    };
                    let Ok(work) = work else { return };
                    let mut sum = work;
                    for _ in 0..work % 7 * 1000 {
                        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
                    }
                    if let Ok(mut counts) = counts.lock() {
                        *counts.entry(format!("worker {worker}")).or_default() += 1;
                        *counts.entry(format!("work {}", sum % 5)).or_default() += 1;
                    }
                    if work.is_multiple_of(16) {
                        std::thread::sleep(Duration::from_micros(work * 10));
                    }
                    if tell.send((worker, sum, started.elapsed())).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(tell);
    for work in 0..100 {
        give.send(work)?;
    }
    drop(give);
    for (worker, sum, when) in told {
        println!("worker {worker} sum {sum} after {when:?}");
    }
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    let counts = counts.lock().map_err(|_| "poisoned")?;
    for (what, count) in counts.iter() {
        println!("{what}: {count}");
    }
    println!("{:?} {last}", SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?);
    Ok(())
}

/// Waits for time and for others, with limits that are met and limits that are not.
fn pauses() -> Result {
    use std::sync::{Arc, Condvar, Mutex, mpsc};
    use std::time::{Duration, Instant};

    let pair = Arc::new((Mutex::new(0), Condvar::new()));
    let (tell, told) = mpsc::channel();
    let threads: Vec<_> = [30_u64, 10, 20]
        .into_iter()
        .map(|time| {
            let (pair, tell) = (Arc::clone(&pair), tell.clone());
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(time));
                if let Ok(mut turn) = pair.0.lock() {
                    *turn += 1;
                }
                pair.1.notify_all();
                let _gone = tell.send(time);
            })
        })
        .collect();
    let before = Instant::now();
    let guard = pair.0.lock().map_err(|_| "poisoned")?;
    let late = Duration::from_millis(5);
    let (guard, result) =
        pair.1.wait_timeout_while(guard, late, |turn| *turn < 3).map_err(|_| "poisoned")?;
    println!("{} at {}", result.timed_out(), *guard);
    let long = Duration::from_secs(100);
    let (guard, result) =
        pair.1.wait_timeout_while(guard, long, |turn| *turn < 3).map_err(|_| "poisoned")?;
    println!("{} at {}", result.timed_out(), *guard);
    drop(guard);
    drop(tell);
    println!("{:?}", told.iter().collect::<Vec<_>>());
    println!("enough time passed: {}", before.elapsed() >= Duration::from_millis(30));
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    Ok(())
}

/// Makes one child after the other, each of which leaves at once.
fn fork_for_ever() -> ! {
    loop {
        // SAFETY: a fork; the child only leaves.
        if unsafe { libc::fork() } == 0 {
            // SAFETY: ends the child without running anything of its parent's.
            unsafe { libc::_exit(0) };
        }
    }
}

/// Makes a system call whose arguments are numbers.
fn call(number: libc::c_long, arguments: [u64; 3]) -> libc::c_long {
    // SAFETY: the calls made through this function take numbers, do not exist, or get addresses
    // at which nothing is mapped, which the kernel refuses.
    unsafe { libc::syscall(number, arguments[0], arguments[1], arguments[2]) }
}

/// Announces a marker; whether somebody traces.
fn announce(kind: Kind, seq: u64, step: u64, image_id: [u8; 16], path: &Path) -> bool {
    let path = path.to_string_lossy();
    let mut marker = Marker::new(kind);
    (marker.seq, marker.step, marker.image_id) = (seq, step, image_id);
    marker.path = path.as_bytes();
    let bytes = marker.encode();
    // SAFETY: the bytes outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_write, marker::FD, bytes.as_ptr(), bytes.len()) };
    result == marker::TRACED
}

fn inputs() -> Result {
    let mut random = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let keys = std::collections::hash_map::RandomState::new();
    let key = std::hash::BuildHasher::hash_one(&keys, 1);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    println!("time {} {:?}", now.as_nanos(), std::time::Instant::now());
    println!("random {random:?} {key}");
    println!("process {} of {}", std::process::id(), std::os::unix::process::parent_id());
    println!("processors {}", std::thread::available_parallelism()?);
    Ok(())
}

/// A random walk that logs where it is.
struct Simulation {
    step: u64,
    random: u64,
    place: i64,
    saves: u64,
    log: File,
    /// Never saved, and of no effect.
    id: [u8; 16],
    /// Whether it comes from an image, and forgets what the flags say.
    forgetful: bool,
}

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

impl Simulation {
    fn new(plan: &Plan) -> Result<Self> {
        let log = File::create(plan.folder.join("log"))?;
        plan.begin(false)?;
        Ok(Self { step: 0, random: SEED, place: 0, saves: 0, log, id: [0; 16], forgetful: false })
    }

    fn restore(plan: &Plan, image: &Path) -> Result<Self> {
        if plan.has("--broken") {
            return Err("this program cannot restore".into());
        }
        let mut file = File::open(image)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let number = |at: usize| -> Result<u64> {
            Ok(u64::from_le_bytes(
                bytes.get(at..at + 8).ok_or("the image is too short")?.try_into()?,
            ))
        };
        let mut log = File::options().write(true).open(plan.folder.join("log"))?;
        if !plan.has("--forget-offset") {
            log.seek(SeekFrom::Start(number(24)?))?;
        }
        let random = if plan.has("--forget-random") { SEED } else { number(8)? };
        let mut simulation = Self {
            step: number(0)?,
            random,
            place: number(16)?.cast_signed(),
            saves: 0,
            log,
            id: Self::id(&bytes),
            forgetful: !plan.has("--careful"),
        };
        if let Some(key) = plan.number("--meet=") {
            together::meet(key)?;
        }
        if plan.has("--sweep") {
            fs::remove_file(plan.folder.with_file_name("victim"))?;
        }
        if plan.has("--astray") {
            fs::write(plan.folder.with_file_name("astray"), "made while restoring")?;
        }
        plan.begin(simulation.forgetful)?;
        if plan.has("--other") {
            simulation.id[0] ^= 1;
        }
        // Who is told by the files alone thinks that everything is set up from here on.
        drop(file);
        if plan.has("--silent") || plan.has("--unannounced") {
            return Ok(simulation);
        }
        announce(Kind::Restored, 0, simulation.step, simulation.id, image);
        Ok(simulation)
    }

    fn run(&mut self, plan: &Plan) -> Result {
        while self.step < plan.steps {
            self.step += 1;
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            self.place += (self.random >> 33).cast_signed() % 100;
            writeln!(self.log, "step {} place {}", self.step, self.place)?;
            if plan.has("--time") {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
                writeln!(self.log, "{} {}", now.as_nanos(), std::process::id())?;
            }
            if plan.has("--threads") {
                self.together()?;
            }
            self.in_order(plan)?;
            if self.step.is_multiple_of(plan.every) {
                self.save(plan)?;
            }
        }
        println!("place {}", self.place);
        Ok(())
    }

    /// Does things in an order, or at a time, that a forgetful program has another one of.
    fn in_order(&mut self, plan: &Plan) -> Result {
        let mut items = ["first", "second", "third"];
        if self.forgetful {
            items.reverse();
        }
        if plan.has("--rows") {
            for item in items {
                writeln!(self.log, "{item}")?;
            }
        }
        if plan.has("--row") {
            writeln!(self.log, "{}", items.join(" "))?;
        }
        if plan.has("--tasks") {
            for item in items {
                match item {
                    "first" => drop(fs::metadata("/first")),
                    "second" => drop(fs::read_link("/second")),
                    _ => drop(fs::remove_file("/third")),
                }
            }
        }
        if plan.has("--late") {
            let late = if self.forgetful { 20 } else { 10 };
            std::thread::sleep(std::time::Duration::from_micros(late));
        }
        if plan.has("--outside") {
            writeln!(self.log, "run {}", fs::read_to_string(plan.outside())?)?;
        }
        Ok(())
    }

    /// Three threads log what they make of the state, whoever comes first.
    fn together(&mut self) -> Result {
        let (step, random) = (self.step, self.random);
        let log = std::sync::Mutex::new((&mut self.log, Ok(())));
        std::thread::scope(|scope| {
            for thread in 0..3_u64 {
                let log = &log;
                scope.spawn(move || {
                    for round in 0..5 {
                        let value = random.rotate_left(u32::try_from(thread + round).unwrap_or(0));
                        std::thread::sleep(std::time::Duration::from_micros(value % 300));
                        if let Ok(mut log) = log.lock() {
                            let line = format!("{step} {thread} {round} {}\n", value % 1000);
                            let written = log.0.write_all(line.as_bytes());
                            log.1 = std::mem::replace(&mut log.1, Ok(())).and(written);
                        }
                    }
                });
            }
        });
        Ok(log.into_inner().map_err(|_| "poisoned")?.1?)
    }

    fn save(&mut self, plan: &Plan) -> Result {
        plan.announce(Kind::SaveBegin, self.saves, self.step, [0; 16], Path::new(""));
        let mut bytes = Vec::new();
        for number in
            [self.step, self.random, self.place.cast_unsigned(), self.log.stream_position()?]
        {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let id = Self::id(&bytes);
        if plan.has("--bad-resave") && self.forgetful {
            // What it announces and what it writes are not the same.
            bytes[8..16].fill(0);
        }
        let path = plan.folder.join(format!("image-{}", self.step));
        plan.announce(Kind::Saved, self.saves, self.step, id, &path);
        // What a store does is its own business: another process id in a file name, say.
        let draft = plan.folder.join(format!("draft-{}", std::process::id()));
        fs::write(&draft, &bytes)?;
        fs::rename(&draft, &path)?;
        if plan.has("--unkept") && self.forgetful {
            fs::remove_file(&path)?;
        }
        let told = if plan.has("--terse") { Path::new("") } else { &path };
        plan.announce(Kind::Durable, self.saves, self.step, id, told);
        self.saves += 1;
        Ok(())
    }

    /// Not a good hash, but equal for equal states.
    fn id(bytes: &[u8]) -> [u8; 16] {
        let mut id = [0_u8; 16];
        for (at, byte) in bytes.iter().enumerate() {
            id[at % 16] = id[at % 16].wrapping_mul(31) ^ byte;
        }
        id
    }
}
