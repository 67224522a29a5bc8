//! The `plimsoll` that scenarios and the demonstration run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The variable that names another binary.
const VARIABLE: &str = "PLIMSOLL_BIN";

/// Path of the binary: the one `PLIMSOLL_BIN` names, or the one beside this program, which is built if it is not there.
pub fn plimsoll() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE) {
        let path = PathBuf::from(path);
        ensure!(path.is_file(), "{VARIABLE} names {}, which is not there", path.display());
        return Ok(path);
    }
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let directory = this.parent().context("this program is in no directory")?;
    // Tests are in `deps`, below the programs.
    let directory =
        if directory.ends_with("deps") { directory.parent().unwrap_or(directory) } else { directory };
    let path = directory.join("plimsoll");
    if !path.is_file() {
        build(directory)?;
    }
    ensure!(path.is_file(), "cargo built no {}; name the binary in {VARIABLE}", path.display());
    Ok(path)
}

fn build(directory: &Path) -> anyhow::Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--package", "plimsoll"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    if let Some(target) = directory.parent() {
        cargo.env("CARGO_TARGET_DIR", target);
    }
    let status = cargo.status().context("cannot run cargo to build plimsoll")?;
    ensure!(status.success(), "cargo could not build plimsoll");
    Ok(())
}
