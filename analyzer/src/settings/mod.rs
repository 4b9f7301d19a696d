//! samestate.toml: what a program's authors say about its state.
//!
//! ```toml
//! roots = ["app::Machine"]
//! save = ["app::Machine::save_state", "app::*::save"]
//! restore = ["app::Machine::load_state", "app::*::load"]
//! serde = true
//! version = "app::machine::STATE_VERSION"
//! profile = "by-field"
//! order = "matters"
//!
//! [skip]
//! "app::Cpu.decoded" = "filled again by the first instruction"
//! [rebuilt]
//! "app::Bus.page_table" = { reason = "made by `Bus::map` after loading", until = "2027-01-31" }
//! [host]
//! "app::Window" = "the window of whoever runs it"
//!
//! [check]
//! binary = "target/debug/app"
//! lock = "checkpoint.lock"
//! fail-on = "warning"
//!
//! [[allow]]
//! rule = "variant-added"
//! subject = "app::Machine.mode::Turbo"
//! reason = "no image of the beta is kept"
//! until = "2027-01-31"
//!
//! [[allow]]
//! rule = "payload-differs"
//! call = "write"
//! path = "*/app.log"
//! argument = "buf"
//! thread = "0.*"
//! reason = "the log holds the time of day"
//! ```
//!
//! All of it is a claim of people; whoever believes one says so in the report.

mod version;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use samestate_report::{Allowances, Allowed, Glob, Place, Rule, rules};
pub(crate) use samestate_report::{Day, Pattern};
use samestate_schema::treatment::{SkipPolicy, Treatment};
use serde::Deserialize;
use toml::Spanned;

pub(crate) use self::version::VersionAt;
use crate::limits::MAX_SETTINGS_LEN;
use crate::profile::{Order, Profile};

/// What samestate.toml says; by default nothing.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Names of roots.
    pub(crate) roots: Vec<Named>,
    /// Functions that save.
    pub(crate) save: Vec<Named>,
    /// Functions that restore.
    pub(crate) restore: Vec<Named>,
    /// Whether serde's derives are evidence; `None` leaves it to what the roots look like.
    pub(crate) serde: Option<bool>,
    /// In which constants the versions of what roots save stand.
    pub(crate) versions: Vec<VersionAt>,
    /// What images depend on.
    pub profile: Profile,
    /// Whether the order of fields and variants is among it, where no derive wrote them; `None`
    /// says nothing.
    pub order: Option<Order>,
    /// What is not saved, and why.
    pub(crate) treatments: Vec<Stated>,
    /// What `samestate check` looks at.
    pub check: CheckSettings,
    /// Findings that are left out.
    pub allowed: Allowances,
}

/// What `samestate check` looks at; by default what is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckSettings {
    /// The program, as seen from the folder of the file.
    pub binary: Option<PathBuf>,
    /// The lock file, as seen from there.
    pub lock: Option<PathBuf>,
    /// Whether warnings fail the gate as errors do.
    pub fails_on_warnings: bool,
}

/// A pattern with the place where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) pattern: Pattern,
    pub(crate) place: Place,
}

/// A treatment that people state.
#[derive(Clone, Debug)]
pub(crate) struct Stated {
    /// A type, or a field of one.
    pub(crate) named: Named,
    /// The word it is written under.
    pub(crate) word: &'static str,
    pub(crate) treatment: Treatment,
    pub(crate) reason: String,
    /// The last day on which it holds.
    pub(crate) until: Option<Day>,
}

