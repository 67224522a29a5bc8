//! `inputs.sh`, which brings the files of a role, run with an `aws` that is ours.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A place with an `aws` that copies from a directory, and writes down what it was asked.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        for name in ["bin", "bucket", "inputs", "scratch"] {
            fs::create_dir(place.path(name)).expect("it is made");
        }
        let aws = format!(
            "#!/bin/sh\necho \"$*\" >>'{0}/asked'\n[ ! -e '{0}/away' ] || exit 1\ncp -R '{0}/bucket/.' \"$6\"\n",
            place.directory.path().display()
        );
        fs::write(place.path("bin/aws"), aws).expect("it is written");
        fs::set_permissions(place.path("bin/aws"), fs::Permissions::from_mode(0o755))
            .expect("it is a program");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(&self) -> Running {
        let script = crate::configuration::root().join("modules/fleet/service/inputs.sh");
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let child = Command::new("/bin/sh")
            .arg(script)
            .env_clear()
            .env("PATH", path)
            .env("INPUTS", self.path("inputs"))
            .env("SCRATCH", self.path("scratch"))
            .env("INPUTS_URL", "s3://evidence/inputs/worker/")
            .env("INPUTS_SECONDS", "1")
            .env("INPUTS_SECRETS", "hub")
            .env("INPUT_hub", "{\"auths\":{}}")
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        Running(child)
    }
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Waits for what another process does.
fn until(what: &str, happened: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < deadline, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn holds(file: &Path, text: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|found| found.trim_end() == text)
}

#[test]
fn files_and_secrets_are_there_before_the_role_starts_and_new_ones_come() {
    let place = Place::new();
    fs::write(place.path("bucket/osv.plimsoll"), "old").unwrap();
    let _running = place.start();
    until("the start", || place.path("inputs/.ready").exists());
    assert!(holds(&place.path("inputs/osv.plimsoll"), "old"));
    assert!(holds(&place.path("inputs/secrets/hub"), "{\"auths\":{}}"));
    let mode = fs::metadata(place.path("scratch")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o1777, "the role, who is not root, can write there");
    let asked = fs::read_to_string(place.path("asked")).unwrap();
    assert!(
        asked.starts_with("s3 sync --only-show-errors --exact-timestamps s3://evidence/inputs/worker/ "),
        "{asked}"
    );

    fs::write(place.path("bucket/osv.plimsoll"), "new").unwrap();
    until("the next look", || holds(&place.path("inputs/osv.plimsoll"), "new"));
}

#[test]
fn without_its_files_a_role_does_not_start() {
    let place = Place::new();
    fs::write(place.path("away"), "").unwrap();
    let mut running = place.start();
    let ended = running.0.wait().unwrap();
    assert!(!ended.success() && !place.path("inputs/.ready").exists());
}

#[test]
fn a_bucket_that_is_away_for_a_while_takes_nothing_from_a_role() {
    let place = Place::new();
    fs::write(place.path("bucket/osv.plimsoll"), "old").unwrap();
    let mut running = place.start();
    until("the start", || place.path("inputs/.ready").exists());
    let looks = || fs::read_to_string(place.path("asked")).unwrap().lines().count();
    fs::write(place.path("away"), "").unwrap();
    let before = looks();
    until("looks in vain", || looks() >= before + 2);
    assert!(running.0.try_wait().unwrap().is_none(), "it is still there");
    fs::write(place.path("bucket/osv.plimsoll"), "new").unwrap();
    fs::remove_file(place.path("away")).unwrap();
    until("the bucket is back", || holds(&place.path("inputs/osv.plimsoll"), "new"));
}
