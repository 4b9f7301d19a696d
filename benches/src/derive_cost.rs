//! What a derive costs when it compiles: three packages that differ in nothing else are built one
//! after the other, again and again, and the processor time of the compiler is read.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::measure::{Timing, median};

const STRUCTS: usize = 50;
const FIELDS: usize = 20;

/// What one way of building gave.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// How cargo was called.
    pub(crate) command: String,
    /// Milliseconds per 100 fields, above the package without a derive, which comes first with
    /// the whole of its time.
    pub(crate) costs: Vec<Timing>,
}

/// A package: its name, its dependencies, the derives of its structs, and code that uses them.
struct Package {
    name: &'static str,
    title: &'static str,
    dependencies: String,
    derives: &'static str,
    code: &'static str,
}

/// Builds the packages in turns.
///
/// # Errors
/// If a package cannot be written or does not build.
pub(crate) fn run(rounds: usize) -> io::Result<Vec<Results>> {
    let dir = tempfile::tempdir()?;
    let packages = packages();
    write_workspace(dir.path(), &packages)?;
    [&["check"][..], &["build"], &["build", "--release"]]
        .into_iter()
        .map(|command| measure(dir.path(), &packages, command, rounds))
        .collect()
}

fn packages() -> [Package; 3] {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    [
        Package {
            name: "plain",
            title: "no derive",
            dependencies: String::new(),
            derives: "",
            code: "pub fn touch(root: Root) -> Root { root }",
        },
        Package {
            name: "with-samestate",
            title: "derive(Checkpoint), to_vec and from_slice",
            dependencies: format!("samestate = {{ path = {runtime:?} }}"),
            derives: "#[derive(samestate::Checkpoint)]",
            code: "pub fn save(root: &Root) -> Vec<u8> { samestate::to_vec(root).unwrap() }\n\
                   pub fn restore(image: &[u8]) -> Root { samestate::from_slice(image).unwrap() }",
        },
        Package {
            name: "with-serde",
            title: "derive(Serialize, Deserialize), postcard's to_stdvec and from_bytes",
            dependencies: "serde = { version = \"1\", features = [\"derive\"] }\n\
                           postcard = { version = \"1.1\", default-features = false, \
                           features = [\"use-std\"] }"
                .to_owned(),
            derives: "#[derive(serde::Serialize, serde::Deserialize)]",
            code: "pub fn save(root: &Root) -> Vec<u8> { postcard::to_stdvec(root).unwrap() }\n\
                   pub fn restore(image: &[u8]) -> Root { postcard::from_bytes(image).unwrap() }",
        },
    ]
}

/// One workspace, so that dependencies are built once.
fn write_workspace(dir: &Path, packages: &[Package]) -> io::Result<()> {
    let names: Vec<_> = packages.iter().map(|package| package.name).collect();
    fs::write(
        dir.join("Cargo.toml"),
        format!("[workspace]\nresolver = \"3\"\nmembers = {names:?}\n"),
    )?;
    // The versions that the rest of the run uses.
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"), dir.join("Cargo.lock"))?;
    for package in packages {
        let Package { name, dependencies, .. } = package;
        fs::create_dir_all(dir.join(name).join("src"))?;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [dependencies]\n{dependencies}\n"
        );
        fs::write(dir.join(name).join("Cargo.toml"), manifest)?;
        fs::write(source(dir, package), code(package))?;
    }
    Ok(())
}

fn source(dir: &Path, package: &Package) -> PathBuf {
    dir.join(package.name).join("src/lib.rs")
}

fn code(package: &Package) -> String {
    const TYPES: [&str; 10] = [
        "u64",
        "f64",
        "String",
        "Vec<f32>",
        "Option<u32>",
        "bool",
        "[f32; 3]",
        "u32",
        "Vec<String>",
        "(u16, i64)",
    ];
    let mut code = String::new();
    let derives = package.derives;
    // Writing to a string cannot fail.
    for number in 0..STRUCTS {
        let _ = writeln!(code, "{derives}\npub struct S{number} {{");
        for field in 0..FIELDS {
            let _ = writeln!(code, "    pub f{field}: {},", TYPES[(number + field) % TYPES.len()]);
        }
        code.push_str("}\n");
    }
    let _ = writeln!(code, "{derives}\npub struct Root {{");
    for number in 0..STRUCTS {
        let _ = writeln!(code, "    pub s{number}: S{number},");
    }
    code.push_str("}\n");
    code + package.code
}

fn measure(
    dir: &Path,
    packages: &[Package],
    command: &[&str],
    rounds: usize,
) -> io::Result<Results> {
    let mut times = vec![Vec::new(); packages.len()];
    for round in 0..=rounds {
        for (package, times) in packages.iter().zip(&mut times) {
            // Changed, so that it is built again; the first build is that of the dependencies.
            fs::write(source(dir, package), format!("{}\n// {round}\n", code(package)))?;
            let before = children()?;
            let status = Command::new(env!("CARGO"))
                .args(command)
                .args(["--quiet", "--package", package.name])
                .current_dir(dir)
                .env("CARGO_TARGET_DIR", dir.join("target"))
                // Every build is the whole of it.
                .env("CARGO_INCREMENTAL", "0")
                .status()?;
            assert!(status.success(), "{} does not build", package.name);
            if round > 0 {
                times.push(children()? - before);
            }
        }
    }
    let all = (STRUCTS * FIELDS + STRUCTS) as f64 / 100.0;
    let base = median(times[0].clone());
    let mut costs = Vec::new();
    for (index, (package, times)) in packages.iter().zip(times).enumerate() {
        let time = median(times);
        let ms = if index == 0 { time } else { (time - base) / all };
        costs.push(Timing { name: package.title.to_owned(), ms, ratio: time / base });
    }
    Ok(Results { command: format!("cargo {}", command.join(" ")), costs })
}

/// Processor time of all children that have ended, and of theirs, in milliseconds.
fn children() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The second field is the program's name, in brackets; these are the 16th and the 17th.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after.split_whitespace().skip(13).take(2).filter_map(|t| t.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() * 1e3 / rustix::param::clock_ticks_per_second() as f64)
}