/// Why samestate.toml cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file says something that means nothing.
    #[error("{}:{line}:{column}: {problem}; {remedy}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u32,
        /// The column in characters, from 1.
        column: u32,
        /// What is wrong.
        problem: String,
        /// What to write.
        remedy: String,
    },
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read, or says something that means nothing.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let failed = |source| SettingsError::Read { path: path.to_owned(), source };
        let len = fs::metadata(path).map_err(failed)?.len();
        if len > MAX_SETTINGS_LEN {
            let why = format!("it has {len} bytes, more than {MAX_SETTINGS_LEN}");
            return Err(failed(io::Error::other(why)));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        Self::parse(path, &text)
    }

    /// Takes the text of the file apart; `path` is for messages.
    ///
    /// # Errors
    /// If it says something that means nothing.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
        let reader = Reader { path, text };
        let file: File = toml::from_str(text).map_err(|error| {
            let (problem, remedy) = told(error.message());
            reader.error(error.span().unwrap_or(0..0), problem, &remedy)
        })?;
        let save = reader.names(file.save)?;
        let restore = reader.names(file.restore)?;
        if let (Some(one), true) = (save.first(), restore.is_empty()) {
            return Err(reader.lonely(one, "save", "restore"));
        }
        if let (Some(one), true) = (restore.first(), save.is_empty()) {
            return Err(reader.lonely(one, "restore", "save"));
        }
        let mut treatments = Vec::new();
        let skip = Treatment::Skipped(SkipPolicy::Default);
        for (word, treatment, table) in [
            ("skip", skip, file.skip),
            ("rebuilt", Treatment::Rebuilt, file.rebuilt),
            ("host", Treatment::External, file.host),
        ] {
            for (name, entry) in table {
                treatments.push(reader.stated(word, treatment, &name, entry)?);
            }
        }
        treatments.sort_by_key(|stated| (stated.named.place.line, stated.named.place.column));
        let allowed = file.allow.into_iter().map(|entry| reader.allowed(entry));
        Ok(Self {
            roots: reader.names(file.roots)?,
            save,
            restore,
            serde: file.serde,
            versions: reader.versions(file.version)?,
            profile: match file.profile {
                ProfileWord::ByField => Profile::ByField,
                ProfileWord::RawMemory => Profile::RawMemory,
            },
            order: file.order.map(|word| match word {
                OrderWord::Matters => Order::Matters,
                OrderWord::Free => Order::Free,
            }),
            treatments,
            check: CheckSettings {
                binary: file.check.binary,
                lock: file.check.lock,
                fails_on_warnings: file.check.fail_on == FailOn::Warning,
            },
            allowed: Allowances::new(allowed.collect::<Result<_, _>>()?),
        })
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct File {
    #[serde(default)]
    roots: Vec<Spanned<String>>,
    #[serde(default)]
    save: Vec<Spanned<String>>,
    #[serde(default)]
    restore: Vec<Spanned<String>>,
    serde: Option<bool>,
    version: Option<Spanned<version::Entry>>,
    #[serde(default)]
    profile: ProfileWord,
    order: Option<OrderWord>,
    #[serde(default)]
    skip: Entries,
    #[serde(default)]
    rebuilt: Entries,
    #[serde(default)]
    host: Entries,
    #[serde(default)]
    check: Check,
    #[serde(default)]
    allow: Vec<Spanned<Allow>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    binary: Option<PathBuf>,
    lock: Option<PathBuf>,
    #[serde(default, rename = "fail-on")]
    fail_on: FailOn,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ProfileWord {
    #[default]
    ByField,
    RawMemory,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum OrderWord {
    Matters,
    Free,
}

#[derive(Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum FailOn {
    #[default]
    Error,
    Warning,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    rule: String,
    subject: Option<String>,
    call: Option<String>,
    path: Option<String>,
    argument: Option<String>,
    thread: Option<String>,
    reason: String,
    until: Option<String>,
}

type Entries = std::collections::BTreeMap<Spanned<String>, Spanned<Entry>>;

/// A reason, alone or with a date.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a reason in quotes, or `{ reason = \"…\", until = \"…\" }`"
)]
enum Entry {
    Reason(String),
    Dated(Dated),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dated {
    reason: String,
    until: Option<String>,
}

/// What is wrong, and what to write instead.
fn told(message: &str) -> (String, String) {
    let message = message.trim_end_matches('\n').replace('\n', "; ");
    let remedy = if message.starts_with("unknown field") {
        "write one of `roots`, `save`, `restore`, `serde`, `version`, `profile`, `order`, `[skip]`, \
         `[rebuilt]`, `[host]`, \
         `[check]` with `binary`, `lock` and `fail-on`, `[[allow]]` with `rule`, `subject`, `call`, \
         `path`, `argument`, `thread`, `reason` and `until`"
    } else if message.contains("a reason in quotes") {
        "write `\"app::Type.field\" = \"why\"`"
    } else if message.contains("invalid type") && message.contains("sequence") {
        "write a list of names in quotes: `[\"app::Type::function\"]`"
    } else {
        "see `samestate coverage --help` for an example"
    };
    (message, remedy.to_owned())
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or("");
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let line = before.matches('\n').count();
        Place {
            file: self.path.display().to_string(),
            line: number(line + 1),
            column: number(before[start..].chars().count() + 1),
            text: self.text.lines().nth(line).map(|text| text.trim_end().to_owned()),
        }
    }

