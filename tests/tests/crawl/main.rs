//! Whole registries, worked through by a fleet of one process that is killed in the middle of it.
//!
//! `make test` runs small ones, `make crawl` the ones that are meant; what `parameters.rs` names changes them.

mod dropped;
mod fleet;
mod generated;
mod hostile;
mod parameters;
#[path = "../../load/processor.rs"]
mod processor;
mod whole;

use std::time::{Duration, Instant};

/// Looks until there is something, or panics.
#[track_caller]
fn wait_for<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {} s for {what}", patience.as_secs());
        // Another process is waited for: it tells nobody.
        std::thread::sleep(Duration::from_millis(50));
    }
}
