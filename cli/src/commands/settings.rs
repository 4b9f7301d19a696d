//! Where samestate.toml is.

use std::env;
use std::path::{Path, PathBuf};

use samestate_analyzer::{Profile, Settings};

use crate::args::{ProfileArg, RootArgs};
use crate::failure::Failure;

/// The name of the file.
const NAME: &str = "samestate.toml";

/// What the file says that was named, or that is found; nothing if there is none.
pub(crate) fn read(args: &RootArgs) -> Result<Settings, Failure> {
    Ok(read_with_folder(args, None)?.0)
}

/// The same with the folder from which it names others: its own, or, if there is none, that of the
/// package. `around` is a folder to look in, in place of the current one.
pub(crate) fn read_with_folder(
    args: &RootArgs,
    around: Option<&Path>,
) -> Result<(Settings, PathBuf), Failure> {
    read_around(args.config.as_deref(), around)
}

/// The same for commands about runs.
pub(crate) fn of_runs(config: Option<&Path>) -> Result<Settings, Failure> {
    Ok(read_around(config, None)?.0)
}

fn read_around(
    config: Option<&Path>,
    around: Option<&Path>,
) -> Result<(Settings, PathBuf), Failure> {
    if let Some(path) = config {
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        return Ok((Settings::read(path)?, folder));
    }
    let folder = match around {
        Some(folder) => folder.to_owned(),
        None if Path::new(NAME).is_file() => PathBuf::new(),
        None => package_here().unwrap_or_default(),
    };
    let path = folder.join(NAME);
    let settings = if path.is_file() { Settings::read(&path)? } else { Settings::default() };
    Ok((settings, folder))
}

/// The folder with the nearest Cargo.toml; an empty path if that is the current one.
fn package_here() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    let package = here.ancestors().find(|folder| folder.join("Cargo.toml").is_file())?;
    Some(if package == here { PathBuf::new() } else { package.to_owned() })
}

/// What the command line says of the profile goes before what the file says.
pub(crate) fn set_profile(settings: &mut Settings, asked: Option<ProfileArg>) {
    settings.profile = match asked {
        Some(ProfileArg::ByField) => Profile::ByField,
        Some(ProfileArg::RawMemory) => Profile::RawMemory,
        None => settings.profile,
    };
}
