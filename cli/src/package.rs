//! The program that cargo builds from the current folder.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use cargo_metadata::{Message, MetadataCommand, Target, TargetKind};

use crate::failure::Failure;

/// The program of the package here, in its debug build, which is built first if asked.
pub(crate) fn binary(build: bool) -> Result<PathBuf, Failure> {
    let metadata = MetadataCommand::new().no_deps().exec().map_err(|error| {
        Failure::usage(format!(
            "no binary is given, and cargo tells of no package here: {error}; name the binary, or \
             write it as `binary` under `[check]` of samestate.toml"
        ))
    })?;
    let here = env::current_dir().unwrap_or_default();
    let packages = metadata.workspace_packages();
    let mut beside = packages.iter().filter(|package| {
        package.manifest_path.parent().is_some_and(|folder| here.starts_with(folder))
    });
    // The innermost: packages may lie within each other.
    let package = match beside.clone().max_by_key(|package| package.manifest_path.as_str().len()) {
        Some(package) => package,
        None => match &packages[..] {
            [one] => one,
            _ => return Err(several(beside.by_ref().map(|p| p.name.to_string()).collect())),
        },
    };
    let is_program = |target: &&Target| target.kind.contains(&TargetKind::Bin);
    let programs: Vec<&Target> = package.targets.iter().filter(is_program).collect();
    let name = match (&programs[..], &package.default_run) {
        (_, Some(name)) => name.clone(),
        ([one], None) => one.name.clone(),
        _ => return Err(several(programs.iter().map(|target| target.name.clone()).collect())),
    };
    if build {
        return built(package.manifest_path.as_std_path(), &name);
    }
    let path = metadata.target_directory.join("debug").join(&name).into_std_path_buf();
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::usage(format!("{} is not built; build it, or add `--build`", path.display())))
}

fn several(names: Vec<String>) -> Failure {
    let list = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Failure::usage(format!(
        "which program is meant cannot be told (there are: {list}); name the binary, or write it as \
         `binary` under `[check]` of samestate.toml"
    ))
}

/// Builds a program and asks cargo where it is.
fn built(manifest: &std::path::Path, name: &str) -> Result<PathBuf, Failure> {
    let failed = |why: String| Failure::unchecked(format!("cannot build {name}: {why}"));
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--message-format=json-render-diagnostics", "--bin", name])
        .arg("--manifest-path")
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed("cargo says why above".to_owned()));
    }
    let messages = Message::parse_stream(&output.stdout[..]).filter_map(Result::ok);
    let program = messages.filter_map(|message| match message {
        Message::CompilerArtifact(artifact) if artifact.target.name == name => artifact.executable,
        _ => None,
    });
    let program = program.last().map(|path| path.into_std_path_buf());
    program.ok_or_else(|| failed("cargo does not tell where it is".to_owned()))
}
