//! The command line of `plan` and `crawl`.

use std::time::Duration;

use clap::Args;

use crate::client::args::ServerArgs;

const PLAN_HELP: &str = "\
Exit codes
  0 everything was looked at   3 it was given up   64 usage

Examples
  plimsoll plan registry.example
  plimsoll plan --include 'team-a/**' --newest 5 registry.example";

/// Says what judging a whole registry would take, before anything is pulled: images, distinct layers, what they share, what is
/// known already, bytes to pull. A coordinator asks the registry; manifests are read, and nothing is submitted.
#[derive(Debug, Args)]
#[command(after_help = PLAN_HELP)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(super) looking: Looking,
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

const CRAWL_HELP: &str = "\
Without --wait the id of the crawl is printed and the exit code is 0 once it is stored; `plimsoll status --crawl ID` says
how far it is. With it:
  0 everything was looked at, and every scan has ended   3 it was given up   64 usage

Examples
  plimsoll crawl registry.example
  plimsoll crawl --wait --exclude '**:*-dev' --max-age 90d registry.example
  plimsoll crawl --repository library/nginx --repository library/redis docker.io";

/// Has every image of a registry judged, in lane backfill. What was asked for before, by whomever, is not asked for again, so
/// repeating it finds what events have not told.
#[derive(Debug, Args)]
#[command(after_help = CRAWL_HELP)]
pub(crate) struct CrawlArgs {
    #[command(flatten)]
    pub(super) looking: Looking,
    #[command(flatten)]
    pub(super) asking: Asking,

    /// Wait until everything was looked at and every scan has ended
    #[arg(long)]
    pub(super) wait: bool,

    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// What is looked at.
#[derive(Debug, Args)]
pub(super) struct Looking {
    /// HOST[:PORT]
    pub(super) registry: String,

    /// Repository to look at; may be given again [default: those in the registry's catalogue]
    #[arg(long, value_name = "NAME")]
    pub(super) repository: Vec<String>,

    /// Only what a glob over REPOSITORY or REPOSITORY:TAG fits; may be given again
    #[arg(long, value_name = "GLOB")]
    pub(super) include: Vec<String>,

    /// Not what a glob over REPOSITORY or REPOSITORY:TAG fits; may be given again
    #[arg(long, value_name = "GLOB")]
    pub(super) exclude: Vec<String>,

    /// Only so many tags of each repository, those whose images were made last
    #[arg(long, value_name = "N")]
    pub(super) newest: Option<u32>,

    /// Only images made at most so long ago, for example 36h or 90d
    #[arg(long, value_name = "DURATION", value_parser = crate::gc::duration)]
    pub(super) max_age: Option<Duration>,

    /// Look at so many tags of one repository at most [default: 100000]
    #[arg(long, value_name = "N")]
    pub(super) max_tags: Option<u32>,
}

/// How it is asked for.
#[derive(Debug, Args)]
pub(super) struct Asking {
    /// Send at most so many requests a second to the registry [default: as the server has it]
    #[arg(long, value_name = "N")]
    pub(super) rate: Option<u32>,

    /// Name of the registry credential to pull with
    #[arg(long, value_name = "NAME")]
    pub(super) credential: Option<String>,

    /// Let the server speak plain HTTP to the registry
    #[arg(long)]
    pub(super) plain_http: bool,

    /// Key that makes repeating this request harmless [default: a random one]
    #[arg(long, value_name = "KEY")]
    pub(super) idempotency_key: Option<String>,

    /// Show no progress
    #[arg(long, short)]
    pub(super) quiet: bool,
}
