//! From a thread's registers to the calls that it is in.

use std::fmt;
use std::rc::Rc;

use gimli::{CfaRule, EvaluationResult, Location, RegisterRule, UnwindExpression, Value};

use crate::rules::{Row, Rules};

/// So many calls are followed.
const DEEPEST: usize = 256;
/// An expression of the tables may take so many steps.
const MOST_STEPS: u32 = 10_000;

/// Where the stack pointer stands among the registers.
const STACK: usize = 7;
/// Where the address of the next instruction stands.
const NEXT: usize = 16;

/// The registers of an x86-64 thread, numbered as its debug information does: `rax`, `rdx`, `rcx`,
/// `rbx`, `rsi`, `rdi`, `rbp`, `rsp`, `r8` to `r15`, and the address of the next instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers(pub [Option<u64>; 17]);

/// The memory that a thread lives in.
pub trait World {
    /// The tables of the file that is mapped, to be executed, at this address, and what has to be
    /// taken from an address to get at the file's own.
    fn rules(&mut self, address: u64) -> Option<(Rc<Rules>, u64)>;
    /// The eight bytes at an address.
    fn read(&mut self, address: u64) -> Option<u64>;
    /// Whether the instruction before this address is a call, as far as the bytes tell.
    fn follows_call(&mut self, address: u64) -> bool;
}

/// The calls that a thread is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// An address within each call instruction, the innermost first.
    pub addresses: Vec<u64>,
    /// Where it ends.
    pub end: End,
}

/// Why a stack ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// There is no further caller.
    Whole,
    /// No file is mapped there.
    NoFile,
    /// The file does not tell how to go on from there.
    NoRules,
    /// What the tables tell cannot be followed.
    Unfit,
    /// Memory that should hold the caller cannot be read.
    Unreadable,
    /// What should be the caller made no call.
    NoCall,
    /// The stack does not grow towards its callers.
    Circle,
    /// There are more calls.
    Deep,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "nobody called the last one",
            Self::NoFile => "what called the last one stands in no file",
            Self::NoRules => "the last one's file does not tell who called it",
            Self::Unfit => "what the last one's file tells of its caller cannot be followed",
            Self::Unreadable => "the memory that holds the last one's caller cannot be read",
            Self::NoCall => "what should have called the last one makes no call",
            Self::Circle => "the last one's caller would be itself called by it",
            Self::Deep => "there are more calls",
        })
    }
}

/// Follows the calls that a thread is in. It is stopped behind an instruction that it has begun,
/// such as a system call.
pub fn walk(registers: Registers, world: &mut dyn World) -> Walk {
    let mut walk = Walk { addresses: Vec::new(), end: End::Deep };
    let mut registers = registers;
    let mut was_called = true;
    while walk.addresses.len() < DEEPEST {
        let next = match registers.0[NEXT] {
            None | Some(0) => return Walk { end: End::Whole, ..walk },
            Some(next) => next,
        };
        // The call may be the last instruction of its function. What a signal interrupts is not.
        let address = if was_called { next.wrapping_sub(1) } else { next };
        let Some((rules, bias)) = world.rules(address) else {
            walk.end = End::NoFile;
            return walk;
        };
        if !walk.addresses.is_empty() && was_called && !world.follows_call(next) {
            walk.end = End::NoCall;
            return walk;
        }
        walk.addresses.push(address);
        let Some(row) = rules.row(address.wrapping_sub(bias)) else {
            walk.end = End::NoRules;
            return walk;
        };
        match caller(&rules, &row, &registers, world) {
            Ok(caller) => {
                // Signals may have a stack of their own.
                let grows = caller.0[STACK] > registers.0[STACK];
                if !grows && !row.is_signal {
                    walk.end = End::Circle;
                    return walk;
                }
                registers = caller;
                was_called = !row.is_signal;
            }
            Err(end) => {
                walk.end = end;
                return walk;
            }
        }
    }
    walk
}

/// The registers that the caller had.
fn caller(
    rules: &Rules,
    row: &Row,
    registers: &Registers,
    world: &mut dyn World,
) -> Result<Registers, End> {
    let get = |registers: &Registers, number: u16| {
        registers.0.get(usize::from(number)).copied().flatten().ok_or(End::Unfit)
    };
    let cfa = match &row.cfa {
        CfaRule::RegisterAndOffset { register, offset } => {
            get(registers, register.0)?.wrapping_add_signed(*offset)
        }
        CfaRule::Expression(expression) => {
            evaluate((rules, row), expression, registers, None, world)?
        }
    };
    let mut caller = *registers;
    caller.0[STACK] = Some(cfa);
    caller.0[NEXT] = None;
    if !row.registers.iter().any(|(number, _)| *number == row.returns) {
        return Err(End::Unfit);
    }
    for (number, rule) in &row.registers {
        let value = match rule {
            RegisterRule::Undefined => None,
            RegisterRule::SameValue => get(registers, *number).ok(),
            RegisterRule::Offset(offset) => {
                Some(world.read(cfa.wrapping_add_signed(*offset)).ok_or(End::Unreadable)?)
            }
            RegisterRule::ValOffset(offset) => Some(cfa.wrapping_add_signed(*offset)),
            RegisterRule::Register(other) => get(registers, other.0).ok(),
            RegisterRule::Expression(expression) => {
                let at = evaluate((rules, row), expression, registers, Some(cfa), world)?;
                Some(world.read(at).ok_or(End::Unreadable)?)
            }
            RegisterRule::ValExpression(expression) => {
                Some(evaluate((rules, row), expression, registers, Some(cfa), world)?)
            }
            RegisterRule::Constant(value) => Some(*value),
            _ => return Err(End::Unfit),
        };
        let place = if *number == row.returns { NEXT } else { usize::from(*number) };
        // Other registers than these lead to nobody.
        if let Some(register) = caller.0.get_mut(place) {
            *register = value;
        }
    }
    Ok(caller)
}

fn evaluate(
    (rules, row): (&Rules, &Row),
    expression: &UnwindExpression<usize>,
    registers: &Registers,
    cfa: Option<u64>,
    world: &mut dyn World,
) -> Result<u64, End> {
    let expression = rules.expression(expression).ok_or(End::Unfit)?;
    let mut evaluation = expression.evaluation(row.encoding);
    evaluation.set_max_iterations(MOST_STEPS);
    if let Some(cfa) = cfa {
        evaluation.set_initial_value(cfa);
    }
    let mut result = evaluation.evaluate().map_err(|_| End::Unfit)?;
    loop {
        result = match result {
            EvaluationResult::Complete => break,
            EvaluationResult::RequiresRegister { register, .. } => {
                let value = registers.0.get(usize::from(register.0)).copied().flatten();
                let value = value.ok_or(End::Unfit)?;
                evaluation.resume_with_register(Value::Generic(value))
            }
            EvaluationResult::RequiresMemory { address, size: 8, .. } => {
                let value = world.read(address).ok_or(End::Unreadable)?;
                evaluation.resume_with_memory(Value::Generic(value))
            }
            _ => return Err(End::Unfit),
        }
        .map_err(|_| End::Unfit)?;
    }
    match evaluation.as_result() {
        [piece] => match piece.location {
            Location::Address { address } => Ok(address),
            Location::Value { value } => value.to_u64(u64::MAX).map_err(|_| End::Unfit),
            _ => Err(End::Unfit),
        },
        _ => Err(End::Unfit),
    }
}
