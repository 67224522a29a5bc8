//! The roles of a fleet as processes: what is named on the command line becomes what the role works with.

mod args;
mod callbacks;
mod crawling;
mod health;
mod job;
mod parts;
mod replay;
mod rules;
mod serve;
mod stop;
mod triggers;

use std::process::ExitCode;

pub(crate) use args::RoleCommand;

use crate::failure::Failure;

/// Runs a role until it is told to stop. Exit code 0 then, 3 if it cannot start or go on.
pub(crate) fn run(command: RoleCommand) -> ExitCode {
    let (name, threads) = match &command {
        RoleCommand::Serve(_) => ("plimsoll", None),
        RoleCommand::Coordinator(_) => ("plimsoll-coordinator", None),
        RoleCommand::Worker(_) => ("plimsoll-worker", None),
        RoleCommand::Aggregator(_) => ("plimsoll-aggregator", None),
        // It reads one layer; its stages have threads of their own.
        RoleCommand::Job(_) => ("plimsoll-job", Some(1)),
        RoleCommand::Replay(_) => ("plimsoll-replay", None),
    };
    let outcome = runtime(threads).and_then(|runtime| {
        // Spans are exported by tasks of the runtime.
        let outcome = runtime.block_on(async {
            let telemetry = plimsoll_telemetry::Config::from_env(name)
                .and_then(|config| plimsoll_telemetry::init(&config))
                .map_err(|error| Failure::new("telemetry", error.to_string()))?;
            let outcome = Box::pin(role(command)).await;
            drop(telemetry);
            outcome
        });
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("plimsoll: {failure}");
            ExitCode::from(3)
        }
    }
}

fn runtime(threads: Option<usize>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(|error| Failure::new("internal", format!("no runtime: {error}")))
}

async fn role(command: RoleCommand) -> Result<ExitCode, Failure> {
    match command {
        RoleCommand::Serve(arguments) => Box::pin(serve::all(*arguments)).await?,
        RoleCommand::Coordinator(arguments) => serve::coordinator(*arguments).await?,
        RoleCommand::Worker(arguments) => serve::worker(*arguments).await?,
        RoleCommand::Aggregator(arguments) => serve::aggregator(*arguments).await?,
        RoleCommand::Job(arguments) => job::run(*arguments).await?,
        RoleCommand::Replay(arguments) => return replay::run(*arguments).await,
    }
    Ok(ExitCode::SUCCESS)
}
