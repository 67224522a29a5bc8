//! A job of a recipe, run with programs that are ours.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::scripts::Job;

/// Writes down what it is called with, writes the reports it is asked for, and says what it was told to say.
const PLIMSOLL: &str = r#"#!/bin/sh
printf '%s\n' "$@" >"$PLACE/arguments"
for argument in "$@"; do
    case $argument in
        *=plimsoll.*) echo report >"${argument#*=}" ;;
    esac
done
cp "${DOCKER_CONFIG:-/nonexistent}/config.json" "$PLACE/login" 2>/dev/null
exit "$VERDICT"
"#;

/// `aws s3 cp [OPTIONS] FROM TO` and `aws ecr get-login-password`.
const AWS: &str = r#"#!/bin/sh
echo "$*" >>"$PLACE/asked"
case $* in
    *"${MISSING:-nothing is missing}"*) exit 1 ;;
    *get-login-password) echo hunter2 ;;
    "s3 cp "*/plimsoll" plimsoll") cp "$PLACE/plimsoll" plimsoll ;;
    "s3 cp "*" s3://"*) ;;
    "s3 cp "*) for last in "$@"; do :; done; echo content >"$last" ;;
    *) exit 2 ;;
esac
"#;

/// What is judged where an image of a registry is.
const IMAGE: &str =
    "registry.example/app@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// A place for one run.
pub(crate) struct Run {
    directory: TempDir,
    verdict: u8,
    sha256: String,
    missing: Option<&'static str>,
}

/// How it went.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    /// What `plimsoll` was called with; none: it was not called.
    pub(crate) arguments: Option<Vec<String>>,
    /// The Docker configuration that `plimsoll` had.
    pub(crate) login: Option<String>,
    /// What `aws` was asked, line by line.
    pub(crate) asked: String,
    pub(crate) said: String,
}

impl Run {
    /// A `plimsoll` that ends with this exit code.
    pub(crate) fn with(verdict: u8) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let sha256 = format!("{:x}", Sha256::digest(PLIMSOLL));
        let run = Self { directory, verdict, sha256, missing: None };
        for (name, text) in [("bin/aws", AWS), ("bin/docker", "#!/bin/sh\n"), ("plimsoll", PLIMSOLL)] {
            let file = run.path(name);
            fs::create_dir_all(file.parent().expect("a directory")).expect("it is made");
            fs::write(&file, text).expect("it is written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is a program");
        }
        fs::create_dir(run.path("work")).expect("it is made");
        run
    }

    /// Something that `aws` does not find.
    pub(crate) fn without(mut self, what: &'static str) -> Self {
        self.missing = Some(what);
        self
    }

    /// Another binary than the one that was agreed on.
    pub(crate) fn with_another_binary(mut self) -> Self {
        self.sha256 = "00".repeat(32);
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs the job, and afterwards what it does in any case.
    pub(crate) fn run(&self, job: &Job) -> Outcome {
        let (code, mut said) = self.bash(&job.script);
        if !job.afterwards.is_empty() {
            said.push_str(&self.bash(&job.afterwards).1);
        }
        let read = |name: &str| fs::read_to_string(self.path(name)).ok();
        Outcome {
            code,
            arguments: read("arguments").map(|text| text.lines().map(str::to_owned).collect()),
            login: read("login"),
            asked: read("asked").unwrap_or_default(),
            said,
        }
    }

    fn bash(&self, script: &str) -> (i32, String) {
        let place = self.directory.path();
        let mut command = Command::new("bash");
        command.args(["-e", "-c", script]).current_dir(self.path("work")).stdin(Stdio::null()).env_clear();
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()));
        command.env("PLACE", place).env("VERDICT", self.verdict.to_string());
        command.envs(self.missing.map(|what| ("MISSING", what)));
        // What the services set, and what a recipe has as variables.
        for (name, value) in [
            ("PLIMSOLL_INPUTS", "s3://inputs/ci"),
            ("PLIMSOLL_REPORTS", "s3://reports"),
            ("PLIMSOLL_SHA256", &self.sha256),
            ("IMAGE", IMAGE),
            ("CODEBUILD_BUILD_ID", "judge:1"),
            ("AWS_TOKEN", "token"),
            ("CI_REGISTRY", "registry.example"),
            ("CI_REGISTRY_USER", "user"),
            ("CI_REGISTRY_PASSWORD", "hunter2"),
        ] {
            command.env(name, value);
        }
        for name in ["AWS_WEB_IDENTITY_TOKEN_FILE", "DOCKER_CONFIG", "GITHUB_PATH", "RUNNER_TEMP"] {
            command.env(name, place.join(name));
        }
        let output = command.output().expect("bash runs");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
