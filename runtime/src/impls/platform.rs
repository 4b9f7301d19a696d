//! Text as the operating system and C have it: bytes that need not be UTF-8.

use std::ffi::{CString, OsStr, OsString};
use std::path::PathBuf;

use samestate_schema::types::TypeRef;

use crate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder};

#[cfg(unix)]
fn to_bytes(text: &OsStr) -> Option<&[u8]> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(text.as_bytes())
}

#[cfg(unix)]
fn from_bytes(bytes: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(OsStr::from_bytes(bytes).to_owned())
}

/// Elsewhere only what is Unicode means the same on every system.
#[cfg(not(unix))]
fn to_bytes(text: &OsStr) -> Option<&[u8]> {
    text.to_str().map(str::as_bytes)
}

#[cfg(not(unix))]
fn from_bytes(bytes: &[u8]) -> Option<OsString> {
    core::str::from_utf8(bytes).ok().map(OsString::from)
}

fn save(text: &OsStr, saver: &mut Saver<'_>) -> Result<(), SaveError> {
    let Some(bytes) = to_bytes(text) else {
        return Err(SaveError::custom(format!("{text:?} is not Unicode")));
    };
    saver.opaque(bytes);
    Ok(())
}

impl Checkpoint for OsString {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        save(self, saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        from_bytes(restorer.opaque()?).ok_or_else(|| restorer.bad_value("OsString"))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.opaque("OsString")
    }
}

impl Checkpoint for PathBuf {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        save(self.as_os_str(), saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        OsString::restore(restorer).map(Self::from)
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.of::<OsString>()
    }
}

impl Checkpoint for CString {
    const MIN_LEN: usize = 1;

    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        saver.opaque(self.as_bytes());
        Ok(())
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Self::new(restorer.opaque()?).map_err(|_| restorer.bad_value("CString"))
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.opaque("CString")
    }
}
