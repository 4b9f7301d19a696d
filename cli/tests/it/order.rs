//! Whether a format that goes by order is among the dependencies, and who is told so.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixtures::{build_in, report};
use crate::table::fresh;

/// A program whose manifest has this section. What the crates in it do does not matter, so they are
/// empty ones of these names.
fn program(name: &str, section: &str) -> (PathBuf, PathBuf) {
    let folder = fresh(name);
    for krate in ["bincode", "ron"] {
        fs::create_dir_all(folder.join(krate).join("src")).unwrap();
        fs::write(folder.join(krate).join("src/lib.rs"), "").unwrap();
        let manifest =
            format!("[package]\nname = \"{krate}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
        fs::write(folder.join(krate).join("Cargo.toml"), manifest).unwrap();
    }
    fs::create_dir(folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2024\"\n{section}\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    let main =
        "pub struct Machine { a: u8 }\nfn main() { std::hint::black_box(Machine { a: 1 }); }\n";
    fs::write(folder.join("src/main.rs"), main).unwrap();
    let program = build_in(&folder.join("Cargo.toml"), &[], name, name);
    (folder, program)
}

#[test]
fn a_format_by_order_is_pointed_at_until_somebody_decides() {
    let notes = |folder: &Path, program: &Path, more: &str| -> String {
        let config = folder.join("samestate.toml");
        fs::write(&config, format!("roots = [\"app::Machine\"]\n{more}")).unwrap();
        let report = report([Path::new("coverage"), program, Path::new("--config"), &config]);
        report["notes"].to_string()
    };
    let dependency = "[dependencies]\nbincode = { path = \"bincode\" }\nron = { path = \"ron\" }";
    let (folder, binary) = program("order-bincode", dependency);
    let told = notes(&folder, &binary, "serde = true\n");
    assert!(told.contains("`bincode` may be what writes the state"), "{told}");
    assert!(told.contains("order = ") && !told.contains("`ron`"), "{told}");
    for decided in ["serde = true\norder = \"free\"\n", "serde = true\norder = \"matters\"\n", ""] {
        let told = notes(&folder, &binary, decided);
        assert!(!told.contains("bincode"), "{decided}: {told}");
    }
    for (name, section) in [
        ("order-none", "[dependencies]\nron = { path = \"ron\" }"),
        ("order-dev", "[dev-dependencies]\nbincode = { path = \"bincode\" }"),
    ] {
        let (folder, binary) = program(name, section);
        let told = notes(&folder, &binary, "serde = true\n");
        assert!(!told.contains("may be what writes"), "{name}: {told}");
    }
}
