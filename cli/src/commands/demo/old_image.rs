//! An image of one version, restored by another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::make_empty;
use crate::failure::Failure;

/// What came of it.
pub(super) struct Refusal {
    /// The command that tried to restore the image.
    pub(super) command: String,
    /// What it said.
    pub(super) said: String,
    /// Whether it refused the image, naming the field whose type changed.
    pub(super) names_the_field: bool,
}

/// Saves an image with one program and restores it with another.
pub(super) fn restore(old: &Path, new: &Path) -> Result<Refusal, Failure> {
    let folder = new.with_file_name("old-image");
    make_empty(&folder)?;
    let saved = example(old, &folder).status().map_err(Failure::unchecked)?;
    let image = newest(&folder.join("checkpoints"))?;
    let image = image.filter(|_| saved.success());
    let image = image.ok_or_else(|| Failure::unchecked("the example saved no image"))?;
    let mut command = example(new, &folder);
    command.arg("--restore").arg(&image);
    let output = command.output().map_err(Failure::unchecked)?;
    let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Ok(Refusal {
        command: format!("{} --restore {}", new.display(), image.display()),
        names_the_field: !output.status.success() && said.contains("Simulation.drag"),
        said,
    })
}

fn example(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--dir").arg(folder).args(["--steps", "20", "--every", "20"]);
    command
}

/// The image whose name sorts last.
fn newest(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let mut images = Vec::new();
    for entry in fs::read_dir(folder).map_err(Failure::unchecked)? {
        let path = entry.map_err(Failure::unchecked)?.path();
        if path.extension().is_some_and(|extension| extension == "ckpt") {
            images.push(path);
        }
    }
    Ok(images.into_iter().max())
}
