//! The images of other projects' tests, whole and broken: whatever they are, a scan ends in an answer, and what could not
//! be read leaves nothing in the store.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde_json::Value;

const VARIABLE: &str = "PLIMSOLL_TEST_DATA";

/// How the scan of one reference ended.
struct Outcome {
    code: Option<i32>,
    stderr: String,
    report: Value,
}

#[test]
fn every_image_of_the_test_data_ends_in_an_answer() {
    let Some(data) = std::env::var_os(VARIABLE) else {
        println!("skipped: {VARIABLE} names no test data");
        return;
    };
    let references = references(&PathBuf::from(data).join("images")).expect("test data that can be listed");
    let binary = plimsoll_tests::binary::plimsoll().expect("the binary to test");
    let (mut read, mut broken, mut faults) = (0, 0, Vec::new());
    for reference in &references {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let outcome = scan(&binary, reference, directory.path());
        if outcome.report["error"].is_null() {
            read += 1;
        } else {
            broken += 1;
        }
        let fault = fault(&outcome).or_else(|| residue(&outcome, &binary, reference, directory.path()));
        faults.extend(fault.map(|fault| format!("{}: {fault}", reference.to_string_lossy())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(read > 0 && broken > 0, "{read} images were read, and {broken} were not: that is no test");
}

/// What is wrong with an outcome, if anything.
fn fault(outcome: &Outcome) -> Option<String> {
    let Outcome { code, stderr, report } = outcome;
    if stderr.contains("panicked") || report["error"]["kind"] == "panic" {
        return Some(format!("panicked: {stderr}"));
    }
    let Some(code @ 0..=3) = *code else { return Some(format!("ended with {code:?}: {stderr}")) };
    if report["schema"] != "plimsoll.report/v1" || report["verdict"]["exit_code"] != code {
        return Some(format!("exit code {code}, but the report is {report}"));
    }
    let is_told = code == 3 && stderr.lines().count() == 1;
    (!report["error"].is_null() && !is_told).then(|| format!("an error, exit code {code}: {stderr}"))
}

/// What a failed scan has left in the store that must not be there: a layer its error names, or anything that would let
/// the next scan succeed.
fn residue(outcome: &Outcome, binary: &Path, reference: &OsString, directory: &Path) -> Option<String> {
    let error = &outcome.report["error"];
    if error.is_null() {
        return None;
    }
    let stored = files(&directory.join("store")).unwrap_or_default();
    let message = error["message"].as_str().unwrap_or_default();
    let evidence = |path: &&PathBuf| ["layers", "blobs"].iter().any(|part| has_component(path, part));
    let named = |path: &&PathBuf| {
        let names = path.iter().filter_map(|name| name.to_str());
        names.filter(|name| name.len() >= 64).any(|name| message.contains(name))
    };
    if let Some(path) = stored.iter().filter(evidence).find(named) {
        return Some(format!("{} is left of what is broken: {message}", path.display()));
    }
    let again = scan(binary, reference, directory);
    (again.report["error"] != *error).then(|| format!("a second scan ends with {}", again.report["error"]))
}

fn has_component(path: &Path, name: &str) -> bool {
    path.iter().any(|component| component == name)
}

/// Scans with the store in `directory`.
fn scan(binary: &Path, reference: &OsString, directory: &Path) -> Outcome {
    let report = directory.join("report.json");
    let mut format = OsString::from("json=");
    format.push(&report);
    let mut command = Command::new(binary);
    command.env_clear().env("HOME", directory).args(["scan", "--quiet", "--format"]).arg(format);
    let output = command.arg("--store").arg(directory.join("store")).arg(reference).output();
    let output = output.expect("plimsoll runs");
    let text = fs::read(&report).unwrap_or_default();
    Outcome {
        code: output.status.code(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        report: serde_json::from_slice(&text).unwrap_or_default(),
    }
}

/// Every way to read each file and directory below `images`: a tar as either kind of archive, a directory with an
/// `oci-layout` as a layout, and any directory as a root filesystem.
fn references(images: &Path) -> io::Result<Vec<OsString>> {
    let mut references = Vec::new();
    for file in files(images)? {
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        if file.ends_with("oci-layout") {
            references.extend(file.parent().map(|directory| reference("oci:", directory)));
        } else if matches!(&*extension, "tar" | "gz" | "zst" | "db") {
            references.push(reference("docker-archive:", &file));
            references.push(reference("oci-archive:", &file));
        }
    }
    let parents = files(images)?.into_iter().filter_map(|file| file.parent().map(Path::to_path_buf));
    let directories: std::collections::BTreeSet<_> = parents.collect();
    references.extend(directories.iter().map(|directory| reference("rootfs:", directory)));
    // A file that is no directory is an answer too.
    references.extend(files(images)?.first().map(|file| reference("rootfs:", file)));
    Ok(references)
}

fn reference(transport: &str, path: &Path) -> OsString {
    let mut reference = OsString::from(transport);
    reference.push(path);
    reference
}

/// Every file below a directory.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