    fn error(&self, span: Range<usize>, problem: String, remedy: &str) -> SettingsError {
        let place = self.place(span);
        SettingsError::Invalid {
            path: self.path.to_owned(),
            line: place.line,
            column: place.column,
            problem,
            remedy: remedy.to_owned(),
        }
    }

    fn named(&self, name: &Spanned<String>) -> Result<Named, SettingsError> {
        match Pattern::parse(name.get_ref()) {
            Ok(pattern) => Ok(Named { pattern, place: self.place(name.span()) }),
            Err(why) => Err(self.error(
                name.span(),
                format!("`{}` is no name: {why}", name.get_ref()),
                "write a path such as `app::Type`, `app::Type.field` or `app::Type::function`; `*` \
                 stands for any part of one",
            )),
        }
    }

    fn names(&self, names: Vec<Spanned<String>>) -> Result<Vec<Named>, SettingsError> {
        names.iter().map(|name| self.named(name)).collect()
    }

    fn lonely(&self, one: &Named, there: &str, missing: &str) -> SettingsError {
        SettingsError::Invalid {
            path: self.path.to_owned(),
            line: one.place.line,
            column: one.place.column,
            problem: format!("there is `{there}`, but no `{missing}`"),
            remedy: format!("name the functions of the other side in `{missing} = [\"…\"]`"),
        }
    }

    fn day(&self, span: Range<usize>, text: Option<String>) -> Result<Option<Day>, SettingsError> {
        let Some(text) = text else { return Ok(None) };
        match Day::parse(&text) {
            Some(day) => Ok(Some(day)),
            None => {
                Err(self.error(span, format!("`{text}` is no day"), "write it as `\"2027-01-31\"`"))
            }
        }
    }

    fn allowed(&self, entry: Spanned<Allow>) -> Result<Allowed, SettingsError> {
        let span = entry.span();
        let Allow { rule, subject, call, path, argument, thread, reason, until } =
            entry.into_inner();
        let error = |problem: String, remedy| self.error(span.clone(), problem, remedy);
        let Some(known) = rules::by_id(&rule) else {
            return Err(error(
                format!("`{rule}` is no rule"),
                "write one of those that `samestate explain` lists",
            ));
        };
        if [&call, &path, &argument, &thread].into_iter().any(Option::is_some)
            && !Rule::is_divergence(known)
        {
            return Err(error(
                format!("`{rule}` is about no system call"),
                "write `subject = \"app::Type.field\"` instead of `call`, `path`, `argument` and \
                 `thread`",
            ));
        }
        if reason.trim().is_empty() {
            return Err(error(
                format!("`{rule}` is allowed without a reason"),
                "write why it need not be mended",
            ));
        }
        let subject = match subject.as_deref().map(Pattern::parse).transpose() {
            Ok(subject) => subject,
            Err(why) => {
                return Err(error(
                    format!("`{}` is no subject: {why}", subject.unwrap_or_default()),
                    "write a path as reports do, such as `app::Type.field`; `*` stands for any \
                     part of one",
                ));
            }
        };
        let until = self.day(span.clone(), until)?;
        let [call, path, argument, thread] =
            [call, path, argument, thread].map(|text| text.map(Glob::new));
        let place = self.place(span);
        Ok(Allowed { rule, subject, call, path, argument, thread, reason, until, place })
    }

