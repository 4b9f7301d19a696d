//! The action and the hook, in a repository of somebody who uses them.
//!
//! What is run is what `ci/action/action.yml` says: its steps in their order, with the environment
//! that it gives them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use crate::check::{commit, git, has_git, says};
use crate::fixtures::{Said, scratch, workspace};
use crate::table::fresh;

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap()
}

fn yaml(path: &str) -> Yaml {
    YamlLoader::load_from_str(&read(path)).unwrap().remove(0)
}

fn pairs(yaml: &Yaml) -> impl Iterator<Item = (&str, &Yaml)> {
    yaml.as_hash().into_iter().flatten().map(|(key, value)| (key.as_str().unwrap(), value))
}

/// The expressions in a text: what stands between `${{` and `}}`.
fn expressions(text: &str) -> Vec<&str> {
    text.split("${{").skip(1).map(|rest| rest.split("}}").next().unwrap().trim()).collect()
}

/// Runs the steps of the action one after the other, as a runner does.
struct Job<'a> {
    repository: &'a Path,
    inputs: BTreeMap<&'a str, &'a str>,
    env: BTreeMap<&'a str, &'a str>,
}

impl<'a> Job<'a> {
    fn new(
        repository: &'a Path,
        inputs: &[(&'a str, &'a str)],
        env: &[(&'a str, &'a str)],
    ) -> Self {
        let own = [("samestate", env!("CARGO_BIN_EXE_samestate"))];
        let inputs = own.iter().chain(inputs).copied().collect();
        Self { repository, inputs, env: env.iter().copied().collect() }
    }

    /// What the last step that was run said, with the outputs of all, and the summary.
    fn run(&self) -> (Said, BTreeMap<String, String>, String) {
        let action = yaml("ci/action/action.yml");
        let temp = fresh("action-temp");
        let mut outputs: BTreeMap<String, String> = BTreeMap::new();
        let mut last = None;
        for step in action["runs"]["steps"].as_vec().unwrap() {
            let Some(run) = step["run"].as_str() else { continue };
            let file = temp.join("output");
            fs::write(&file, "").unwrap();
            let mut command = Command::new("bash");
            command.args(["-e", "-o", "pipefail", "-c", run]).current_dir(self.repository);
            for (name, value) in pairs(&step["env"]) {
                let text = value.as_str().unwrap();
                let value = expressions(text).into_iter().fold(text.to_owned(), |text, word| {
                    text.replace(
                        &format!("${{{{ {word} }}}}"),
                        &self.value(&action, &outputs, word),
                    )
                });
                command.env(name, value);
            }
            let output = command
                .env("GITHUB_OUTPUT", &file)
                .env("GITHUB_STEP_SUMMARY", temp.join("summary"))
                .env("RUNNER_TEMP", &temp)
                .env("CARGO_TARGET_DIR", scratch().join("gate"))
                .env("CARGO_NET_OFFLINE", "true")
                .env_remove("GITHUB_BASE_REF")
                .envs(&self.env)
                .output()
                .unwrap();
            for line in fs::read_to_string(&file).unwrap().lines() {
                let (name, value) = line.split_once('=').unwrap();
                let id = step["id"].as_str().unwrap();
                outputs.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            }
            let said = Said::new(&output);
            let failed = said.code != 0;
            last = Some(said);
            if failed {
                break;
            }
        }
        let summary = fs::read_to_string(temp.join("summary")).unwrap_or_default();
        (last.unwrap(), outputs, summary)
    }

    fn value(&self, action: &Yaml, outputs: &BTreeMap<String, String>, word: &str) -> String {
        if let Some(input) = word.strip_prefix("inputs.") {
            let default = action["inputs"][input]["default"].as_str().unwrap_or_default();
            return (*self.inputs.get(input).unwrap_or(&default)).to_owned();
        }
        if word == "github.action_path" {
            return workspace().join("ci/action").display().to_string();
        }
        outputs.get(word).unwrap_or_else(|| panic!("no step gives `{word}`")).clone()
    }
}

const MAIN: &str = "\
//! A game.

mod rng;

use samestate::Checkpoint;

#[derive(Checkpoint, Debug)]
#[checkpoint(root, version = 1)]
struct Game {
    level: u32,
    rng: rng::Rng,
}

