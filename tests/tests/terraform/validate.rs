//! What Terraform itself says, where it and the provider are.
//!
//! `PLIMSOLL_TERRAFORM_PLUGINS` names a directory with providers, laid out as a filesystem mirror; without it a place where
//! machines have one is taken, or else Terraform gets them as it is set up to.

use std::path::Path;
use std::process::{Command, Output};

use crate::configuration::{Module, root};

const PLUGINS: &str = "PLIMSOLL_TERRAFORM_PLUGINS";

/// Where a machine without a network may have a mirror.
const MIRROR: &str = "/opt/tf-plugins";

/// Terraform, or why there is none.
fn terraform() -> Result<(), String> {
    match Command::new("terraform").arg("version").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("terraform does not work: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("terraform cannot be run: {error}")),
    }
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("terraform");
    command.args(arguments).current_dir(directory);
    // What somebody keeps below this directory stays as it is.
    command.env("CHECKPOINT_DISABLE", "1").env("TF_IN_AUTOMATION", "1");
    command.output().expect("terraform runs")
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

#[test]
fn everything_is_formatted_as_terraform_does() {
    if let Err(why) = terraform() {
        println!("skipped: {why}");
        return;
    }
    let output = run(&root(), &["fmt", "-check", "-recursive", "-diff"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn everything_is_valid_to_terraform() {
    if let Err(why) = terraform() {
        println!("skipped: {why}");
        return;
    }
    // A copy, since Terraform writes beside what it reads.
    let copy = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-R").arg(root().join(".")).arg(copy.path()).status().unwrap();
    assert!(copied.success());
    let all = root().canonicalize().unwrap();
    let mirror = || Path::new(MIRROR).is_dir().then(|| MIRROR.to_owned());
    let plugins = std::env::var(PLUGINS).ok().or_else(mirror);
    // Whoever validates these validates every module there is.
    for module in Module::all().into_iter().filter(|module| module.name().starts_with("examples/")) {
        let directory = copy.path().join(module.path.strip_prefix(&all).unwrap());
        let mirror = plugins.as_ref().map(|plugins| format!("-plugin-dir={plugins}"));
        let mut init = vec!["init", "-backend=false", "-input=false", "-no-color"];
        init.extend(mirror.as_deref());
        let output = run(&directory, &init);
        if !output.status.success() {
            let text = said(&output);
            // A provider that cannot be had says nothing about what is written here; everything else does.
            let no_provider = text.contains("Failed to query available provider packages")
                || text.contains("Failed to install provider");
            assert!(no_provider && plugins.is_none(), "{}: {text}", module.name());
            println!(
                "skipped: terraform has no provider for AWS here; {PLUGINS} can name a directory with one"
            );
            return;
        }
        let output = run(&directory, &["validate", "-no-color"]);
        assert!(output.status.success(), "{}: {}", module.name(), said(&output));
    }
}
