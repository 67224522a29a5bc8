//! The command line of the roles.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use plimsoll_http::Network;
use plimsoll_types::{Digest, Tenant};

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// Run a whole fleet in one process
    Serve(Box<ServeArgs>),
    /// Take scans by gRPC, resolve and plan them, and publish their layers
    Coordinator(Box<CoordinatorArgs>),
    /// Read layers
    Worker(Box<WorkerArgs>),
    /// Take in what workers found, and judge complete scans
    Aggregator(Box<AggregatorArgs>),
    /// Compute a verdict again from its inputs, and compare
    Replay(Box<ReplayArgs>),
    /// Read the layers that come on standard input
    #[command(hide = true)]
    Job(Box<JobArgs>),
}

/// Runs coordinator, workers and aggregator in one process, with a queue in memory. Killed at any moment, it goes on
/// where it was.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Directory for everything that is to last
    #[arg(long, value_name = "DIR", env = "PLIMSOLL_DATA")]
    pub(super) data: PathBuf,

    #[command(flatten)]
    pub(super) api: ApiArgs,
    #[command(flatten)]
    pub(super) registries: RegistryArgs,
    #[command(flatten)]
    pub(super) crawls: CrawlArgs,
    #[command(flatten)]
    pub(super) triggers: TriggerArgs,
    #[command(flatten)]
    pub(super) rules: RuleArgs,
    #[command(flatten)]
    pub(super) callbacks: CallbackArgs,
    #[command(flatten)]
    pub(super) jobs: JobLimits,
    #[command(flatten)]
    pub(super) leases: LeaseArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CoordinatorArgs {
    #[command(flatten)]
    pub(super) state: StateArgs,
    #[command(flatten)]
    pub(super) store: StoreArgs,
    #[command(flatten)]
    pub(super) queue: QueueArgs,
    #[command(flatten)]
    pub(super) api: ApiArgs,
    #[command(flatten)]
    pub(super) registries: RegistryArgs,
    #[command(flatten)]
    pub(super) crawls: CrawlArgs,
    #[command(flatten)]
    pub(super) triggers: TriggerArgs,
    #[command(flatten)]
    pub(super) leases: LeaseArgs,
}

/// Needs the queue, the store and registries; no database.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(super) store: StoreArgs,
    #[command(flatten)]
    pub(super) queue: QueueArgs,
    #[command(flatten)]
    pub(super) registries: RegistryArgs,
    #[command(flatten)]
    pub(super) jobs: JobLimits,
    #[command(flatten)]
    pub(super) http: HttpArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AggregatorArgs {
    #[command(flatten)]
    pub(super) state: StateArgs,
    #[command(flatten)]
    pub(super) store: StoreArgs,
    #[command(flatten)]
    pub(super) queue: QueueArgs,
    #[command(flatten)]
    pub(super) rules: RuleArgs,
    #[command(flatten)]
    pub(super) callbacks: CallbackArgs,
    #[command(flatten)]
    pub(super) http: HttpArgs,
    #[command(flatten)]
    pub(super) leases: LeaseArgs,
}

/// Computes a stored verdict again and compares it byte for byte. Nothing is pulled: everything it was judged by is in the
/// store, unless it is named here. Exit code 0 if it comes out the same, 3 if not.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Digest of the verdict's document
    #[arg(value_name = "DIGEST")]
    pub(super) verdict: Digest,
    #[command(flatten)]
    pub(super) store: StoreArgs,
    #[command(flatten)]
    pub(super) rules: RuleArgs,
}

#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    #[command(flatten)]
    pub(super) store: StoreArgs,
    #[command(flatten)]
    pub(super) registries: RegistryArgs,
    /// The most memory this process may have, in MiB
    #[arg(long, value_name = "MIB")]
    pub(super) memory: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Services")]