fn main() {
    let game = Game { level: 1, rng: rng::Rng::default() };
    println!(\"{game:?}\");
}
";

const RNG: &str = "\
//! Saved by hand.

use samestate::{Checkpoint, RestoreError, Restorer, SaveError, Saver, SchemaBuilder, TypeRef};

#[derive(Debug, Default)]
pub struct Rng {
    state: u64,
}

impl Checkpoint for Rng {
    fn save<'a>(&'a self, saver: &mut Saver<'a>) -> Result<(), SaveError> {
        self.state.save(saver)
    }

    fn restore(restorer: &mut Restorer<'_>) -> Result<Self, RestoreError> {
        Ok(Self { state: u64::restore(restorer)? })
    }

    fn schema(schema: &mut SchemaBuilder) -> TypeRef {
        schema.structure::<Self>(\"Rng\").saved::<u64>(\"state\").finish()
    }
}
";

/// The repository of a game that is clean; its first commit is on the branch `main` of `origin`.
pub(crate) fn game(name: &str) -> Option<PathBuf> {
    has_git().then(|| {
        let folder = fresh(name);
        fs::create_dir(folder.join("src")).unwrap();
        let runtime = workspace().join("runtime");
        let manifest = format!(
            "[package]\nname = \"game\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [dependencies]\nsamestate = {{ path = {runtime:?} }}\n[workspace]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        let lock = read("cli/tests/fixtures/evolution/Cargo.lock").replace("evolution", "game");
        fs::write(folder.join("Cargo.lock"), lock).unwrap();
        fs::write(folder.join("src/main.rs"), MAIN).unwrap();
        fs::write(folder.join("src/rng.rs"), RNG).unwrap();
        git(&folder, &["init", "--quiet", "--initial-branch", "main"]);
        refresh(&folder);
        commit(&folder, "clean");
        folder
    })
}

/// Writes the lock file of the game as it is.
fn refresh(folder: &Path) {
    let target = scratch().join("gate");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--target-dir"])
        .arg(&target)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let program = target.join("debug/game");
    let said = crate::fixtures::samestate_in(folder, [Path::new("lock"), &program]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
}

pub(crate) fn edit(folder: &Path, file: &str, was: &str, is: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(was), "{file} has no {was}");
    fs::write(path, text.replace(was, is)).unwrap();
}

/// The line, the fingerprints and the way of the result about the field that nothing saves.
fn alert(sarif: &str) -> (u64, Value, Vec<String>) {
    let document: Value = serde_json::from_str(sarif).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "uncovered-field").unwrap();
    let region = &result["locations"][0]["physicalLocation"]["region"];
    let flow = result["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap();
    let steps = flow.iter().map(|step| step["location"]["message"]["text"].as_str().unwrap());
    let way = steps.map(str::to_owned).collect();
    (region["startLine"].as_u64().unwrap(), result["partialFingerprints"].clone(), way)
}

/// Games share the folder that cargo builds in.
pub(crate) fn one_at_a_time() -> std::sync::MutexGuard<'static, ()> {
    static GAME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    GAME.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn commits_that_endanger_state_fail_and_others_pass() {
    let _alone = one_at_a_time();
    let Some(folder) = game("action") else { return };
    let (said, outputs, summary) = Job::new(&folder, &[], &[]).run();
    says(&said, 0, &["samestate check: clean"], &["::error"]);
    assert_eq!(outputs["steps.check.outputs.exit-code"], "0");
    let sarif = fs::read_to_string(&outputs["steps.check.outputs.sarif-file"]).unwrap();
    assert!(sarif.contains("\"2.1.0\""), "{sarif}");
    assert!(summary.starts_with("### samestate: clean\n\n    "), "{summary}");

    // A warning fails where it is meant to.
    let left_over = "#[derive(Checkpoint, Debug)]\nstruct Old { level: u8 }\n\nfn main() {\n    \
                     println!(\"{:?}\", Old { level: 1 });";
    edit(&folder, "src/main.rs", "fn main() {", left_over);
    let (said, _, _) = Job::new(&folder, &[], &[]).run();
    says(&said, 0, &["::warning file=src/main.rs,", "no-root-reaches"], &[]);
    let (said, _, summary) = Job::new(&folder, &[("fail-on", "warning")], &[]).run();
    says(&said, 1, &["::warning file=src/main.rs,", "no-root-reaches"], &["::error"]);
    assert!(summary.starts_with("### samestate: failed"), "{summary}");
    git(&folder, &["checkout", "--quiet", "--", "."]);

    // A field that nothing saves.
    edit(&folder, "src/rng.rs", "    state: u64,\n}", "    state: u64,\n    draws: u64,\n}");
    edit(
        &folder,
        "src/rng.rs",
        "state: u64::restore(restorer)?",
        "state: u64::restore(restorer)?, draws: 0",
    );
    commit(&folder, "unsaved");
    let (said, outputs, summary) = Job::new(&folder, &[], &[]).run();
    let annotation = "::error file=src/rng.rs,line=8,col=5,title=samestate%3A uncovered-field::";
    says(&said, 1, &[annotation], &["field-added"]);
    let sarif = fs::read_to_string(&outputs["steps.check.outputs.sarif-file"]).unwrap();
    assert!(sarif.contains("uncovered-field"), "{sarif}");
    assert!(summary.starts_with("### samestate: failed"), "{summary}");
    assert!(summary.contains("    error[uncovered-field]"), "{summary}");

    // Lines that move do not open the alert anew, and the way from the root is shown.
    let before = alert(&sarif);
    edit(&folder, "src/rng.rs", "//! Saved by hand.", "//! Saved by hand,\n//! and moved.");
    let (_, outputs, _) = Job::new(&folder, &[("baseline", "HEAD")], &[]).run();
    let sarif = fs::read_to_string(&outputs["steps.check.outputs.sarif-file"]).unwrap();
    let after = alert(&sarif);
    assert_eq!(before.0 + 1, after.0, "the line");
    assert_eq!(before.1, after.1, "the fingerprint");
    assert_eq!(after.2, ["game::Game", "rng: game::rng::Rng", "draws: u64"]);
    git(&folder, &["checkout", "--quiet", "--", "."]);

    // The hook refuses the same commit.
    git(&folder, &["reset", "--quiet", "--soft", "HEAD~1"]);
    let hook = folder.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::copy(workspace().join("ci/hooks/pre-commit"), &hook).unwrap();
    let try_commit = || {
        let output = Command::new("git")
            .args(["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"])
            .args(["commit", "--quiet", "--all", "--message", "x"])
            .env("SAMESTATE", env!("CARGO_BIN_EXE_samestate"))
            .env("CARGO_TARGET_DIR", scratch().join("gate"))
            .env("CARGO_NET_OFFLINE", "true")
            .current_dir(&folder)
            .output()
            .unwrap();
        Said::new(&output)
    };
    says(&try_commit(), 1, &["error[uncovered-field]", "src/rng.rs:8:5"], &[]);
    git(&folder, &["reset", "--quiet", "--hard"]);
    edit(&folder, "src/main.rs", "//! A game.", "//! A game with a level.");
    says(&try_commit(), 0, &["clean"], &[]);
    fs::remove_file(&hook).unwrap();

    // A field that old images do not hold: not told, and told with the lock of before.
    edit(&folder, "src/main.rs", "    level: u32,\n", "    level: u32,\n    lives: u8,\n");
    edit(&folder, "src/main.rs", "level: 1,", "level: 1, lives: 3,");
    commit(&folder, "untold");
    let (said, _, _) = Job::new(&folder, &[("format", "text")], &[]).run();
    let words = ["error[field-added]", "src/main.rs:11:5", "error[version-not-bumped]"];
    says(&said, 1, &words, &[]);
    let told = "    #[checkpoint(since = 2, default = 3)]\n    lives: u8,\n";
    edit(&folder, "src/main.rs", "    lives: u8,\n", told);
    edit(&folder, "src/main.rs", "version = 1", "version = 2");
    commit(&folder, "told");
    let (said, _, _) = Job::new(&folder, &[], &[]).run();
    let help = "samestate lock ";
    let annotation = "::error file=checkpoint.lock,line=";
    says(&said, 1, &[annotation, "stale-lock", help, "-o checkpoint.lock"], &["::error file=src"]);

    // With the lock of now it passes: as a pull request, from a clone that has only its own branch.
    refresh(&folder);
    git(&folder, &["checkout", "--quiet", "-b", "lives"]);
    commit(&folder, "told, with its lock");
    let origin = fresh("action-origin");
    git(&origin, &["init", "--quiet", "--bare"]);
    let url = format!("file://{}", origin.display());
    git(&folder, &["remote", "add", "origin", &url]);
    git(&folder, &["push", "--quiet", "origin", "HEAD~3:refs/heads/main"]);
    git(&folder, &["update-ref", "-d", "refs/remotes/origin/main"]);
    let (said, _, _) = Job::new(&folder, &[], &[("GITHUB_BASE_REF", "main")]).run();
    says(&said, 0, &["samestate check: clean", "field-added"], &["::error"]);

    // A checkout for a job has one commit; what the pull request goes to is fetched.
    git(&folder, &["push", "--quiet", "origin", "HEAD:refs/heads/lives"]);
    let shallow = fresh("action-shallow");
    git(&shallow, &["clone", "--quiet", "--depth", "1", "--branch", "lives", &url, "."]);
    let (said, _, _) = Job::new(&shallow, &[], &[("GITHUB_BASE_REF", "main")]).run();
    says(&said, 0, &["samestate check: clean", "field-added"], &["::error"]);
    // What it cannot fetch is not taken for clean.
    let (said, _, summary) = Job::new(&shallow, &[("baseline", "HEAD~1")], &[]).run();
    let words = ["::error title=samestate::", "`HEAD~1`", "shallow", "fetch-depth"];
    says(&said, 3, &words, &["clean"]);
    assert!(summary.starts_with("### samestate: could not check everything"), "{summary}");

    // What cannot be checked is shown, too.
    for (inputs, code, words) in [
        (
            &[("package", "nothing")][..],
            2,
            "::error title=samestate::there is no package `nothing`",
        ),
        (&[("baseline", "nowhere")], 2, "::error title=samestate::git knows no revision `nowhere`"),
        (&[("baseline", "--upload-pack=touch taken;")], 2, "is no revision"),
        (&[("config", "nowhere.toml")], 2, "nowhere.toml"),
        (&[("samestate", "/nowhere/samestate")], 2, "is no samestate"),
        (&[("fail-on", "nothing")], 2, "::error title=samestate::"),
    ] {
        let (said, outputs, _) = Job::new(&folder, inputs, &[]).run();
        says(&said, code, &[words], &[]);
        let sarif = outputs.get("steps.check.outputs.sarif-file");
        assert!(sarif.is_none_or(String::is_empty), "{sarif:?}");
    }
    assert!(!folder.join("taken").exists());
}

#[test]
fn the_action_is_what_a_runner_can_read() {
    let action = yaml("ci/action/action.yml");
    for key in ["name", "description"] {
        assert!(action[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    let allowed = ["name", "description", "author", "branding", "inputs", "outputs", "runs"];
    assert!(pairs(&action).all(|(key, _)| allowed.contains(&key)));
    let mut inputs: BTreeMap<&str, bool> = BTreeMap::new();
    for (name, input) in pairs(&action["inputs"]) {
        assert!(input["description"].as_str().is_some(), "{name}");
        assert!(pairs(input).all(|(key, _)| ["description", "default", "required"].contains(&key)));
        // A default that is no text would be given as something else.
        assert!(input["default"].is_badvalue() || input["default"].as_str().is_some(), "{name}");
        inputs.insert(name, false);
    }
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let by_runner = [
        "github.action_path",
        "github.event_name",
        "github.repository",
        "github.event.pull_request.head.repo.full_name",
    ];
    let mut given: Vec<String> = by_runner.map(str::to_owned).to_vec();
    let mut see = |text: &str, given: &[String]| {
        for word in expressions(text).iter().flat_map(|text| text.split([' ', '(', ')'])) {
            if let Some(input) = word.strip_prefix("inputs.") {
                *inputs.get_mut(input).unwrap_or_else(|| panic!("no input `{input}`")) = true;
            } else if word.contains('.') {
                assert!(given.iter().any(|known| known == word), "nothing gives `{word}`");
            }
        }
    };
    for step in action["runs"]["steps"].as_vec().unwrap() {
        let keys = ["name", "id", "if", "shell", "run", "env", "uses", "with"];
        assert!(pairs(step).all(|(key, _)| keys.contains(&key)), "{step:?}");
        step["if"].as_str().inspect(|text| see(text, &given));
        let texts = pairs(&step["env"]).chain(pairs(&step["with"]));
        texts.for_each(|(_, text)| see(text.as_str().unwrap(), &given));
        let Some(run) = step["run"].as_str() else {
            assert!(step["uses"].as_str().is_some_and(|uses| uses.contains('@')), "{step:?}");
            continue;
        };
        assert_eq!(step["shell"].as_str(), Some("bash"), "composite steps name their shell");
        let name = run.strip_prefix("bash \"$ACTION_PATH/").and_then(|rest| rest.strip_suffix('"'));
        let script = read(&format!("ci/action/{}", name.unwrap()));
        for (name, _) in pairs(&step["env"]).filter(|(name, _)| *name != "ACTION_PATH") {
            assert!(script.contains(&format!("${{{name}:-")), "the script does not use {name}");
        }
        // What the script reads must be given by the step or by the runner.
        for word in script.split("${").skip(1).filter_map(|rest| rest.split([':', '}']).next()) {
            let is_upper = word.starts_with(|c: char| c.is_ascii_uppercase());
            let by_runner = word.starts_with("GITHUB_") || word.starts_with("RUNNER_");
            assert!(!is_upper || by_runner || !step["env"][word].is_badvalue(), "{word}");
        }
        let outputs = script.lines().filter_map(|line| line.trim().strip_prefix("echo \""));
        for (name, _) in outputs.filter_map(|line| line.split_once('=')) {
            given.push(format!("steps.{}.outputs.{name}", step["id"].as_str().unwrap()));
        }
    }
    for (_, output) in pairs(&action["outputs"]) {
        see(output["value"].as_str().unwrap(), &given);
    }
    assert!(inputs.values().all(|&is_used| is_used), "an input is used by no step: {inputs:?}");

    let hooks = yaml(".pre-commit-hooks.yaml");
    let hook = &hooks[0];
    for key in ["id", "name", "entry", "language"] {
        assert!(hook[key].as_str().is_some(), "{key}");
    }
    let entry = workspace().join(hook["entry"].as_str().unwrap());
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(entry).unwrap().permissions());
    assert_ne!(mode & 0o111, 0, "the hook can be executed");
}
