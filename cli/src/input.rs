//! Files that the user names.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::failure::Failure;

/// Checks that these are files, before anything waits for a pipe or reads a device without end.
pub(crate) fn files(paths: &[&Path]) -> Result<(), Failure> {
    paths.iter().try_for_each(|path| file(path))
}

fn file(path: &Path) -> Result<(), Failure> {
    let name = path.display();
    let kind = match fs::metadata(path) {
        Ok(about) => about.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::usage(format!("there is no file {name}")));
        }
        Err(error) => return Err(Failure::unchecked(format!("cannot look at {name}: {error}"))),
    };
    let what = if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(Failure::usage(format!("{name} is {what}; give a file")))
}
