//! What becomes of a job, verdict by verdict.

use std::process::Command;

use plimsoll_tests::binary::plimsoll;

use crate::job::Run;
use crate::scripts::{jobs, names, root, text};

/// These scripts are for Linux: `install -D`, `base64 --wrap`.
fn skipped() -> bool {
    let elsewhere = !cfg!(target_os = "linux");
    if elsewhere {
        println!("skipped: the recipes run on Linux");
    }
    elsewhere
}

#[test]
fn a_job_goes_on_if_and_only_if_plimsoll_says_0() {
    if skipped() {
        return;
    }
    for job in jobs() {
        for (verdict, goes_on) in [(0, true), (1, false), (2, false), (3, false), (64, false), (101, false)] {
            let outcome = Run::with(verdict).run(&job);
            assert!(outcome.arguments.is_some(), "{}: plimsoll is not called: {}", job.name, outcome.said);
            assert_eq!(outcome.code == 0, goes_on, "{}, exit code {verdict}: {}", job.name, outcome.said);
        }
    }
}

#[test]
fn a_warning_passes_by_the_option_and_by_nothing_else() {
    if skipped() {
        return;
    }
    for job in jobs() {
        let arguments = Run::with(0).run(&job).arguments.unwrap();
        let at = arguments.iter().position(|argument| argument == "--warn-exit-code").expect("the option");
        assert_eq!(arguments[at + 1], "0", "{}", job.name);
        assert!(!arguments.iter().any(|argument| argument.starts_with("--allow-blind")), "{}", job.name);
    }
}

#[test]
fn what_cannot_be_fetched_or_is_not_what_was_agreed_on_ends_the_job_unjudged() {
    if skipped() {
        return;
    }
    for job in jobs() {
        for missing in ["/plimsoll plimsoll", "osv.plimsoll"] {
            let outcome = Run::with(0).without(missing).run(&job);
            assert!(outcome.code != 0 && outcome.arguments.is_none(), "{} without {missing}", job.name);
        }
        let outcome = Run::with(0).with_another_binary().run(&job);
        assert!(outcome.code != 0 && outcome.arguments.is_none(), "{}: any binary will do", job.name);
    }
}

#[test]
fn the_binary_understands_what_it_is_called_with() {
    if skipped() {
        return;
    }
    for job in jobs() {
        let arguments = Run::with(0).run(&job).arguments.unwrap();
        let named = |option: &str| arguments.iter().skip_while(|argument| *argument != option).nth(1);
        assert_eq!(
            named("--allowlist").map(String::as_str),
            Some("s3://inputs/ci/allowlist.yaml"),
            "{}",
            job.name
        );
        let here = tempfile::tempdir().unwrap();
        // Nobody is to be asked from here: what lies in S3 is a file that is not there.
        let arguments = arguments.iter().map(|argument| argument.replace("s3://", "nowhere/"));
        let output = Command::new(plimsoll().unwrap())
            .args(arguments)
            .current_dir(here.path())
            .env("XDG_CACHE_HOME", here.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{}: {said}", job.name);
        assert!(said.contains("nowhere/inputs/ci/policy.yaml"), "{}: {said}", job.name);
        assert!(
            here.path().join("plimsoll.sarif").exists(),
            "{}: SARIF is written of what was not judged, too",
            job.name
        );
    }
}

#[test]
fn reports_are_kept_also_of_what_failed() {
    if skipped() {
        return;
    }
    let [code_build, github, gitlab] = jobs();
    let asked = Run::with(1).run(&code_build).asked;
    assert!(asked.contains("plimsoll.sarif s3://reports/judge:1/plimsoll.sarif"), "{asked}");
    let text = text(github.name);
    assert!(text.contains("if: ${{ !cancelled() && hashFiles('plimsoll.sarif') != '' }}"), "{text}");
    let artifacts = &crate::scripts::recipe(gitlab.name)["judge"]["artifacts"];
    assert_eq!(artifacts["when"], "always");
    assert!(artifacts["paths"].as_array().unwrap().contains(&"plimsoll.sarif".into()));
}

#[test]
fn private_registries_are_logged_in_to_without_docker() {
    if skipped() {
        return;
    }
    use base64::Engine as _;
    let [code_build, _, gitlab] = jobs();
    for (job, login) in [(code_build, "AWS:hunter2"), (gitlab, "user:hunter2")] {
        let outcome = Run::with(0).run(&job);
        let config: serde_json::Value = serde_json::from_str(&outcome.login.expect("a login")).unwrap();
        let auth = base64::engine::general_purpose::STANDARD.encode(login);
        assert_eq!(config["auths"]["registry.example"]["auth"], auth, "{}", job.name);
    }
}

#[test]
fn no_recipe_lets_a_failure_pass() {
    let names = names();
    assert_eq!(names.len(), 5, "{names:?}");
    for name in names {
        for line in text(&name).lines().filter(|line| !line.trim_start().starts_with('#')) {
            for way_out in ["|| true", "|| :", "continue-on-error", "allow_failure", "set +e", "CONTINUE"] {
                assert!(!line.contains(way_out), "{name}: {line}");
            }
        }
    }
}

#[test]
fn options_in_the_readme_are_options() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut commands = 0;
    for command in readme.split('`').filter(|code| code.starts_with("plimsoll ")) {
        commands += 1;
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let path =
            words.iter().take_while(|word| word.chars().all(|letter| letter.is_ascii_lowercase())).take(2);
        let output = Command::new(plimsoll().unwrap()).args(path).arg("--help").output().unwrap();
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !help.is_empty(), "`{command}`: {output:?}");
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "`{command}`: there is no {option}");
        }
    }
    assert!(commands >= 4, "only {commands} commands are found");
}
