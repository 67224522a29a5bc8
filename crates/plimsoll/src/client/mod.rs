//! Commands that ask a server; and `token`, `deliveries` and `redeliver`, which work on the state the server reads.
//!
//! Exit codes are those of `scan`, so that a pipeline can replace one by the other: 0 pass, 1 fail, 2 warn, 3 not judged
//! or not answered, 64 usage. Standard output has the answer and nothing else.

mod args;
mod connect;
mod crawl;
mod deliveries;
mod history;
mod show;
mod status;
mod submit;
mod token;
mod trouble;
mod verdict;
mod watch;

use std::process::ExitCode;

pub(crate) use args::ClientCommand;
use trouble::Trouble;

/// Runs the command, and says in one line on standard error what went wrong and what to do.
pub(crate) fn run(command: ClientCommand) -> ExitCode {
    let answer = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(answer(command)),
        Err(error) => Err(Trouble::new(format!("no runtime: {error}"))),
    };
    match answer {
        Ok(code) => code,
        Err(trouble) => {
            eprintln!("plimsoll: {}", show::one_line(&trouble.to_string()));
            trouble.exit_code()
        }
    }
}

async fn answer(command: ClientCommand) -> Result<ExitCode, Trouble> {
    match command {
        ClientCommand::Submit(arguments) => submit::run(*arguments).await,
        ClientCommand::Status(arguments) => status::run(arguments).await,
        ClientCommand::Watch(arguments) => watch::run(arguments).await,
        ClientCommand::Cancel(arguments) => status::cancel(arguments).await,
        ClientCommand::Verdict(arguments) => verdict::run(arguments).await,
        ClientCommand::Plan(arguments) => crawl::plan(*arguments).await,
        ClientCommand::Crawl(arguments) => crawl::crawl(*arguments).await,
        ClientCommand::History(arguments) => history::run(arguments).await,
        ClientCommand::Token(command) => token::run(command).await,
        ClientCommand::Deliveries(arguments) => deliveries::list(arguments).await,
        ClientCommand::Redeliver(arguments) => deliveries::again(arguments).await,
    }
}
