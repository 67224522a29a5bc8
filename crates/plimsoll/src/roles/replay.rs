//! `plimsoll replay`: is a verdict what its inputs say?

use std::process::ExitCode;

use plimsoll_fleet::replay::replay;
use plimsoll_fleet::{Engine, EngineLimits};

use super::args::ReplayArgs;
use super::{parts, rules};
use crate::failure::Failure;

/// Exit code 0 if the same bytes come out, 3 if others do, or none.
pub(super) async fn run(arguments: ReplayArgs) -> Result<ExitCode, Failure> {
    let store = parts::existing_store(&arguments.store.url).await?;
    let engine = Engine::new(store, EngineLimits::default());
    let rules = rules::load(&arguments.rules).await?;
    let replayed = replay(&engine, arguments.verdict, &rules).await?;
    if let Some(version) = &replayed.other_engine {
        eprintln!(
            "plimsoll: the verdict was computed by version {version}, this is {}",
            env!("CARGO_PKG_VERSION")
        );
    }
    if replayed.same {
        println!("{} comes out again, byte for byte", arguments.verdict);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} does not come out again: now it is {}", arguments.verdict, replayed.document.digest);
    Ok(ExitCode::from(3))
}
