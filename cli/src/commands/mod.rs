//! One module per command: arguments in, exit code out.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod coverage;
pub(crate) mod demo;
pub(crate) mod drift;
pub(crate) mod explain;
pub(crate) mod image;
pub(crate) mod init;
mod left_out;
pub(crate) mod lock;
pub(crate) mod record;
mod settings;
pub(crate) mod show;
pub(crate) mod verify;
