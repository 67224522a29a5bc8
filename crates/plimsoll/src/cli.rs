//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use plimsoll_types::{BlindKind, ImageSource, Platform};

use crate::client::ClientCommand;
use crate::gc::GcArgs;
use crate::healthcheck::HealthcheckArgs;
use crate::output::Target;
use crate::roles::RoleCommand;

/// Judges container images: may this run?
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, about, max_term_width = 110, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge one image
    Scan(Box<ScanArgs>),
    /// Build and inspect knowledge snapshots
    #[command(subcommand)]
    Db(DbCommand),
    /// Print, check and describe policies
    #[command(subcommand)]
    Policy(PolicyCommand),
    #[command(flatten)]
    Role(RoleCommand),
    /// Delete from a store what nothing needs any more
    Gc(GcArgs),
    /// Ask a role on this machine whether it lives
    Healthcheck(HealthcheckArgs),
    #[command(flatten)]
    Client(ClientCommand),
}

const SCAN_HELP: &str = "\
IMAGE is one of
  [REGISTRY/]REPOSITORY[:TAG][@DIGEST]   from a registry (Docker's config.json and credential helpers are used)
  oci:DIR[:TAG]                          an OCI image layout
  oci-archive:FILE[:TAG]                 an OCI image layout in a tar
  docker-archive:FILE[:REFERENCE]        what `docker save` writes
  rootfs:DIR                             a directory, as one layer

Exit codes
  0 pass   1 fail   2 warn   3 not judged (the reason is on standard error and in the JSON)   64 usage

Examples
  plimsoll db build --out osv.plimsoll all.zip
  plimsoll scan --db osv.plimsoll debian:bookworm
  plimsoll scan --db osv.plimsoll --format table --format json=report.json --format sarif=report.sarif app:1.2";

/// Judges one image: pulls the layers nobody has analyzed yet, merges what is in them, matches it against the
/// knowledge snapshot and applies the policy.
#[derive(Debug, Args)]
#[command(after_help = SCAN_HELP)]
pub(crate) struct ScanArgs {
    /// The image
    pub(crate) image: ImageSource,

    /// Platform to judge where the image has several [default: linux on this machine's architecture]
    #[arg(long, value_name = "P")]
    pub(crate) platform: Option<Platform>,

    /// Policy to judge by, a file or s3://BUCKET/KEY [default: the one `plimsoll policy default` prints]
    #[arg(long, value_name = "FILE|URL", env = "PLIMSOLL_POLICY")]
    pub(crate) policy: Option<String>,

    /// Allowlist to apply, a file, an https URL or s3://BUCKET/KEY; may be given again
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) allowlist: Vec<String>,

    /// Knowledge snapshot, as `plimsoll db build` writes it
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB")]
    pub(crate) db: Option<PathBuf>,

    /// Report to write: table, json, cyclonedx-json or sarif, to standard output or to FILE; may be given again
    #[arg(long, value_name = "F[=FILE]", default_value = "table")]
    pub(crate) format: Vec<Target>,

    /// Where the evidence of layers is kept between scans: a directory, or s3://BUCKET/PREFIX [default: plimsoll in the
    /// user's cache directory]
    #[arg(long, value_name = "DIR|URL", env = "PLIMSOLL_STORE")]
    pub(crate) store: Option<String>,

    /// Also write the verdict document to FILE: canonical JSON, byte for byte what a fleet keeps of the same verdict
    #[arg(long, value_name = "FILE")]
    pub(crate) document: Option<PathBuf>,

    /// Exit code for the verdict warn (it never changes that of not judged)
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) warn_exit_code: u8,

    /// Judge in spite of a kind of blind spot; may be given again
    #[arg(long, value_name = "KIND", value_parser = blind_kind)]
    pub(crate) allow_blind: Vec<BlindKind>,

    /// The instant the verdict holds for, RFC 3339 [default: now]
    #[arg(long, value_name = "T", value_parser = instant)]
    pub(crate) clock: Option<Timestamp>,

    /// Speak plain HTTP to the registry (loopback addresses are spoken to in plain HTTP anyway)
    #[arg(long)]
    pub(crate) plain_http: bool,

    /// When to colour the table
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Make one snapshot of OSV records
    Build {
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Directories, zip archives, JSON or YAML files
        #[arg(required = true, value_name = "SOURCE")]
        sources: Vec<PathBuf>,
    },
    /// Say what a snapshot knows
    Info {
        /// The snapshot
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print the JSON Schema of policies
    Schema,
    /// Check a policy or an allowlist and name every mistake by line and field
    Check {
        /// The policy or allowlist
        file: PathBuf,
    },
    /// Print the policy that is used when none is named
    Default,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected an RFC 3339 instant, for example 2026-01-31T12:00:00Z".to_owned())
}

pub(crate) fn blind_kind(text: &str) -> Result<BlindKind, String> {
    BlindKind::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| {
        let kinds: Vec<_> = BlindKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("there is no such kind; the kinds are {}", kinds.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn unknown_kinds_of_blind_spots_are_answered_with_the_known_ones() {
        assert!(blind_kind("nothing").unwrap_err().contains("distro_unknown"));
        assert_eq!(blind_kind("no_knowledge"), Ok(BlindKind::NoKnowledge));
    }
}
