//! The programs that cargo builds.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Message, Metadata, MetadataCommand, Package, Target, TargetKind};

use crate::args::CargoArgs;
use crate::failure::Failure;

/// What to do where cargo does not tell which program is meant.
const OTHERWISE: &str =
    "name the binary, or write it as `binary` under `[check]` of samestate.toml";

/// A program of a package.
pub(crate) struct Program {
    /// Its name without a folder.
    name: String,
    manifest: PathBuf,
    /// Where cargo puts what it builds.
    target: PathBuf,
}

impl Program {
    /// The one that is asked for, or the only one of the package here.
    pub(crate) fn find(asked: &CargoArgs) -> Result<Self, Failure> {
        let metadata = MetadataCommand::new().no_deps().exec().map_err(|error| {
            Failure::usage(format!(
                "no binary is given, and cargo tells of no package here: {}; {OTHERWISE}",
                error.to_string().trim_end()
            ))
        })?;
        let packages = packages(&metadata, asked)?;
        let mut programs: Vec<(&Package, &Target)> = Vec::new();
        for package in &packages {
            let own = package.targets.iter().filter(|target| target.is_kind(TargetKind::Bin));
            let own: Vec<&Target> = match (&asked.bin, &package.default_run) {
                (Some(bin), _) => own.filter(|target| target.name == *bin).collect(),
                (None, Some(name)) => own.filter(|target| target.name == *name).collect(),
                (None, None) => own.collect(),
            };
            programs.extend(own.into_iter().map(|target| (*package, target)));
        }
        match &programs[..] {
            [(package, target)] => Ok(Self {
                name: target.name.clone(),
                manifest: package.manifest_path.clone().into_std_path_buf(),
                target: metadata.target_directory.clone().into_std_path_buf(),
            }),
            [] => {
                let bin = asked.bin.as_ref().map(|bin| format!(" named `{bin}`"));
                let names = packages.iter().map(|package| package.name.to_string());
                Err(Failure::usage(format!(
                    "{} has no program{}; {OTHERWISE}",
                    listed(names.collect()),
                    bin.unwrap_or_default()
                )))
            }
            several => {
                let mut names: Vec<String> = Vec::new();
                for (package, target) in several {
                    names.push(if packages.len() == 1 {
                        format!("--bin {}", target.name)
                    } else {
                        format!("--package {} --bin {}", package.name, target.name)
                    });
                }
                Err(Failure::usage(format!(
                    "there are several programs: say which by {}; or {OTHERWISE}",
                    listed(names)
                )))
            }
        }
    }

    /// The folder of its package.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new(""))
    }

    /// Where it is; it is built first if that is asked for.
    pub(crate) fn path(&self, asked: &CargoArgs) -> Result<PathBuf, Failure> {
        if asked.build {
            return self.built(asked.profile());
        }
        let folder = match asked.profile() {
            "dev" | "test" => "debug",
            "bench" => "release",
            profile => profile,
        };
        let file = format!("{}{}", self.name, env::consts::EXE_SUFFIX);
        let path = self.target.join(folder).join(&file);
        if path.is_file() {
            return Ok(path);
        }
        // Where a target is configured, it has a folder of its own around that of the profile.
        let entries = std::fs::read_dir(&self.target).into_iter().flatten().flatten();
        let below = entries.map(|entry| entry.path().join(folder).join(&file));
        let found: Vec<PathBuf> = below.filter(|path| path.is_file()).collect();
        match &found[..] {
            [one] => Ok(one.clone()),
            _ => Err(Failure::usage(format!(
                "{} is not built; build it, or add `--build`",
                path.display()
            ))),
        }
    }

    /// Builds it and asks cargo where it is.
    fn built(&self, profile: &str) -> Result<PathBuf, Failure> {
        let name = &self.name;
        let failed = |why: String| Failure::unchecked(format!("cannot build {name}: {why}"));
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--message-format=json-render-diagnostics", "--bin", name])
            .args(["--profile", profile, "--manifest-path"])
            .arg(&self.manifest)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed("cargo says why above".to_owned()));
        }
        let messages = Message::parse_stream(&output.stdout[..]).filter_map(Result::ok);
        let program = messages.filter_map(|message| match message {
            Message::CompilerArtifact(artifact) if artifact.target.name == *name => {
                artifact.executable
            }
            _ => None,
        });
        let program = program.last().map(|path| path.into_std_path_buf());
        program.ok_or_else(|| failed("cargo does not tell where it is".to_owned()))
    }
}

/// The package that is asked for; or the innermost around the current folder; or all.
fn packages<'a>(metadata: &'a Metadata, asked: &CargoArgs) -> Result<Vec<&'a Package>, Failure> {
    let packages = metadata.workspace_packages();
    if let Some(name) = &asked.package {
        let named: Vec<&Package> =
            packages.iter().copied().filter(|package| package.name == *name).collect();
        if named.is_empty() {
            let names = packages.iter().map(|package| package.name.to_string()).collect();
            return Err(Failure::usage(format!(
                "there is no package `{name}` in the workspace; there are {}",
                listed(names)
            )));
        }
        return Ok(named);
    }
    let here = env::current_dir().unwrap_or_default();
    let around = packages.iter().copied().filter(|package| {
        package.manifest_path.parent().is_some_and(|folder| here.starts_with(folder))
    });
    // Packages may lie within each other.
    let innermost = around.max_by_key(|package| package.manifest_path.as_str().len());
    Ok(innermost.map_or(packages, |package| vec![package]))
}

fn listed(mut names: Vec<String>) -> String {
    names.sort();
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
