//! Runs a small program, saves, goes on, goes back and goes on from there again: both ways must
//! show the same pictures. `samestate coverage` tells whether the states hold everything.

mod bus;
mod console;
mod cpu;
mod device;
mod display;
mod machine;
mod noise;
mod stream;
mod timer;

use std::error::Error;
use std::io::{self, Write as _};

use machine::Machine;

/// Draws noise in moving rows, prints now and then, and lets the timers run.
const PROGRAM: &[u8] = &[
    0xa9, 0x20, 0x8d, 0x00, 0x80, // slow timer: reload 0x0020
    0xa9, 0x03, 0x8d, 0x02, 0x80, // on, repeating
    0xa9, 0x50, 0x8d, 0x04, 0x80, // fast timer: reload 0x0050
    0xa9, 0x03, 0x8d, 0x06, 0x80, // on, repeating
    0xa9, 0x02, 0x8d, 0x08, 0x80, // the fast one interrupts
    0x58, // interrupts on
    0xe8, // loop: next row
    0x8e, 0x01, 0x7f, // row
    0xad, 0x10, 0x80, // noise
    0x8d, 0x02, 0x7f, // draw it
    0x95, 0x40, // keep it
    0x7d, 0x40, 0x00, // add what is kept
    0x8d, 0x20, 0x80, // print it
    0xad, 0x09, 0x80, // clear the timers
    0xe0, 0x20, // the last row?
    0xd0, 0xe7, // no: on
    0x8e, 0x06, 0x7f, // a frame is finished
    0x8e, 0x21, 0x80, // the line gives back what it gets
    0xa2, 0x00, // first row
    0x4c, 0x1a, 0xc0, // on
];

fn pictures(machine: &mut Machine, count: u32) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for _ in 0..count {
        for byte in machine.frame().bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut machine = Machine::new("machine", PROGRAM);
    machine.set_log(Box::new(io::stderr()));
    pictures(&mut machine, 40);
    let state = machine.save_state()?;
    let on = pictures(&mut machine, 40);
    machine.load_state(&state).map_err(|damaged| format!("damaged at {}", damaged.offset))?;
    let again = pictures(&mut machine, 40);
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{} bytes of state: {on:016x}, {again:016x}", state.len())?;
    writeln!(stdout, "{}", machine.summary())?;
    if on == again { Ok(()) } else { Err("the pictures differ".into()) }
}
