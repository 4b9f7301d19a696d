//! Building the example with cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Message, MetadataCommand};

use crate::failure::Failure;

/// Builds the example of one clone.
pub(crate) struct Builder {
    manifest: PathBuf,
    /// Where the copies go: `demo` in the clone's target folder.
    folder: PathBuf,
}

impl Builder {
    /// A builder for the example in this clone.
    pub(crate) fn new(clone: &Path) -> Result<Self, Failure> {
        let manifest = clone.join("examples/particles/Cargo.toml");
        let metadata = MetadataCommand::new()
            .manifest_path(&manifest)
            .no_deps()
            .exec()
            .map_err(Failure::unchecked)?;
        let folder = metadata.target_directory.join("demo").into_std_path_buf();
        Ok(Self { manifest, folder: relative(folder) })
    }

    /// Builds the example with these features; returns a copy of the program that the next build
    /// does not touch, by the shortest path from here.
    pub(crate) fn build(&self, name: &str, features: &[&str]) -> Result<PathBuf, Failure> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--quiet", "--message-format=json-render-diagnostics"])
            .arg("--manifest-path")
            .arg(&self.manifest)
            .args(["--features", &features.join(",")])
            .stderr(Stdio::inherit())
            .output()
            .map_err(Failure::unchecked)?;
        if !output.status.success() {
            return Err(Failure::unchecked("the example does not build"));
        }
        let program = Message::parse_stream(&*output.stdout)
            .filter_map(|message| match message {
                Ok(Message::CompilerArtifact(artifact)) => artifact.executable,
                _ => None,
            })
            .last()
            .ok_or_else(|| Failure::unchecked("cargo told of no program"))?;
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(Failure::unchecked)?;
        let copy = folder.join("particles");
        fs::copy(&program, &copy).map_err(Failure::unchecked)?;
        Ok(copy)
    }
}

/// The path as seen from the current folder, if it is below it.
fn relative(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).map(Path::to_owned).unwrap_or(path)
}
