use std::any::type_name;

use super::{Setup, report};
use crate::Checkpoint;
use crate::schema::Program;

pub(super) fn check<T: Checkpoint>(setup: &Setup<'_, T>, value: &T) -> Result<(), String> {
    let name = type_name::<T>();
    let program = Program::of::<T>().map_err(|error| error.to_string())?;
    let image = report::saved(value)?;
    let image = report::opened(&image)?;
    report::values(&image)?;
    let restored = setup
        .restore(&image, &program)
        .map_err(|error| format!("`{name}` does not come back, its image is refused: {error}"))?;
    let again = report::saved(&restored)?;
    let again = report::opened(&again)?;
    if image.id() == again.id() {
        return Ok(());
    }
    let differences = report::differences(&image, &again)?;
    let lines = report::lines(differences.into_iter().map(|difference| {
        format!(
            "{}: {} was saved, {} came back",
            difference.path, difference.left, difference.right
        )
    }));
    Err(format!("`{name}` does not come back as it was saved:{lines}"))
}
