//! A fleet of processes over real services, all of which fail: whatever dies, every scan ends in its one verdict.
//!
//! `make test` runs a small one, `make chaos` the one that is meant; what `parameters.rs` names changes it. Which process
//! is killed when, which request fails and where a process dies by itself follows from a seed, as far as processes that
//! run at the same time follow anything.

mod checks;
mod fleet;
mod images;
mod parameters;
mod points;
mod process;
mod receiver;
mod script;
mod services;

use std::time::{Duration, Instant};

use parameters::Parameters;

/// Far longer than any part of it takes.
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn whatever_dies_every_scan_ends_in_its_one_verdict() {
    let parameters = match Parameters::from_env() {
        Ok(parameters) => parameters,
        Err(why) => panic!("{why}"),
    };
    let Some(services) = services::Services::find(&parameters) else { return };
    println!("chaos: {parameters:?}");
    let mut fleet = fleet::Fleet::start(&parameters, services);
    let outcome = script::play(&parameters, &mut fleet);
    let found = checks::check(&parameters, &mut fleet, &outcome);
    println!("{found}");
    assert_eq!(found.complaints(&parameters), Vec::<String>::new());
}

/// Looks until there is something, or panics.
fn wait_for<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {} s for {what}", patience.as_secs());
        // Other processes and servers are waited for: they tell nobody.
        std::thread::sleep(Duration::from_millis(20));
    }
}
