//! A source file that was read, and that is parsed when something in it is asked for.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;

use super::file::SourceFile;
use super::words::Words;
use crate::timings;

/// The text of a source file, and what it is once it was parsed.
#[derive(Debug)]
pub(super) struct SourceText {
    /// Where it was found.
    pub(super) path: PathBuf,
    pub(super) text: Rc<str>,
    words: OnceCell<Words>,
    parsed: OnceCell<Result<Rc<SourceFile>, String>>,
}

impl SourceText {
    pub(super) fn new(path: PathBuf, text: String) -> Self {
        Self { path, text: text.into(), words: OnceCell::new(), parsed: OnceCell::new() }
    }

    /// What stands in it.
    ///
    /// # Errors
    /// Says why it cannot be parsed, and where.
    pub(super) fn parsed(&self) -> Result<Rc<SourceFile>, String> {
        let parse = || {
            let parse = || SourceFile::parse(&self.path, &self.text).map(Rc::new);
            timings::phase("parse sources", parse)
        };
        self.parsed.get_or_init(parse).clone()
    }

    /// The words in it.
    pub(super) fn words(&self) -> &Words {
        self.words.get_or_init(|| Words::of(&self.text))
    }
}
