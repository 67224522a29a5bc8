//! Places where a process can be told to die, for tests of what a death leaves behind.
//!
//! [`failpoint!`](crate::failpoint) marks a place. Without the feature `failpoints` it is nothing at all; with it, two
//! variables of the environment say what happens:
//!
//! - `PLIMSOLL_FAILPOINTS=NAME=PASS[*TIMES],…`: the process kills itself, as `kill -9` would, at its PASS-th pass of the
//!   place NAME, and at every PASS-th one after that if it lives on; all processes with one log together do so TIMES times
//!   (once).
//! - `PLIMSOLL_FAILPOINTS_LOG=FILE`: the log. A line `NAME PID` is in it before the process is dead.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Signal, getpid, kill_process};

const POINTS: &str = "PLIMSOLL_FAILPOINTS";
const LOG: &str = "PLIMSOLL_FAILPOINTS_LOG";

/// A place that was named.
struct Point {
    pass: u64,
    times: usize,
    passed: AtomicU64,
}

struct Armed {
    points: BTreeMap<String, Point>,
    log: Option<PathBuf>,
    /// Held while the log is read and written.
    hitting: Mutex<()>,
}

/// Passes a place, and may not come back.
pub fn die_at(name: &str) {
    if is_hit(name) {
        // No destructor runs and no buffer is flushed, as with a power cut.
        let _ = kill_process(getpid(), Signal::KILL);
        std::process::abort();
    }
}

/// Passes a place; true if something is to go wrong here, which the caller sees to.
pub fn is_hit(name: &str) -> bool {
    static ARMED: OnceLock<Armed> = OnceLock::new();
    let armed = ARMED.get_or_init(|| {
        let points = std::env::var(POINTS).unwrap_or_default();
        let points = parse(&points).unwrap_or_else(|why| {
            eprintln!("plimsoll: {POINTS}: {why}");
            std::process::exit(64);
        });
        Armed { points, log: std::env::var_os(LOG).map(PathBuf::from), hitting: Mutex::default() }
    });
    armed.is_hit(name)
}

impl Armed {
    fn is_hit(&self, name: &str) -> bool {
        let Some(point) = self.points.get(name) else { return false };
        let pass = point.passed.fetch_add(1, Ordering::Relaxed) + 1;
        if pass % point.pass != 0 {
            return false;
        }
        let _one_at_a_time = self.hitting.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a log nobody counts beyond this process, which does it once.
        let Some(log) = &self.log else { return pass == point.pass };
        let so_far = fs::read_to_string(log).unwrap_or_default();
        let hits = so_far.lines().filter(|line| line.split(' ').next() == Some(name)).count();
        if hits >= point.times {
            return false;
        }
        let line = format!("{name} {}\n", std::process::id());
        let written = OpenOptions::new().create(true).append(true).open(log).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            file.sync_data()
        });
        if let Err(error) = &written {
            eprintln!("plimsoll: {LOG}: {}: {error}", log.display());
        }
        // What nobody could count did not happen.
        written.is_ok()
    }
}

fn parse(points: &str) -> Result<BTreeMap<String, Point>, String> {
    points
        .split(',')
        .filter(|point| !point.is_empty())
        .map(|text| {
            let wrong = || format!("{text:?} is not NAME=PASS[*TIMES]");
            let (name, count) = text.split_once('=').ok_or_else(wrong)?;
            let (pass, times) = count.split_once('*').unwrap_or((count, "1"));
            let pass = pass.parse().ok().filter(|pass| *pass > 0).ok_or_else(wrong)?;
            let times = times.parse().map_err(|_| wrong())?;
            Ok((name.to_owned(), Point { pass, times, passed: AtomicU64::new(0) }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed(points: &str, log: Option<PathBuf>) -> Armed {
        Armed { points: parse(points).unwrap(), log, hitting: Mutex::default() }
    }

    #[test]
    fn a_point_is_hit_at_the_pass_that_was_named_and_no_other() {
        let armed = armed("a/b=2,c=1", None);
        assert_eq!([(); 4].map(|()| armed.is_hit("a/b")), [false, true, false, false]);
        assert!(armed.is_hit("c") && !armed.is_hit("d"));
    }

    #[test]
    fn processes_with_one_log_hit_a_point_so_many_times_together_and_say_so_first() {
        let log = std::env::temp_dir().join(format!("plimsoll-failpoints-{}", std::process::id()));
        let hits = [(); 4].map(|()| armed("a=1*2,b=1", Some(log.clone())).is_hit("a"));
        assert_eq!(hits, [true, true, false, false]);
        let lives_on = armed("c=2*2", Some(log.clone()));
        assert_eq!([(); 7].map(|()| lives_on.is_hit("c")), [false, true, false, true, false, false, false]);
        assert!(armed("b=1", Some(log.clone())).is_hit("b"));
        let pid = std::process::id();
        assert_eq!(
            fs::read_to_string(&log).unwrap(),
            format!("a {pid}\na {pid}\nc {pid}\nc {pid}\nb {pid}\n")
        );
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn what_names_no_point_is_refused() {
        for wrong in ["a", "a=", "a=0", "a=x", "a=1*", "a=1*x"] {
            assert!(parse(wrong).is_err_and(|why| why.contains("NAME=PASS")), "{wrong}");
        }
    }
}
