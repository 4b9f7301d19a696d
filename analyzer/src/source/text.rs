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
    outline: OnceCell<Result<Rc<SourceFile>, String>>,
    parsed: OnceCell<Result<Rc<SourceFile>, String>>,
}

impl SourceText {
    pub(super) fn new(path: PathBuf, text: String) -> Self {
        let (words, outline, parsed) = Default::default();
        Self { path, text: text.into(), words, outline, parsed }
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

    /// What stands in it without what its functions do.
    ///
    /// # Errors
    /// Says why it cannot be parsed, and where.
    pub(super) fn outline(&self) -> Result<Rc<SourceFile>, String> {
        if let Some(parsed) = self.parsed.get() {
            return parsed.clone();
        }
        let parse = || {
            let parse = || SourceFile::outline(&self.path, &self.text).map(Rc::new);
            timings::phase("parse sources", parse)
        };
        self.outline.get_or_init(parse).clone()
    }

    /// The words in it.
    pub(super) fn words(&self) -> &Words {
        self.words.get_or_init(|| Words::of(&self.text))
    }
}
