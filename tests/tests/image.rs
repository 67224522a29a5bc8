//! `docker/image.sh` on the binary under test: the image is built where nothing can be pulled, and scans.

use std::process::Command;

/// How `image.sh` says that it cannot be done here.
const SKIPPED: i32 = 77;

#[test]
fn the_image_is_built_without_pulling_and_scans_as_somebody_who_is_not_root() {
    let binary = plimsoll_tests::binary::plimsoll().expect("the binary to test");
    let out = tempfile::tempdir().expect("a temporary directory");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docker/image.sh");
    let output = Command::new("sh").arg(script).arg(binary).env("OUT", out.path()).output().expect("sh runs");
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(SKIPPED) {
        return println!("{}", said.lines().last().unwrap_or("skipped: image.sh does not say why"));
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaints}");
    for proof in ["no other program, no shell", "it runs as 65532:65532", "it scans: ", "it serves, "] {
        assert!(said.contains(proof), "{proof:?} is missing: {said}");
    }
    assert!(out.path().join("plimsoll.tar").metadata().is_ok_and(|archive| archive.len() > 0));
}
