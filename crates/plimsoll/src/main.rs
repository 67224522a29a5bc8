//! Judges container images: may this run?
//!
//! The binary only: what it does is in `plimsoll-fleet` and below. Exit codes: 0 pass, 1 fail, 2 warn, 3 not
//! judged, 64 usage.

mod cli;
mod client;
mod db;
mod exit;
mod failure;
mod gc;
mod healthcheck;
mod inputs;
mod output;
mod policy;
mod progress;
mod roles;
mod scan;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

/// Touching fresh memory is what a verdict on known layers spends most on: this allocator uses huge pages where
/// the kernel has them. How it is set stands in `.cargo/config.toml`.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    match cli.command {
        Command::Scan(arguments) => exit::or_panicked(|| scan::run(*arguments)),
        Command::Db(command) => exit::or_panicked(|| db::run(command)),
        Command::Policy(command) => exit::or_panicked(|| policy::run(command)),
        Command::Role(command) => roles::run(command),
        Command::Gc(arguments) => gc::run(arguments),
        Command::Healthcheck(arguments) => exit::or_panicked(|| healthcheck::run(&arguments)),
        Command::Client(command) => client::run(command),
    }
}
