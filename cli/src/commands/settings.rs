//! Where samestate.toml is.

use std::env;
use std::path::{Path, PathBuf};

use samestate_analyzer::Settings;

use crate::args::RootArgs;
use crate::failure::Failure;

/// The name of the file.
const NAME: &str = "samestate.toml";

/// What the file says that was named, or that is found; nothing if there is none.
pub(crate) fn read(args: &RootArgs) -> Result<Settings, Failure> {
    Ok(read_with_folder(args)?.0)
}

/// The same with the folder of the file, from where it names others.
pub(crate) fn read_with_folder(args: &RootArgs) -> Result<(Settings, PathBuf), Failure> {
    match args.config.clone().or_else(find) {
        Some(path) => {
            let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
            Ok((Settings::read(&path)?, folder))
        }
        None => Ok((Settings::default(), PathBuf::new())),
    }
}

/// In the current folder, or beside the nearest Cargo.toml above it.
fn find() -> Option<PathBuf> {
    let here = PathBuf::from(NAME);
    if here.is_file() {
        return Some(here);
    }
    let here = env::current_dir().ok()?;
    let package = here.ancestors().find(|folder| folder.join("Cargo.toml").is_file())?;
    Some(package.join(NAME)).filter(|path| path.is_file())
}
