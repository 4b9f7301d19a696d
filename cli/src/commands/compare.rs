//! `samestate compare`

use crate::args::{CompareArgs, OutputArgs};
use crate::failure::Failure;

pub(crate) fn run(_args: &CompareArgs, _output: OutputArgs) -> Result<u8, Failure> {
    Err(Failure::unchecked("not wired yet"))
}
