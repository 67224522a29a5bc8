//! The command line of the commands that ask a server.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use plimsoll_api::client::messages as v1;
use plimsoll_types::{BlindKind, CrawlId, Digest, ImageSource, Lane, Platform, ScanId, ScanState, Tenant};

use super::crawl::{CrawlArgs, PlanArgs};
use super::history::HistoryArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Ask a server for a verdict
    Submit(Box<SubmitArgs>),
    /// Say how far scans are
    Status(StatusArgs),
    /// Follow a scan to its end
    Watch(WatchArgs),
    /// End a scan nobody needs any more
    Cancel(CancelArgs),
    /// Say what a server knows about an image
    Verdict(VerdictArgs),
    /// Say what judging a whole registry would take
    Plan(Box<PlanArgs>),
    /// Have every image of a registry judged
    Crawl(Box<CrawlArgs>),
    /// Say what tags named, and when
    History(HistoryArgs),
    /// Make, revoke and list the tokens of a server
    #[command(subcommand)]
    Token(TokenCommand),
    /// List callbacks, those of the newest scans first
    Deliveries(DeliveriesArgs),
    /// Post a callback once more
    Redeliver(RedeliverArgs),
}

/// Which server, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// The server: https://HOST[:PORT], or http:// for one without TLS
    #[arg(long, value_name = "URL", env = "PLIMSOLL_SERVER", default_value_t = format!("http://127.0.0.1:{}", plimsoll_api::GRPC_PORT))]
    pub(super) server: String,

    /// File with the token [default: the token in PLIMSOLL_TOKEN, if any]
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_TOKEN_FILE")]
    pub(super) token_file: Option<PathBuf>,

    /// Authority of the server's certificate, PEM [default: those the system trusts]
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_CA")]
    pub(super) ca: Option<PathBuf>,

    /// Certificate to show to a server that asks for one, PEM
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_CERT", requires = "key")]
    pub(super) cert: Option<PathBuf>,

    /// Private key of that certificate, PEM
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_KEY", requires = "cert")]
    pub(super) key: Option<PathBuf>,

    /// Send the token over plain HTTP beyond this machine too
    #[arg(long)]
    pub(super) token_in_the_clear: bool,
}

const SUBMIT_HELP: &str = "\
Without --wait the id of the scan is printed and the exit code is 0 once the scan is stored. With it:
  0 pass   1 fail   2 warn   3 not judged, failed, cancelled or not answered   64 usage

Examples
  plimsoll submit --wait registry.example/app:1.2
  plimsoll submit --lane backfill --label team=a --callback https://ci.example/hook registry.example/app@sha256:…";

/// Asks a server for a verdict. The tag is read once; what is judged is the digest it named then.
#[derive(Debug, Args)]
#[command(after_help = SUBMIT_HELP)]
pub(crate) struct SubmitArgs {
    /// [REGISTRY/]REPOSITORY[:TAG][@DIGEST]
    #[arg(value_parser = registry)]
    pub(super) reference: String,

    /// Platform to judge; may be given again [default: every platform of an index]
    #[arg(long, value_name = "P")]
    pub(super) platform: Vec<Platform>,

    /// Policy to judge by, by its digest in the server's store [default: the one in force]
    #[arg(long, value_name = "DIGEST")]
    pub(super) policy: Option<Digest>,

    /// Allowlist to apply, by its digest in the server's store; may be given again
    #[arg(long, value_name = "DIGEST")]
    pub(super) allowlist: Vec<Digest>,

    /// Judge in spite of a kind of blind spot; may be given again
    #[arg(long, value_name = "KIND", value_parser = crate::cli::blind_kind)]
    pub(super) allow_blind: Vec<BlindKind>,

    /// How urgent it is: interactive, push or backfill
    #[arg(long, value_name = "LANE", default_value_t)]
    pub(super) lane: Lane,

    /// When the answer is due, for example 30s or 5m: what is not known then is not judged
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) deadline: Option<Duration>,

    /// URL the verdict is posted to
    #[arg(long, value_name = "URL")]
    pub(super) callback: Option<String>,

    /// Key that makes repeating this request harmless [default: a random one]
    #[arg(long, value_name = "KEY")]
    pub(super) idempotency_key: Option<String>,

    /// Label to find the scan by; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    pub(super) label: Vec<(String, String)>,

    /// Name of the registry credential to pull with
    #[arg(long, value_name = "NAME")]
    pub(super) credential: Option<String>,

    /// Let the server speak plain HTTP to the registry
    #[arg(long)]
    pub(super) plain_http: bool,

    /// Wait for the verdict
    #[arg(long)]
    pub(super) wait: bool,

    #[command(flatten)]
    pub(super) watching: Watching,

    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// How a scan is followed.
