//! `samestate verify`

use samestate_report::Report;

use crate::args::{OutputArgs, VerifyArgs};
use crate::failure::Failure;

pub(crate) fn run(_args: &VerifyArgs, _output: OutputArgs) -> Result<u8, Failure> {
    Err(Failure::unchecked("not wired yet"))
}
pub(crate) fn report(_args: &VerifyArgs) -> Result<Report, Failure> {
    Err(Failure::unchecked("not wired yet"))
}
