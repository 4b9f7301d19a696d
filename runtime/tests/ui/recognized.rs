use std::any::Any;
use std::collections::HashMap;
use std::fs::File;
use std::net::TcpStream;
use std::process::Child;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use samestate::Checkpoint;

#[derive(Checkpoint)]
struct Sim {
    steps: u64,
    started: Instant,
    log: Vec<File>,
    peers: HashMap<u32, Arc<Mutex<TcpStream>>>,
    worker: Option<JoinHandle<()>>,
    inbox: Receiver<u8>,
    held: MutexGuard<'static, u8>,
    helper: Child,
    ready: (u8, Condvar),
    name: &'static str,
    on_step: Box<dyn Fn(u64) + Send>,
    user: Box<dyn Any>,
}

/// What the parameter is decides, so the error is where it is known.
#[derive(Checkpoint)]
struct Pool<T> {
    done: Receiver<T>,
}

fn main() {
    fn implements<T: Checkpoint>() {}
    implements::<Pool<u8>>();
}