pub(super) struct StateArgs {
    /// The database: sqlite:FILE, or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(id = "state", long = "state", value_name = "URL", env = "PLIMSOLL_STATE", hide_env_values = true)]
    pub(super) url: String,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Services")]
pub(super) struct StoreArgs {
    /// Where evidence and verdicts are kept: a directory, or s3://BUCKET/PREFIX
    #[arg(id = "store", long = "store", value_name = "URL", env = "PLIMSOLL_STORE")]
    pub(super) url: String,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Services")]
pub(super) struct QueueArgs {
    /// The queue: amqp://USER:PASSWORD@HOST/VHOST, or sqs:PREFIX
    #[arg(id = "queue", long = "queue", value_name = "URL", env = "PLIMSOLL_QUEUE", hide_env_values = true)]
    pub(super) url: String,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ApiArgs {
    /// Where gRPC is spoken
    #[arg(long, value_name = "ADDRESS", env = "PLIMSOLL_LISTEN", default_value_t = ([127, 0, 0, 1], plimsoll_api::GRPC_PORT).into())]
    pub(super) listen: SocketAddr,

    /// Where health, readiness and metrics are served by HTTP
    #[arg(long, value_name = "ADDRESS", env = "PLIMSOLL_HTTP", default_value_t = ([127, 0, 0, 1], plimsoll_api::HTTP_PORT).into())]
    pub(super) http: SocketAddr,

    /// Let everybody on this machine in, without a token, as tenant T
    #[arg(long, value_name = "T", num_args = 0..=1, default_missing_value = "default")]
    pub(super) open_access: Option<Tenant>,

    /// Certificate chain of the server, PEM
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_TLS_CERT", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,

    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_TLS_KEY", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,

    /// Authority whose client certificates are asked for, PEM
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_TLS_CLIENT_CA", requires = "tls_cert")]
    pub(super) tls_client_ca: Option<PathBuf>,

    /// Something in front of this server speaks TLS
    #[arg(long)]
    pub(super) tls_terminated_elsewhere: bool,
}

/// For roles that listen for nothing else: there may be many of them on one machine, so no port is taken unasked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct HttpArgs {
    /// Where health, readiness and metrics are served by HTTP [default: nowhere]
    #[arg(id = "http", long = "http", value_name = "ADDRESS", env = "PLIMSOLL_HTTP")]
    pub(super) address: Option<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Registries")]
pub(super) struct RegistryArgs {
    /// A credential that scans may name, and the Docker config.json that has it: for the scans of one tenant, or without
    /// a tenant for those of all
    #[arg(long = "credential", value_name = "[TENANT/]NAME=FILE", value_parser = credential)]
    pub(super) credentials: Vec<Credential>,

    /// A private network that registries may be in; others than these and the public ones are not connected to
    #[arg(long = "allow-network", value_name = "CIDR")]
    pub(super) networks: Vec<Network>,

    /// What there is to say of registries, by host: where they answer, whose they are, as whom ECR is asked (YAML; a file
    /// or s3://BUCKET/KEY)
    #[arg(long = "registries", value_name = "FILE|URL", env = "PLIMSOLL_REGISTRIES")]
    pub(super) map: Option<String>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Triggers")]
pub(super) struct TriggerArgs {
    /// Queue in SQS with the events of ECR: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, or sqs:NAME. What cannot be
    /// understood goes to the queue of its redrive policy, or to NAME-dead
    #[arg(long, value_name = "URL", env = "PLIMSOLL_EVENTS", hide_env_values = true)]
    pub(super) events: Option<String>,

    /// Webhooks that registries may post to /webhooks/SOURCE where --http says: which, and with which secrets (YAML; a
    /// file or s3://BUCKET/KEY)
    #[arg(long, value_name = "FILE|URL", env = "PLIMSOLL_WEBHOOKS")]
    pub(super) webhooks: Option<String>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Crawls")]
pub(super) struct CrawlArgs {
    /// Crawls that start by themselves (YAML): a list `crawls` with `name`, `registry` and `every` (24h), and the filters of
    /// `plimsoll crawl`
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_CRAWLS")]
    pub(super) crawls: Option<PathBuf>,

    /// Requests a second of all crawls of one registry, unless one asks for another number
    #[arg(long, value_name = "N", env = "PLIMSOLL_CRAWL_RATE", default_value_t = 50)]
    pub(super) crawl_rate: u32,

