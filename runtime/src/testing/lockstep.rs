use std::any::type_name;

use super::{Setup, report};
use crate::Checkpoint;
use crate::schema::Program;

pub(super) fn check<T: Checkpoint>(
    setup: &Setup<'_, T>,
    mut state: T,
    rounds: u32,
    steps: u32,
    mut step: impl FnMut(&mut T),
) -> Result<(), String> {
    let program = Program::of::<T>().map_err(|error| error.to_string())?;
    for round in 1..=rounds {
        let image = report::saved(&state)?;
        let image = report::opened(&image)?;
        let restore = || {
            setup
                .restore(&image, &program)
                .map_err(|error| format!("the state of round {round} cannot be restored: {error}"))
        };
        let mut restored = restore()?;
        if let Some(difference) = first_difference(&state, &restored)? {
            return Err(format!("{difference} right after the restore of round {round}"));
        }
        for number in 1..=steps {
            step(&mut state);
            step(&mut restored);
            let Some(difference) = first_difference(&state, &restored)? else { continue };
            // Two that were restored alike tell a forgotten field from a step that is never the same.
            let (mut one, mut two) = (restore()?, restore()?);
            let mut alike = true;
            for _ in 0..number {
                step(&mut one);
                step(&mut two);
                alike &= first_difference(&one, &two)?.is_none();
            }
            let why = if alike {
                "something that the step reads is neither saved nor rebuilt as it was"
            } else {
                "two states restored from one image differ as well: the step depends on something \
                 outside the state"
            };
            return Err(format!("{difference} after step {number} of round {round}\n{why}"));
        }
    }
    Ok(())
}

fn first_difference<T: Checkpoint>(original: &T, restored: &T) -> Result<Option<String>, String> {
    let (left, right) = (report::saved(original)?, report::saved(restored)?);
    let (left, right) = (report::opened(&left)?, report::opened(&right)?);
    if left.id() == right.id() {
        return Ok(None);
    }
    let first = report::differences(&left, &right)?.into_iter().next();
    Ok(Some(match first {
        Some(first) => format!(
            "{} is {} in the original and {} in the restored state",
            first.path, first.left, first.right
        ),
        None => format!("`{}` differs in its image", type_name::<T>()),
    }))
}