    fn stated(
        &self,
        word: &'static str,
        treatment: Treatment,
        name: &Spanned<String>,
        entry: Spanned<Entry>,
    ) -> Result<Stated, SettingsError> {
        let span = entry.span();
        let (reason, until) = match entry.into_inner() {
            Entry::Reason(reason) => (reason, None),
            Entry::Dated(Dated { reason, until }) => (reason, until),
        };
        if reason.trim().is_empty() {
            return Err(self.error(
                name.span(),
                format!("`{}` is stated without a reason", name.get_ref()),
                "write why a checkpoint need not hold it",
            ));
        }
        let until = self.day(span, until)?;
        Ok(Stated { named: self.named(name)?, word, treatment, reason, until })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Settings;

    fn error(text: &str) -> String {
        Settings::parse(Path::new("samestate.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn all_of_it_is_read() {
        let settings = Settings::parse(
            Path::new("samestate.toml"),
            "roots = [\"app::Machine\"]\nsave = [\"app::*::save\"]\nrestore = [\"load\"]\nserde = true\n\
             [skip]\n\"app::Cpu.cache\" = \"filled on use\"\n\
             [host]\n\"app::Window\" = { reason = \"a window\", until = \"2027-01-31\" }\n",
        )
        .unwrap();
        assert_eq!(settings.roots[0].pattern.text(), "app::Machine");
        assert_eq!(settings.serde, Some(true));
        let [cache, window] = &settings.treatments[..] else { panic!("{settings:?}") };
        assert_eq!((cache.named.place.line, cache.named.place.column), (6, 1));
        assert_eq!((window.word, &*window.reason), ("host", "a window"));
        assert_eq!(window.until.unwrap().to_string(), "2027-01-31");
        assert!(Settings::parse(Path::new("x"), "").unwrap().treatments.is_empty());
    }

    #[test]
    fn mistakes_tell_where_they_are_and_what_to_write() {
        for (text, place, words) in [
            ("root = [\"a\"]", "samestate.toml:1:1: ", "`roots`"),
            ("roots = \"a\"", "samestate.toml:1:9: ", "list of names"),
            ("\nserde = \"yes\"", "samestate.toml:2:9: ", "boolean"),
            ("[skip]\n\"a::B\" = 3", "samestate.toml:2:", "a reason"),
            ("[skip]\n\"a::B\" = \" \"", "samestate.toml:2:1: ", "without a reason"),
            ("[skip]\n\"a b\" = \"x\"", "samestate.toml:2:1: ", "no name"),
            ("profile = \"raw\"", "samestate.toml:1:11: ", "`by-field`"),
            ("save = [\"a\"]", "samestate.toml:1:9: ", "no `restore`"),
            ("restore = [\"a\"]", "samestate.toml:1:12: ", "no `save`"),
            (
                "[host]\n\"a\" = { reason = \"x\", until = \"soon\" }",
                "samestate.toml:2:7: ",
                "`\"2027-01-31\"`",
            ),
            ("roots = [", "samestate.toml:1:", "array"),
            ("version = 3", "samestate.toml:1:11: ", "the path of a constant"),
            ("version = \"a::\"", "samestate.toml:1:11: ", "no path of a constant"),
            ("[version]\n\"a b\" = \"a::V\"", "samestate.toml:1:", "no name"),
        ] {
            let error = error(text);
            assert!(error.starts_with(place) && error.contains(words), "{text}: {error}");
        }
    }
}