    /// How long a crawl belongs to the process that claimed it, after its last step, in seconds
    #[arg(
        long = "crawl-lease",
        value_name = "SECONDS",
        env = "PLIMSOLL_CRAWL_LEASE",
        default_value_t = 300,
        hide = true
    )]
    pub(super) crawl_lease: u64,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleArgs {
    /// Knowledge snapshot, as `plimsoll db build` makes it; a new file in its place is taken up while running
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_DB")]
    pub(super) db: Option<PathBuf>,

    /// Policy of scans that name none, a file or s3://BUCKET/KEY, which is read again every minute [default: the one `plimsoll policy default` prints]
    #[arg(long, value_name = "FILE|URL", env = "PLIMSOLL_POLICY")]
    pub(super) policy: Option<String>,

    /// Allowlist for every scan: a file, or an https URL or s3://BUCKET/KEY, which are read again every minute
    #[arg(long = "allowlist", value_name = "FILE|URL")]
    pub(super) allowlists: Vec<String>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Callbacks")]
pub(super) struct CallbackArgs {
    /// File with a secret that signs callbacks (`whsec_` and base64): every tenant's, or those of one; given again, each
    /// signs, the first one first. Without any, callbacks wait for a process that has one
    #[arg(long = "callback-secret", value_name = "[TENANT=]FILE", env = "PLIMSOLL_CALLBACK_SECRET_FILE", value_parser = callback_secret)]
    pub(super) callback_secrets: Vec<(Option<Tenant>, PathBuf)>,

    /// A private network that callbacks may be posted into; others than these and the public ones are not connected to
    #[arg(long = "allow-callback-network", value_name = "CIDR")]
    pub(super) callback_networks: Vec<Network>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Jobs")]
pub(super) struct JobLimits {
    /// Layers read at the same time [default: one per core]
    #[arg(long, value_name = "N", env = "PLIMSOLL_SLOTS")]
    pub(super) slots: Option<NonZeroUsize>,

    /// Layers pulled from one registry at the same time, by each worker
    #[arg(long, value_name = "N", env = "PLIMSOLL_PER_REGISTRY", default_value_t = 16)]
    pub(super) per_registry: usize,

    /// The most memory the process of one layer may have, in MiB
    #[arg(long, value_name = "MIB", env = "PLIMSOLL_JOB_MEMORY", default_value_t = 2048)]
    pub(super) job_memory: u64,

    /// The longest one layer may take, in seconds
    #[arg(long, value_name = "SECONDS", env = "PLIMSOLL_JOB_TIME", default_value_t = 1200)]
    pub(super) job_time: u64,

    /// How long layers under way may go on after SIGTERM, in seconds
    #[arg(long, value_name = "SECONDS", env = "PLIMSOLL_GRACE", default_value_t = 30)]
    pub(super) grace: u64,
}

/// How long the fleet waits before it takes something for lost. Tests that kill processes have less time than people.
#[derive(Clone, Debug, Args)]
pub(super) struct LeaseArgs {
    /// How long a scan, an image or a callback belongs to the process that claimed it, in seconds: longer than resolving,
    /// judging or posting one can take
    #[arg(long, value_name = "SECONDS", env = "PLIMSOLL_LEASE", default_value_t = 120, hide = true)]
    pub(super) lease: u64,

    /// How long a published layer may be out of sight before it is published again, in seconds
    #[arg(long, value_name = "SECONDS", env = "PLIMSOLL_REPUBLISH_AFTER", default_value_t = 60, hide = true)]
    pub(super) republish_after: u64,
}

impl LeaseArgs {
    pub(super) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease)
    }
}

impl JobLimits {
    pub(super) fn wall(&self) -> Duration {
        Duration::from_secs(self.job_time)
    }
}

/// A file is a tenant's if the name of one stands before its first `=`; `./` in front makes any file everybody's.
fn callback_secret(text: &str) -> Result<(Option<Tenant>, PathBuf), String> {
    let (tenant, file) = match text.split_once('=') {
        Some((name, file)) => name.parse().map_or((None, text), |tenant| (Some(tenant), file)),
        None => (None, text),
    };
    if file.is_empty() { Err(format!("{text:?} names no file")) } else { Ok((tenant, file.into())) }
}

/// A credential of a tenant, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) tenant: Option<Tenant>,
    pub(super) name: String,
    pub(super) file: PathBuf,
}

fn credential(text: &str) -> Result<Credential, String> {
    let wrong = || format!("{text:?} is not NAME=FILE or TENANT/NAME=FILE");
    let (place, file) = text.split_once('=').ok_or_else(wrong)?;
    let (tenant, name) = match place.split_once('/') {
        Some((tenant, name)) => (Some(tenant.parse().map_err(|error| format!("{text:?}: {error}"))?), name),
        None => (None, place),
    };
    if name.is_empty() || name.contains('/') || file.is_empty() {
        return Err(wrong());
    }
    Ok(Credential { tenant, name: name.to_owned(), file: file.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_tenants_if_it_says_so() {
        let of = |tenant: Option<&str>| Credential {
            tenant: tenant.map(|name| name.parse().unwrap()),
            name: "pull".into(),
            file: "/run/a=b/c".into(),
        };
        assert_eq!(credential("pull=/run/a=b/c"), Ok(of(None)));
        assert_eq!(credential("team-a/pull=/run/a=b/c"), Ok(of(Some("team-a"))));
        for wrong in ["pull", "=file", "pull=", "team-a/=file", "a/b/c=file", "Team/pull=file"] {
            assert!(credential(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_callback_secret_is_a_tenants_if_it_says_so() {
        let tenant = |name: &str| Some(name.parse().unwrap());
        assert_eq!(callback_secret("/run/secret"), Ok((None, "/run/secret".into())));
        assert_eq!(callback_secret("team-a=/run/a=b"), Ok((tenant("team-a"), "/run/a=b".into())));
        assert_eq!(callback_secret("./a=b"), Ok((None, "./a=b".into())));
        assert!(callback_secret("").is_err() && callback_secret("team-a=").is_err());
    }
}
