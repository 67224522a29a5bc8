//! `make demo`: makes an image, serves it from a registry of its own, and lets `plimsoll` judge it.
//!
//! Exits 0 if the verdict is the one expected, which is *fail*.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail, ensure};
use plimsoll_tests::demo_image::DemoImage;
use plimsoll_tests::image::Image;
use plimsoll_tests::registry::Registry;

const REPOSITORY: &str = "demo/app";
/// The exit code of a verdict that is *fail*.
const FAIL: i32 = 1;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let plimsoll = plimsoll_tests::binary::plimsoll()?;
    let work = tempfile::tempdir().context("cannot make a temporary directory")?;
    let demo = DemoImage::build()?;
    let registry = Registry::start().context("cannot listen on 127.0.0.1")?;
    let database = build_database(&plimsoll, work.path())?;
    let scanner = Scanner { plimsoll, store: work.path().join("store"), database };

    let first = registry.push(REPOSITORY, "1", &demo.first);
    say(&format!(
        "{first}: a Debian 12 of July 2023 with Python, Node, Java, Go and Rust in it, in six layers"
    ));
    let code = scanner.scan(&first)?;
    ensure!(code == FAIL, "expected the verdict fail (exit code {FAIL}), got exit code {code}");
    pulled(&registry, &demo.first, 6)?;

    registry.clear_requests();
    let second = registry.push(REPOSITORY, "2", &demo.second);
    say(&format!(
        "{second}: the same six layers, one that upgrades curl, one that deletes; only those two are pulled"
    ));
    let code = scanner.scan(&second)?;
    ensure!(code == FAIL, "expected the verdict fail (exit code {FAIL}), got exit code {code}");
    pulled(&registry, &demo.second, 2)?;
    say("both verdicts are the expected one: this image may not run");
    Ok(())
}

struct Scanner {
    plimsoll: PathBuf,
    store: PathBuf,
    database: PathBuf,
}

impl Scanner {
    fn scan(&self, reference: &str) -> anyhow::Result<i32> {
        let mut command = Command::new(&self.plimsoll);
        command.arg("scan").arg(reference).arg("--store").arg(&self.store).arg("--db").arg(&self.database);
        run_command(&mut command)
    }
}

/// Builds the snapshot of the advisories that come with the repository.
fn build_database(plimsoll: &Path, work: &Path) -> anyhow::Result<PathBuf> {
    let advisories = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/knowledge/demo");
    let database = work.join("demonstration.db");
    let mut command = Command::new(plimsoll);
    let code = run_command(command.args(["db", "build", "--out"]).arg(&database).arg(advisories))?;
    ensure!(code == 0, "`plimsoll db build` ended with exit code {code}");
    Ok(database)
}

fn run_command(command: &mut Command) -> anyhow::Result<i32> {
    let program = command.get_program().to_owned();
    let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
    match status.code() {
        Some(code) => Ok(code),
        None => bail!("{} was killed ({status})", program.display()),
    }
}

/// Checks that just so many layer blobs left the registry.
fn pulled(registry: &Registry, image: &Image, expected: usize) -> anyhow::Result<()> {
    let pulled = registry.layer_pulls(image).iter().filter(|pulls| **pulls > 0).count();
    ensure!(pulled == expected, "{pulled} of {} layers were pulled, not {expected}", image.layers.len());
    Ok(())
}

/// One line between what `plimsoll` prints.
fn say(text: &str) {
    println!("\n--- {text}");
}
