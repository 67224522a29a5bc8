//! `plimsoll gc`: the only command that deletes from a store.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use plimsoll_fleet::gc::{Config, Gc, Kind, LEAST_GRACE, Summary};

use crate::failure::Failure;

/// Deletes from a store what neither a retained verdict nor a live scan nor a known layer needs. A fleet may go on working
/// meanwhile, and this may be ended at any moment. Run it once a day.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// The store: a directory, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL", env = "PLIMSOLL_STORE")]
    store: String,

    /// The state that says what is needed: sqlite:FILE, or postgres://USER:PASSWORD@HOST/DATABASE. It has to be the only
    /// one of this store: what another one needs would be deleted
    #[arg(long, value_name = "URL", env = "PLIMSOLL_STATE", hide_env_values = true)]
    state: String,

    /// Leave alone what is younger, such as 36h or 7d; two days at least
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = grace)]
    grace: Duration,

    /// Forget scans that ended longer ago first, with their verdicts [default: none]
    #[arg(long, value_name = "DURATION", value_parser = retain)]
    retain: Option<Duration>,

    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

/// Exit code 0, or 3 if something failed: then what was not reached is there for the next run.
pub(crate) fn run(arguments: GcArgs) -> ExitCode {
    let dry_run = arguments.dry_run;
    match collect(arguments) {
        Ok(summary) => say(&summary, dry_run),
        Err(failure) => {
            eprintln!("plimsoll: {failure}");
            ExitCode::from(3)
        }
    }
}

fn collect(arguments: GcArgs) -> Result<Summary, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("internal", format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let telemetry = plimsoll_telemetry::Config::from_env("plimsoll-gc")
            .and_then(|config| plimsoll_telemetry::init(&config))
            .map_err(|error| Failure::new("telemetry", error.to_string()))?;
        let GcArgs { store, state, grace, retain, dry_run } = arguments;
        let state = plimsoll_state::connect_existing(&state).await;
        let gc = Gc {
            config: Config { grace, retain, dry_run, ..Config::default() },
            state: state.map_err(|error| Failure::new("state", format!("--state: {error}")))?,
            store: plimsoll_store::open_existing(&store).await?,
        };
        let summary = gc.run(SystemTime::now()).await?;
        drop(telemetry);
        Ok(summary)
    })
}

fn say(summary: &Summary, dry_run: bool) -> ExitCode {
    let mut out = std::io::stdout().lock();
    // Nobody is left to tell if standard output is closed, and the work is done.
    let _unheard = out.write_all(text(summary, dry_run).as_bytes());
    if summary.unreadable_documents > 0 {
        eprintln!(
            "plimsoll: {} documents of verdicts are missing or damaged; those verdicts cannot be replayed",
            summary.unreadable_documents
        );
    }
    if summary.ended_early {
        eprintln!("plimsoll: ended before everything was seen; run it again");
    }
    ExitCode::SUCCESS
}

fn text(summary: &Summary, dry_run: bool) -> String {
    let done = if dry_run { "to delete" } else { "deleted" };
    let mut lines = vec![format!("{:<12}{:>12}{:>12}{done:>12}{:>16}\n", "", "needed", "young", "bytes")];
    for kind in Kind::ALL {
        let counts = summary.of(*kind);
        lines.push(format!(
            "{kind:<12}{:>12}{:>12}{:>12}{:>16}\n",
            counts.needed, counts.young, counts.deleted, counts.bytes
        ));
    }
    if summary.forgotten > 0 {
        lines.push(format!("{} scans forgotten\n", summary.forgotten));
    }
    lines.concat()
}

fn grace(text: &str) -> Result<Duration, String> {
    let grace = duration(text)?;
    if grace < LEAST_GRACE {
        return Err(format!(
            "less than {} h: a scan under way might lose what it relies on",
            LEAST_GRACE.as_secs() / 3600
        ));
    }
    Ok(grace)
}

/// Images are looked at twice within an hour only if they are used.
fn retain(text: &str) -> Result<Duration, String> {
    let retain = duration(text)?;
    if retain < Duration::from_secs(24 * 60 * 60) {
        return Err("less than a day: what was judged today is not forgotten today".to_owned());
    }
    Ok(retain)
}

/// A number and a unit: 90s, 15m, 36h, 7d.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = |text: &str| {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(unit)
    };
    seconds(text).map(Duration::from_secs).ok_or_else(|| format!("{text:?} is no duration such as 36h or 7d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let day = 24 * 60 * 60;
        for (text, seconds) in [("90s", 90), ("15m", 900), ("36h", 36 * 3600), ("7d", 7 * day), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "d", "7", "7w", "-1d", "1.5h", "7é", "99999999999999999999d", "18446744073709551615d"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_grace_period_in_which_a_scan_could_lose_something_is_refused() {
        assert!(grace("47h").is_err());
        assert_eq!(grace("48h"), Ok(LEAST_GRACE));
        assert!(retain("23h").is_err() && retain("1d").is_ok());
    }
}
