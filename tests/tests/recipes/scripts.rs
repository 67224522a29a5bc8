//! The recipes, and the scripts in them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where all of it is.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/ci")
}

/// A file of YAML.
pub(crate) fn recipe(name: &str) -> Value {
    let text = text(name);
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A file as it is.
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every file of YAML there is.
pub(crate) fn names() -> Vec<String> {
    let mut names = Vec::new();
    for directory in fs::read_dir(root())
        .expect("infra/ci")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
    {
        for file in fs::read_dir(&directory).expect("it is read") {
            let file = file.expect("an entry").path();
            names.push(file.strip_prefix(root()).expect("below infra/ci").display().to_string());
        }
    }
    names.sort();
    names
}

/// The judging job of a recipe: lines of bash that end with the first command that fails, as each of these services has it;
/// and what they run whatever became of them.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) script: String,
    pub(crate) afterwards: String,
}

/// Every recipe that judges.
pub(crate) fn jobs() -> [Job; 3] {
    [code_build(), github(), gitlab()]
}

fn lines(commands: &Value) -> String {
    let commands = commands.as_array().expect("a list of commands");
    let lines: Vec<&str> = commands.iter().map(|command| command.as_str().expect("a command")).collect();
    lines.join("\n") + "\n"
}

fn code_build() -> Job {
    let name = "aws/judge.buildspec.yml";
    let phases = &recipe(name)["phases"];
    for phase in ["pre_build", "build"] {
        assert_eq!(phases[phase]["on-failure"], "ABORT", "{phase} fails and the build goes on");
    }
    let script = lines(&phases["pre_build"]["commands"]) + &lines(&phases["build"]["commands"]);
    Job { name, script, afterwards: lines(&phases["build"]["finally"]) }
}

fn github() -> Job {
    let name = "github/judge.yml";
    let steps = recipe(name)["jobs"]["judge"]["steps"].clone();
    let steps = steps.as_array().expect("steps");
    // What a step adds to the path is there for the next ones.
    let script = steps.iter().filter_map(|step| step["run"].as_str()).map(|run| {
        format!("{run}\n[ ! -s \"$GITHUB_PATH\" ] || PATH=\"$(tail -n 1 \"$GITHUB_PATH\"):$PATH\"\n")
    });
    Job { name, script: script.collect(), afterwards: String::new() }
}

fn gitlab() -> Job {
    let name = "gitlab/judge.yml";
    let job = &recipe(name)["judge"];
    Job { name, script: lines(&job["before_script"]) + &lines(&job["script"]), afterwards: String::new() }
}
