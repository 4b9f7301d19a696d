//! Devices that fill a struct with what is to be saved of them, and are made of one again.

use crate::build::{Flavor, compile, cover_with, lines};

const DEVICE: &str = "
pub struct UartState { pub scratch: u8, pub control: u8, pub fifo: Vec<u8> }
pub struct Uart<T> { scratch: u8, control: u8, fifo: std::collections::VecDeque<u8>, ready: bool, line: T }
impl<T> Uart<T> {
    pub fn state(&self) -> UartState {
        UartState { scratch: self.scratch, control: self.control, fifo: Vec::from(self.fifo.clone()) }
    }
    pub fn from_state(state: &UartState, line: T) -> Result<Self, String> {
        if state.fifo.len() > 64 { return Err(String::new()); }
        let control = state.control;
        Ok(Uart { scratch: state.scratch, control, fifo: state.fifo.clone().into(),
            ready: !state.fifo.is_empty(), line })
    }
}
pub struct Board { uart: Uart<u8> }
pub struct BoardState { uart: UartState }
impl Board {
    pub fn state(&self) -> BoardState { BoardState { uart: self.uart.state() } }
    pub fn from_state(state: &BoardState) -> Result<Self, String> {
        Ok(Board { uart: Uart::from_state(&state.uart, 3)? })
    }
}
fn encode(state: &BoardState, out: &mut Vec<u8>) {
    out.push(state.uart.scratch);
    out.push(state.uart.control);
    out.extend(&state.uart.fifo);
}
fn decode(image: &[u8]) -> BoardState {
    BoardState { uart: UartState { scratch: image[0], control: image[1], fifo: image[2..].to_vec() } }
}
fn main() {
    let uart = UartState { scratch: 1, control: 2, fifo: vec![3] };
    let board = Board::from_state(&BoardState { uart }).unwrap();
    let mut out = Vec::new();
    encode(&board.state(), &mut out);
    std::hint::black_box(Board::from_state(&decode(&out)).unwrap().uart.line);
}
";

/// What stands in the place of a part of it, and what must be found besides the line.
const CASES: &[(&str, &str, &[&str])] = &[
    // Other ways to say the same.
    ("scratch: state.scratch,", "scratch: { let s = state.scratch; s },", &[]),
    ("ready: !state.fifo.is_empty(),", "ready: is_ready(&state),", &[]),
    // A part of the struct that was never filled is not made of the parts that were.
    ("scratch: self.scratch,", "scratch: 0,", &["restore-without-save app::Board.uart.scratch"]),
    ("control: self.control,", "control: 0,", &["restore-without-save app::Board.uart.control"]),
    (
        "fifo: Vec::from(self.fifo.clone())",
        "fifo: Vec::new()",
        &[
            "restore-without-save app::Board.uart.fifo",
            "restore-without-save app::Board.uart.ready",
        ],
    ),
    ("scratch: state.scratch,", "scratch: 0,", &["save-without-restore app::Board.uart.scratch"]),
    (
        "uart: Uart::from_state(&state.uart, 3)?",
        "uart: Uart { scratch: 0, control: 0, fifo: [0; 8].into(), ready: true, line: 3 }",
        // … nor does anything save or restore by pieces what the line at the end names.
        &["stale-treatment app::Uart.line", "save-without-restore app::Board.uart"],
    ),
    ("out.push(state.uart.control);", "", &["restore-without-save app::BoardState.uart.control"]),
    ("control: image[1],", "control: 0,", &["save-without-restore app::BoardState.uart.control"]),
];

fn found(source: &str) -> Vec<String> {
    let source =
        format!("{source}\nfn is_ready(state: &UartState) -> bool {{ !state.fifo.is_empty() }}");
    let settings = "roots = [\"app::Board\", \"app::BoardState\"]
        save = [\"app::Board::state\", \"app::encode\"]
        restore = [\"app::Board::from_state\", \"app::decode\"]
        [host]\n\"app::Uart.line\" = \"given to `from_state`\"";
    lines(&cover_with(&compile(&source, Flavor::Debug), settings))
}

#[test]
fn what_a_state_struct_leaves_out_is_missed_on_either_side() {
    assert_eq!(found(DEVICE), [""; 0]);
    for (part, other, expected) in CASES {
        let source = DEVICE.replacen(part, other, 1);
        assert_ne!(source, DEVICE, "{part} is not there");
        assert_eq!(found(&source), *expected, "{part} became {other}");
    }
}
