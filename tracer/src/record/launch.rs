//! From a configuration to a started program.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Config, Knobs, Stream};
use crate::Error;
use crate::sys::filter::Filter;
use crate::sys::launch::{self, Failure, Spec, Step};
use crate::sys::view::View;
use crate::table;
use crate::trace::{Call, Data, Payload, call_flags};

/// Starts the program, stopped at its first instruction, and gives its process id.
pub(super) fn launch(config: &Config, knobs: &Knobs, view: Option<&View>) -> Result<i32, Error> {
    let name = config.command.first().ok_or(Error::NoCommand)?;
    let program = name.to_string_lossy().into_owned();
    let start = |what| {
        let program = program.clone();
        move |source| Error::Start { program, what, source }
    };
    let file = find(config, name)?;
    let text = |bytes: &OsStr| {
        CString::new(bytes.as_bytes())
            .map_err(|error| start("a word holds a NUL byte")(error.into()))
    };
    let stream = |stream: &Stream| {
        stream
            .duplicate()
            .map(|file| file.map(OwnedFd::from))
            .map_err(start("its standard streams could not be opened"))
    };
    let spec = Spec {
        program: text(file.as_os_str())?,
        arguments: config.command.iter().map(|word| text(word)).collect::<Result<_, _>>()?,
        environment: environment(config).map(|entry| text(&entry)).collect::<Result<_, _>>()?,
        directory: config.directory.as_ref().map(|path| text(path.as_os_str())).transpose()?,
        view,
        streams: [stream(&config.stdin)?, stream(&config.stdout)?, stream(&config.stderr)?],
        filter: Filter::all(),
        fixed_addresses: knobs.fixed_addresses,
        trapped_counter: knobs.traps_counter(),
    };
    launch::launch(&spec).map_err(|failure| explain(program.clone(), failure))
}

/// The file of the program, if there is one.
pub(super) fn program(config: &Config) -> Option<PathBuf> {
    let file = find(config, config.command.first()?).ok()?;
    Some(match &config.directory {
        Some(directory) => directory.join(file),
        None => file,
    })
}

/// The `execve` that starts the program, as the trace holds it: it is made before there is
/// anything to trace.
pub(super) fn first_call(config: &Config) -> Call {
    let strings = |words: &mut dyn Iterator<Item = std::ffi::OsString>| {
        let mut all = Vec::new();
        for word in words {
            all.extend_from_slice(word.as_bytes());
            all.push(0);
        }
        Payload::whole(all)
    };
    let name = config.command.first().map(|name| find(config, name).unwrap_or_default());
    let path = Payload::whole(name.unwrap_or_default().into_os_string().into_encoded_bytes());
    let payloads =
        [path, strings(&mut config.command.iter().cloned()), strings(&mut environment(config))];
    Call {
        task: 0,
        number: table::number("execve").unwrap_or(0),
        flags: call_flags::LAUNCH,
        instruction: 0,
        // There are no addresses; what stands there follows.
        arguments: vec![1; payloads.len()],
        result: Some(0),
        objects: Vec::new(),
        made: Vec::new(),
        data: (0..)
            .zip(payloads)
            .map(|(argument, payload)| Data { argument, out: false, payload })
            .collect(),
    }
}

fn explain(program: String, failure: Failure) -> Error {
    let Failure { step, error: source } = failure;
    let what = match step {
        Step::Trace if source.raw_os_error() == Some(libc::EPERM) => {
            return Error::Refused { program, source };
        }
        Step::Trace => "it could not be traced",
        Step::Fork => "no process could be made for it",
        Step::Streams => "its standard streams could not be set",
        Step::View => "the kernel gives it no view of the files of its own",
        Step::Directory => "its folder could not be entered",
        Step::Filter => "the kernel refuses the seccomp filter",
        Step::Execute => match source.raw_os_error() {
            Some(libc::ENOEXEC) => {
                "it is neither a binary for this machine nor a script with a #! line"
            }
            Some(libc::EACCES) => "it is not executable",
            Some(libc::ENOENT) => "it, or the interpreter that it names, does not exist",
            _ => "it could not be executed",
        },
    };
    Error::Start { program, what, source }
}

fn environment(config: &Config) -> impl Iterator<Item = std::ffi::OsString> + use<> {
    let entries: Vec<_> = match &config.environment {
        Some(entries) => entries.clone(),
        None => std::env::vars_os().collect(),
    };
    entries.into_iter().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        name
    })
}

/// Where the program is: a name with a slash as it is, any other by `PATH`, like a shell does.
fn find(config: &Config, name: &OsStr) -> Result<PathBuf, Error> {
    let program = name.to_string_lossy().into_owned();
    if name.is_empty() {
        return Err(Error::NotFound { program });
    }
    if name.as_bytes().contains(&b'/') {
        return Ok(PathBuf::from(name));
    }
    let path = match &config.environment {
        Some(entries) => {
            entries.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone())
        }
        None => std::env::var_os("PATH"),
    };
    let path = path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let mut refused = false;
    for folder in std::env::split_paths(&path) {
        let folder = match &config.directory {
            Some(directory) => directory.join(folder),
            None => folder,
        };
        let file = folder.join(name);
        match executable(&file) {
            Some(true) => return Ok(file),
            Some(false) => refused = true,
            None => {}
        }
    }
    if refused {
        let source = io::Error::from_raw_os_error(libc::EACCES);
        return Err(Error::Start { program, what: "it is not executable", source });
    }
    Err(Error::NotFound { program })
}

/// Whether a file is executable by anybody; `None` if there is no such file.
fn executable(path: &Path) -> Option<bool> {
    let about = std::fs::metadata(path).ok()?;
    about.is_file().then(|| about.permissions().mode() & 0o111 != 0)
}
