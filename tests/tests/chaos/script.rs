//! What happens, and when.

use std::time::{Duration, Instant};

use crate::fleet::Fleet;
use crate::parameters::{Broker, Parameters};
use crate::process::Role;
use crate::{PATIENCE, points, wait_for};

/// How long work to interrupt is looked for before more is given out.
const LOOK: Duration = Duration::from_secs(3);

/// One event.
#[derive(Clone, Copy, Debug)]
enum Act {
    Kill(Role),
    Restart(&'static str),
    Away,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Processes killed that held work.
    pub(crate) kills: usize,
    /// Services restarted.
    pub(crate) restarts: usize,
    /// How long it took from the first scan to the end of the last.
    pub(crate) seconds: u64,
}

/// Submits every image, and lets happen meanwhile what the seed says; then waits for the end.
pub(crate) fn play(parameters: &Parameters, fleet: &mut Fleet) -> Outcome {
    let began = Instant::now();
    let mut outcome = Outcome::default();
    let acts = acts(parameters);
    fleet.services.faults.fail(Some(10));
    let mut submitted = 0;
    for (number, act) in acts.iter().enumerate() {
        // A share is left after the last act, for kills that find no work.
        let share = (parameters.scans - submitted) / (acts.len() + 1 - number);
        for _ in 0..share {
            fleet.submit(submitted);
            submitted += 1;
        }
        if submitted * 2 > parameters.scans {
            fleet.hit_at_once();
        }
        match act {
            Act::Kill(role) => outcome.kills += usize::from(kill(parameters, fleet, *role, &mut submitted)),
            Act::Restart(service) => outcome.restarts += usize::from(fleet.restart(service)),
            Act::Away => {
                fleet.services.faults.be_away(true);
                std::thread::sleep(Duration::from_secs(parameters.away));
                fleet.services.faults.be_away(false);
            }
        }
    }
    for scan in submitted..parameters.scans {
        fleet.submit(scan);
    }
    wait_for("every scan to end", PATIENCE, || {
        let ended = "SELECT COUNT(*) FROM scans WHERE ended_at IS NOT NULL";
        (fleet.services.number(ended)? as usize >= parameters.scans).then_some(())
    });
    outcome.seconds = began.elapsed().as_secs();
    println!(
        "chaos: {} s, {} restarts, store {:?}, failpoints {:?}",
        outcome.seconds,
        outcome.restarts,
        fleet.services.faults.failures(),
        points::hits(&fleet.failpoints()),
    );
    outcome
}

/// Everything that is to happen, in an order drawn by lot.
fn acts(parameters: &Parameters) -> Vec<Act> {
    // What is killed most is what there is most of.
    let roles = [Role::Worker, Role::Aggregator, Role::Worker, Role::Coordinator, Role::Worker];
    let mut acts: Vec<_> = roles.iter().copied().cycle().take(parameters.kills).map(Act::Kill).collect();
    if parameters.queue == Broker::Amqp {
        acts.extend(vec![Act::Restart("rabbitmq"); parameters.broker_restarts]);
    }
    acts.extend(vec![Act::Restart("postgres"); parameters.state_restarts]);
    if parameters.away > 0 {
        acts.push(Act::Away);
    }
    fastrand::Rng::with_seed(parameters.seed).shuffle(&mut acts);
    acts
}

/// Kills a process that holds work. Where none of this role does, more work is given out, and in the end another role
/// will do.
fn kill(parameters: &Parameters, fleet: &Fleet, role: Role, submitted: &mut usize) -> bool {
    loop {
        if kill_within(LOOK, fleet, &[role]) {
            return true;
        }
        if *submitted == parameters.scans {
            return kill_within(LOOK, fleet, &[Role::Worker, Role::Aggregator, Role::Coordinator]);
        }
        fleet.submit(*submitted);
        *submitted += 1;
    }
}

/// Kills the first process of these roles that is seen to hold work.
fn kill_within(patience: Duration, fleet: &Fleet, roles: &[Role]) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if roles.iter().any(|role| fleet.kill_one(*role)) {
            return true;
        }
        // Processes are looked at from outside: they tell nobody.
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}
