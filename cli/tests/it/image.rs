//! `samestate image`: a checkpoint opened without its program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixtures::{Said, particles, samestate};
use crate::table::fresh;

/// An image of the example at step 20.
fn image(name: &str) -> PathBuf {
    let folder = fresh(name);
    let done = Command::new(particles("complete"))
        .arg("--dir")
        .arg(&folder)
        .args(["--steps", "20", "--every", "20"])
        .status()
        .unwrap();
    assert!(done.success());
    let checkpoints = fs::read_dir(folder.join("checkpoints")).unwrap();
    checkpoints
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "ckpt"))
        .unwrap()
}

fn look(what: &str, file: &Path, more: &[&str]) -> Said {
    let args = [Path::new("image"), Path::new(what), file];
    samestate(args.into_iter().chain(more.iter().map(Path::new)))
}

#[test]
fn an_image_tells_what_it_is() {
    let file = image("image-show");
    let said = look("show", &file, &[]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    for line in ["root      particles::simulation::Simulation", "step      20", "rng: saved #2"] {
        assert!(said.stdout.contains(line), "{line} is missing in {}", said.stdout);
    }
}

#[test]
fn the_values_stand_at_their_field_paths() {
    let file = image("image-tree");
    let said = look("tree", &file, &[]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let line = |end: &str| said.stdout.lines().filter(|line| line.contains(end)).count();
    assert_eq!(line("Simulation.step = 20"), 1, "{}", said.stdout);
    assert_eq!(line(".position = ["), 24, "one for each particle");
    assert_eq!(line(".cells"), 0, "what is rebuilt is not in the image");

    let said = look("tree", &file, &["--at", "particles::simulation::Simulation.rng"]);
    assert_eq!(said.stdout.lines().count(), 2, "{}", said.stdout);
    let said = look("tree", &file, &["--at", "particles::simulation::Simulation.nothing"]);
    assert_eq!(said.code, 2);
}

#[test]
fn a_damaged_image_is_an_error_and_an_intact_one_is_not() {
    let file = image("image-verify");
    assert_eq!(look("verify", &file, &[]).code, 0);
    let good = fs::read(&file).unwrap();
    for at in (0..good.len()).step_by(97) {
        let mut flipped = good.clone();
        flipped[at] ^= 0x10;
        fs::write(&file, flipped).unwrap();
        let said = look("verify", &file, &[]);
        // A version that nobody knows could not be checked; all else is damage.
        assert!(said.code == 1 || said.code == 3, "byte {at}: {}{}", said.stdout, said.stderr);
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
    }
    fs::write(&file, &good[..good.len() / 2]).unwrap();
    let said = look("show", &file, &[]);
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("damaged-image"), "{}", said.stdout);
    fs::write(&file, "no image at all").unwrap();
    assert_eq!(look("verify", &file, &[]).code, 3);
    fs::remove_file(&file).unwrap();
    assert_eq!(look("verify", &file, &[]).code, 2);
}

#[test]
fn the_difference_of_two_images_is_told_by_field_path() {
    let first = image("image-diff");
    let folder = first.parent().unwrap().parent().unwrap();
    let done = Command::new(particles("complete"))
        .arg("--dir")
        .arg(folder)
        .args(["--steps", "40", "--every", "20", "--restore"])
        .arg(&first)
        .status()
        .unwrap();
    assert!(done.success());
    let images = fs::read_dir(first.parent().unwrap()).unwrap();
    let mut images: Vec<PathBuf> = images
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ckpt"))
        .collect();
    images.sort();
    assert_eq!(images.len(), 2);

    let said = look("diff", &images[0], &[images[1].to_str().unwrap()]);
    assert_eq!(said.code, 1, "{}", said.stderr);
    let row = |path: &str| said.stdout.lines().any(|line| line.trim_start().starts_with(path));
    assert!(row("particles::simulation::Simulation.step "), "{}", said.stdout);
    assert!(row("particles::simulation::Simulation.rng.draws "), "{}", said.stdout);
    assert!(!row("particles::simulation::Simulation.drag"), "it did not change: {}", said.stdout);

    let said = look("diff", &images[0], &[images[0].to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.stdout);
}

#[test]
fn a_part_of_an_image_is_extracted_as_json() {
    let file = image("image-extract");
    let said = look("extract", &file, &["--at", "particles::simulation::Simulation.particles[3]"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let value: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(value["position"].as_array().unwrap().len(), 2);
    let said = look("extract", &file, &[]);
    let value: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(value["step"], 20);
    assert_eq!(value["particles"].as_array().unwrap().len(), 24);
    assert!(value.get("cells").is_none(), "what is rebuilt is not in the image");
}
