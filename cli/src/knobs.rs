//! From the command line to what is done so that a run can be repeated.

use samestate_tracer::Knobs;

use crate::args::KnobArgs;
use crate::failure::Failure;

/// The usual switches, changed as the user wants.
pub(crate) fn knobs(args: &KnobArgs) -> Result<Knobs, Failure> {
    let mut knobs = Knobs { serialized: !args.free, ..Knobs::default() };
    for word in &args.knobs {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let on = match value {
            "on" => true,
            "off" => false,
            _ => {
                return Err(Failure::usage(format!(
                    "`--knob {word}` says neither `{name}=off` nor `{name}=on`"
                )));
            }
        };
        if !knobs.switch(name, on) {
            let names = Knobs::names().join(", ");
            return Err(Failure::usage(format!("there is no knob `{name}`; there are {names}")));
        }
    }
    Ok(knobs)
}