#[derive(Debug, Args)]
pub(crate) struct Watching {
    /// Exit code for the verdict warn (it never changes that of not judged)
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) warn_exit_code: u8,

    /// Show no progress
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// Says how far a scan is, with the exit code of its verdict (3 while there is none), or lists scans, the newest first.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The scan [default: list scans]
    pub(super) scan: Option<ScanId>,

    /// List those in this state only: submitted, analyzing, judged, failed, gone or cancelled
    #[arg(long, value_name = "STATE", conflicts_with = "scan")]
    pub(super) state: Option<ScanState>,

    /// List those of this image only
    #[arg(long, value_name = "REFERENCE", conflicts_with = "scan", value_parser = registry)]
    pub(super) reference: Option<String>,

    /// List those with this label only
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "scan", value_parser = label)]
    pub(super) label: Option<(String, String)>,

    /// List so many at most
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "scan")]
    pub(super) limit: u32,

    /// Say how far a crawl is, and what became of its plan: by lane, with what failed and why
    #[arg(long, value_name = "CRAWL", conflicts_with_all = ["scan", "state", "reference", "label", "crawls"])]
    pub(super) crawl: Option<CrawlId>,

    /// List crawls, not scans
    #[arg(long, conflicts_with_all = ["scan", "state", "reference", "label"])]
    pub(super) crawls: bool,

    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// Follows a scan to its end, with the exit code of its verdict. Interrupting it cancels nothing.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The scan
    pub(super) scan: ScanId,

    #[command(flatten)]
    pub(super) watching: Watching,

    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// Ends a scan nobody needs any more. Layers other scans wait for go on; a scan that has ended stays as it is.
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The scan
    #[arg(required_unless_present = "crawl")]
    pub(super) scan: Option<ScanId>,

    /// End a crawl instead; the scans it asked for go on
    #[arg(long, value_name = "CRAWL", conflicts_with = "scan")]
    pub(super) crawl: Option<CrawlId>,

    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// Says what a server knows about an image, with the exit code of the verdict. Nothing is pulled or judged: if nothing is
/// known, the exit code is 3, and `plimsoll submit` asks.
#[derive(Debug, Args)]
pub(crate) struct VerdictArgs {
    /// The image as it was submitted, or the digest of a manifest or index
    #[arg(value_name = "REFERENCE|DIGEST", value_parser = image)]
    pub(super) image: v1::get_verdict_request::Image,

    /// Only a verdict by this policy; goes with a digest
    #[arg(long, value_name = "DIGEST")]
    pub(super) policy: Option<Digest>,

    /// Print the verdict documents, one JSON per line
    #[arg(long)]
    pub(super) json: bool,

    /// Exit code for the verdict warn (it never changes that of not judged)
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) warn_exit_code: u8,

    #[command(flatten)]
    pub(super) server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, or write it to a file: it is kept nowhere else, only its hash is
    Create {
        #[command(flatten)]
        state: StateArgs,
        /// Whose it is
        #[arg(long, default_value_t)]
        tenant: Tenant,
        /// What its bearer may do: read, submit (and read) or admin
        #[arg(long)]
        role: plimsoll_state::Role,
        /// What it is for
        #[arg(long, default_value = "")]
        label: String,
        /// Write it to FILE, for its owner alone to read, and print nothing; where FILE holds such a token already, that one
        /// is kept
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make a token useless, for good
    Revoke {
        #[command(flatten)]
        state: StateArgs,
        /// Its id, as `token list` shows it
        id: String,
    },
    /// List tokens, the oldest first
    List {
        #[command(flatten)]
        state: StateArgs,
        /// Those of this tenant only
        #[arg(long)]
        tenant: Option<Tenant>,
    },
}

/// Lists what is owed to scans that named a callback: SCAN, pending, delivered or dead, attempts, when it ended or is tried next,
/// URL, and what the last attempt ran into.
#[derive(Debug, Args)]
pub(crate) struct DeliveriesArgs {
    /// Those nobody tries any more only
    #[arg(long)]
    pub(super) dead: bool,

    /// Whose
    #[arg(long, default_value_t)]
    pub(super) tenant: Tenant,

    /// Those of scans older than this one only
    #[arg(long, value_name = "SCAN")]
    pub(super) after: Option<ScanId>,

    /// List so many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(super) limit: u32,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

/// Makes a callback due once more, delivered or dead, with all its attempts. The receiver gets the same id and the same body.
#[derive(Debug, Args)]
pub(crate) struct RedeliverArgs {
    /// The scan
    pub(super) scan: ScanId,

    /// Whose
    #[arg(long, default_value_t)]
    pub(super) tenant: Tenant,

    #[command(flatten)]
    pub(super) state: StateArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// The state the server uses: sqlite:FILE or postgres://USER@HOST/DATABASE
    #[arg(long = "state", value_name = "URL", env = "PLIMSOLL_STATE", hide_env_values = true)]
    pub(super) url: String,
}

/// A reference to a registry, spelled out.
fn registry(text: &str) -> Result<String, String> {
    match text.parse() {
        Ok(ImageSource::Registry(reference)) => Ok(reference.to_string()),
        Ok(_) => Err("a server pulls from registries only; `plimsoll scan` reads files".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn image(text: &str) -> Result<v1::get_verdict_request::Image, String> {
    use v1::get_verdict_request::Image;
    if text.starts_with("sha256:") {
        let digest: Digest = text.parse().map_err(|error| format!("{error}"))?;
        return Ok(Image::Digest(digest.to_string()));
    }
    registry(text).map(Image::Reference)
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".into()),
    }
}

/// `90s`, `5m`, `1h 30m`; more than nothing.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time like 30s, 5m or 1h".to_owned();
    let duration: jiff::SignedDuration = text.parse().map_err(|_| expected())?;
    Duration::try_from(duration).ok().filter(|duration| !duration.is_zero()).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_do() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        for bad in ["", "5", "-5m", "0s", "soon"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn labels_have_a_key() {
        assert_eq!(label("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(label("a="), Ok(("a".into(), String::new())));
        assert!(label("=b").is_err() && label("a").is_err());
    }

    #[test]
    fn a_digest_is_told_from_a_reference() {
        use v1::get_verdict_request::Image;
        let digest = Digest::from_bytes([7; 32]).to_string();
        assert_eq!(image(&digest), Ok(Image::Digest(digest)));
        assert_eq!(image("nginx"), Ok(Image::Reference("docker.io/library/nginx:latest".into())));
        assert!(image("sha256:abc").is_err() && image("rootfs:/").is_err());
    }
}
