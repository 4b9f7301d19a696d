//! The particle simulation under `verify`, with one thread and with four: whole, and with what it
//! restores lost piece by piece. The example itself is built with some code put into it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixtures::{build, particles, report, workspace};
use crate::table::fresh;

/// What is put in the place of what, and in which file.
const CODE: [(&str, &str, &str); 10] = [
    ("log.rs", "append(true).open(path)?", "write(true).open(path)?"),
    (
        "log.rs",
        "    /// Writes one line at once",
        "    pub(crate) fn at(&mut self, at: u64) -> io::Result<()> {
        use std::io::Seek as _;
        self.file.seek(io::SeekFrom::Start(at)).map(drop)
    }

    /// Writes one line at once",
    ),
    (
        "rng.rs",
        "    /// The next number.",
        "    pub(crate) fn lose(&mut self, lost: &str) {
        match lost {
            \"counter\" => self.draws = 0,
            \"generator\" => self.state = 43,
            _ => {}
        }
    }

    /// The next number.",
    ),
    (
        "simulation.rs",
        "    step: u64,\n",
        "    step: u64,\n    clock: u64,\n    queue: Vec<u64>,\n    offset: u64,\n",
    ),
    (
        "simulation.rs",
        "Self { step: 0,",
        "Self { step: 0, clock: 5000, queue: vec![1, 2, 3], offset: 0,",
    ),
    (
        "simulation.rs",
        "        for particle in &mut self.particles {
            particle.advance(keep);
            energy += particle.energy();
        }",
        "        let threads: usize = std::env::var(\"THREADS\").map_or(1, |n| n.parse().unwrap());
        let size = self.particles.len().div_ceil(threads);
        if threads == 1 {
            for particle in &mut self.particles {
                particle.advance(keep);
                energy += particle.energy();
            }
        } else {
            let parts = std::thread::scope(|scope| {
                let work = |part: &mut [Particle]| -> f32 {
                    part.iter_mut().for_each(|particle| particle.advance(keep));
                    part.iter().map(Particle::energy).sum()
                };
                let parts = self.particles.chunks_mut(size);
                let parts: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
                parts.into_iter().map(|part| part.join().unwrap()).collect::<Vec<_>>()
            });
            energy += parts.iter().sum::<f32>();
        }
        self.clock += 10;
        self.queue.push(self.rng.next() >> 40);
        let queued = self.queue.remove(0);",
    ),
    ("simulation.rs", "cells {} draws {}\",", "cells {} draws {} clock {} queued {queued}\","),
    (
        "simulation.rs",
        "self.rng.draws(),\n        ));\n",
        "self.rng.draws(), self.clock,\n        ));\n        self.offset += self.line.len() as u64 + 1;\n",
    ),
    (
        "simulation.rs",
        "    /// How many steps were made.",
        "    pub(crate) fn resumes(&mut self, lost: &str) -> io::Result<()> {
        self.rng.lose(lost);
        match lost {
            \"clock\" => self.clock = 5000,
            \"queue\" => self.queue.reverse(),
            _ => {}
        }
        self.log.at(if lost == \"offset\" { 0 } else { self.offset })
    }

    /// How many steps were made.",
    ),
    (
        "main.rs",
        "let simulation: Simulation = store.restore_from(image, handles)?;",
        "let mut simulation: Simulation = store.restore_from(image, handles)?;
            simulation.resumes(&std::env::var(\"LOST\").unwrap_or_default())?;",
    ),
];

/// The example with this code in it.
fn program(name: &str, code: &[(&str, &str, &str)]) -> PathBuf {
    let folder = fresh(name);
    let example = workspace().join("examples/particles");
    fs::create_dir(folder.join("src")).unwrap();
    for source in fs::read_dir(example.join("src")).unwrap() {
        let source = source.unwrap().path();
        let file_name = source.file_name().unwrap().to_str().unwrap();
        let mut text = fs::read_to_string(&source).unwrap();
        for (_, old, new) in code.iter().filter(|(file, _, _)| *file == file_name) {
            assert_eq!(text.matches(old).count(), 1, "{file_name}: {old}");
            text = text.replace(old, new);
        }
        fs::write(folder.join("src").join(file_name), text).unwrap();
    }
    // Cargo tells packages of one name apart by nothing else, wherever they stand: the second one of
    // them would be taken for built.
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [[bin]]\nname = \"particles\"\npath = \"src/main.rs\"\n\n\
         [features]\nforgotten = []\ndrifted = []\n\n\
         [dependencies]\nsamestate = {{ path = {:?} }}\n\n[workspace]\n",
        workspace().join("runtime")
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    build(&folder.join("Cargo.toml"), &[], name)
}

fn verify(program: &Path, threads: u32, lost: &str, more: &[&str]) -> Value {
    let folder = fresh("particles-verified");
    let run = format!(
        "env THREADS={threads} LOST={lost} {} --dir {} --steps 12 --every 4",
        program.display(),
        folder.display()
    );
    let mut words: Vec<String> = ["verify", "--restore"].map(str::to_owned).to_vec();
    words.push(format!("{run} --restore {{image}}"));
    words.extend(more.iter().map(|&word| word.to_owned()));
    words.push("--".to_owned());
    words.extend(run.split(' ').map(str::to_owned));
    let found = report(words);
    // No state path was named, and yet nothing is left.
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    found
}

#[test]
fn the_particle_simulation_is_clean_and_what_it_loses_is_found() {
    let program = program("particles-with-faults", &CODE);
    for threads in [1, 4] {
        let found = verify(&program, threads, "nothing", &["--rounds", "3"]);
        assert_eq!(found["exit_code"], 0, "{found:#}");
        let rows = found["tables"][0]["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 6, "three checkpoints, up to three rounds");
        assert!(rows.iter().all(|row| row[4] == "same"), "{rows:?}");
        for (lost, rule, shown) in [
            ("counter", "payload-differs", " draws "),
            ("generator", "payload-differs", " kicked "),
            ("clock", "payload-differs", " clock "),
            ("queue", "payload-differs", " queued "),
            ("offset", "position-differs", ""),
        ] {
            let found = verify(&program, threads, lost, &["--sample", "1", "--no-control"]);
            assert_eq!(found["exit_code"], 1, "{lost}: {found:#}");
            let findings = found["findings"].as_array().unwrap();
            let first = findings.iter().find(|finding| finding["rule"] == rule);
            let first = first.unwrap_or_else(|| panic!("{lost}: no {rule} in {found:#}"));
            if rule == "position-differs" {
                let subject = first["subject"].to_string();
                assert!(subject.contains("particles.log"), "{lost}: {subject}");
                continue;
            }
            // The first byte that differs stands behind the name of what was lost.
            let byte = first["message"].as_str().unwrap().split("byte ").nth(1).unwrap();
            let byte: usize = byte.split(' ').next().unwrap().parse().unwrap();
            let left = first["sides"][0]["text"].as_str().unwrap();
            let line = left.split('"').nth(1).unwrap();
            if let Some(at) = line.find(shown) {
                let next = line[at + shown.len()..]
                    .find(' ')
                    .map_or(line.len(), |end| at + shown.len() + end);
                assert!((at + shown.len()..=next).contains(&byte), "{lost}: byte {byte} of {line}");
            } else {
                assert!(byte >= line.len() - 1, "{lost}: byte {byte} of {line}");
            }
        }
    }
}

/// What makes the example its own next version: the drag has another type, and old images are told how
/// to become it.
const NEXT: [(&str, &str, &str); 3] = [
    ("simulation.rs", "#[checkpoint(root, version = 1)]", "#[checkpoint(root, version = 2)]"),
    (
        "simulation.rs",
        "    #[cfg(not(feature = \"drifted\"))]\n    drag: f32,\n    #[cfg(feature = \"drifted\")]\n",
        "    #[checkpoint(from(f32, widened))]\n",
    ),
    (
        "simulation.rs",
        "/// What the drag leaves of a velocity.",
        "fn widened(drag: f32) -> f64 {\n    drag.into()\n}\n\n/// What the drag leaves of a velocity.",
    ),
];

#[test]
fn an_old_image_is_clean_in_a_newer_binary_that_was_told_and_refused_by_name_in_another() {
    let old = particles("complete");
    let verify = |new: &Path| {
        let folder = fresh("particles-renewed");
        // Nothing is saved after the image: what the newer one saves is another image.
        let options = format!("--dir {} --steps 30 --every 20", folder.display());
        let restore = format!("{} {options} --restore {{image}}", new.display());
        let mut words = ["verify".to_owned(), "--restore".to_owned(), restore].to_vec();
        words.extend(["--".to_owned(), old.display().to_string()]);
        words.extend(options.split(' ').map(str::to_owned));
        report(words)
    };
    let clean = verify(&program("particles-told", &NEXT));
    assert_eq!(clean["exit_code"], 0, "{clean:#}");
    let row = clean["tables"][0]["rows"][0].as_array().unwrap();
    assert_eq!((&row[1], &row[4]), (&"20".into(), &"same".into()), "{row:?}");
    let compared: u64 = row[2].as_str().unwrap().parse().unwrap();
    assert!(compared >= 10, "ten lines at least: {row:?}");

    let refused = verify(&particles("drifted"));
    assert_eq!(refused["exit_code"], 1, "{refused:#}");
    assert_eq!(refused["findings"][0]["rule"], "restore-failed");
    let told = refused["findings"][0].to_string();
    for word in ["particles::simulation::Simulation.drag", "f32", "f64"] {
        assert!(told.contains(word), "no {word} in {told}");
    }
}
