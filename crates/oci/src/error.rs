//! Why an image, or a part of it, cannot be had.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_types::{Digest, Platform, Retry};

/// Why an image, or a part of it, cannot be had. Messages say what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry wants (other) credentials.
    #[error("{what}: not authorised: {detail}; log in with `docker login {registry}`, or check the name")]
    Unauthorized {
        /// What was asked for.
        what: String,
        /// The registry.
        registry: String,
        /// What the registry said.
        detail: String,
    },
    /// The credentials are known and not enough.
    #[error("{what}: access denied: {detail}; ask for pull rights on this repository")]
    Denied {
        /// What was asked for.
        what: String,
        /// What the registry said.
        detail: String,
    },
    /// It is not there.
    #[error("{what}: not found{}; check the name, and whether it is still there", detail_suffix(.detail))]
    NotFound {
        /// What was asked for.
        what: String,
        /// What is there instead, or what the registry said.
        detail: String,
    },
    /// Too many requests.
    #[error("{what}: the registry limits the rate of requests{}; try again later or log in", wait_suffix(*.retry_after))]
    RateLimited {
        /// What was asked for.
        what: String,
        /// When to try again, if the registry says.
        retry_after: Option<Duration>,
    },
    /// The registry failed, or answered what no registry should.
    #[error("{what}: the registry answered {status}{}", detail_suffix(.detail))]
    Registry {
        /// What was asked for.
        what: String,
        /// HTTP status.
        status: u16,
        /// What the registry said.
        detail: String,
        /// Whether it may pass.
        retry: Retry,
    },
    /// The registry, or its token service or blob store, cannot be talked to.
    #[error("{what}: {source}")]
    Unreachable {
        /// What was asked for.
        what: String,
        /// Why.
        source: plimsoll_http::Error,
    },
    /// A listing that makes no sense.
    #[error("{what} cannot be read: {why}; name the repositories or tags, or ask whoever runs the registry")]
    BadListing {
        /// Which.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A blob broke off and could not be resumed.
    #[error("{what}: the transfer broke off at byte {offset}: {detail}")]
    Interrupted {
        /// The blob.
        what: String,
        /// How far it came.
        offset: u64,
        /// The last failure.
        detail: String,
        /// Whether it may go better another time.
        retry: Retry,
    },
    /// A manifest or index that breaks the specification.
    #[error("{what} is not a valid manifest: {why}; build or push the image again")]
    BadManifest {
        /// Which.
        what: String,
        /// Where it breaks it.
        why: String,
    },
    /// A config that breaks the specification.
    #[error("{what} is not a valid image config: {why}; build or push the image again")]
    BadConfig {
        /// Which.
        what: String,
        /// Where it breaks it.
        why: String,
    },
    /// An archive or layout that is broken.
    #[error("{}: not a readable image archive: {why}", .path.display())]
    BadArchive {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// More than is read.
    #[error("{what} is larger than the limit of {limit} {unit}")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// The bytes are not those the digest names.
    #[error("{what} should be {expected} but is {actual}; the registry or archive is broken or lies")]
    DigestMismatch {
        /// What.
        what: String,
        /// The digest asked for or announced.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// The bytes are not as many as announced.
    #[error(
        "{what} should have {expected} bytes but has {actual}; the registry or archive is broken or lies"
    )]
    SizeMismatch {
        /// What.
        what: String,
        /// Announced.
        expected: u64,
        /// Found, or at least this many.
        actual: u64,
    },
    /// An artifact of another kind.
    #[error("{what} is not a container image but {kind}; there is nothing to judge")]
    NotAnImage {
        /// What was named.
        what: String,
        /// What it is.
        kind: String,
    },
    /// The index has other platforms.
    #[error("no image for {wanted}; there are: {}; choose one with --platform", list(.available))]
    NoSuchPlatform {
        /// The platform asked for.
        wanted: Platform,
        /// Those there are.
        available: Vec<Platform>,
    },
    /// Several images and none named.
    #[error("{what} holds several images; name one of: {}", list(.available))]
    Ambiguous {
        /// The archive or layout.
        what: String,
        /// Names or digests to choose from.
        available: Vec<String>,
    },
    /// A layer that the registry may not distribute.
    #[error(
        "{what} is a foreign layer ({media_type}) which the registry does not hold; it can only be had from its \
         vendor, so the image cannot be judged"
    )]
    ForeignLayer {
        /// The layer.
        what: String,
        /// Its media type.
        media_type: String,
    },
    /// Something we know and do not read.
    #[error("{what}: {why}")]
    Unsupported {
        /// What.
        what: String,
        /// Why not, and what to do.
        why: String,
    },
    /// Docker's configuration or one of its helpers does not give credentials.
    #[error("{what}: {why}")]
    Credentials {
        /// The file or helper.
        what: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// ECR gives no token for one of its registries.
    #[error(
        "{what}: no token for this registry: {why}; check the role, and that it may call ecr:GetAuthorizationToken"
    )]
    Ecr {
        /// The registry.
        what: String,
        /// What AWS said.
        why: String,
        /// Whether it may pass.
        retry: Retry,
    },
    /// A file or directory cannot be read.
    #[error("cannot read {}: {source}{}", .path.display(), way_out(.source))]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file changed while it was read.
    #[error("{} changed while it was read; scan a directory nobody writes to", .path.display())]
    Changed {
        /// Which.
        path: PathBuf,
    },
}

impl Error {
    /// Stable name of the kind, snake case.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::Denied { .. } => "denied",
            Self::NotFound { .. } => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Registry { .. } => "registry_error",
            Self::Unreachable { .. } => "unreachable",
            Self::BadListing { .. } => "bad_listing",
            Self::Interrupted { .. } => "interrupted",
            Self::BadManifest { .. } => "bad_manifest",
            Self::BadConfig { .. } => "bad_config",
            Self::BadArchive { .. } => "bad_archive",
            Self::TooLarge { .. } => "too_large",
            Self::DigestMismatch { .. } => "digest_mismatch",
            Self::SizeMismatch { .. } => "size_mismatch",
            Self::NotAnImage { .. } => "not_an_image",
            Self::NoSuchPlatform { .. } => "no_such_platform",
            Self::Ambiguous { .. } => "ambiguous_reference",
            Self::ForeignLayer { .. } => "foreign_layer",
            Self::Unsupported { .. } => "unsupported",
            Self::Credentials { .. } => "credentials",
            Self::Ecr { .. } => "ecr_token",
            Self::Io { .. } => "io",
            Self::Changed { .. } => "changed",
        }
    }

    /// Whether the same request may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { retry_after, .. } => Retry::After(*retry_after),
            Self::Registry { retry, .. } | Self::Interrupted { retry, .. } | Self::Ecr { retry, .. } => {
                *retry
            }
            Self::Unreachable { source, .. } => source.retry(),
            Self::Changed { .. } => Retry::After(None),
            _ => Retry::Never,
        }
    }

    /// The same error about a document whose name the parser did not know.
    #[must_use]
    pub fn about(self, document: impl std::fmt::Display) -> Self {
        let what = document.to_string();
        match self {
            Self::BadManifest { why, .. } => Self::BadManifest { what, why },
            Self::BadConfig { why, .. } => Self::BadConfig { what, why },
            other => other,
        }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn unreachable(what: &str, source: plimsoll_http::Error) -> Self {
        match source {
            plimsoll_http::Error::TooLarge { limit, .. } => {
                Self::TooLarge { what: what.to_owned(), limit, unit: "bytes" }
            }
            source => Self::Unreachable { what: what.to_owned(), source },
        }
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    const SHOWN: usize = 30;
    let shown: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    match items.len() {
        0 => "none".to_owned(),
        n if n > SHOWN => format!("{} and {} more", shown.join(", "), n - SHOWN),
        _ => shown.join(", "),
    }
}

fn detail_suffix(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}

fn wait_suffix(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!(" and asks to wait {} s", wait.as_secs()))
}

fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            "; check the path"
        }
        io::ErrorKind::PermissionDenied => "; run as a user who may read it, for example root",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_platform_lists_those_there_are() {
        let error = Error::NoSuchPlatform {
            wanted: Platform::new("linux", "riscv64", None),
            available: vec![Platform::new("linux", "amd64", None), Platform::new("linux", "arm", Some("v6"))],
        };
        assert_eq!(
            error.to_string(),
            "no image for linux/riscv64; there are: linux/amd64, linux/arm/v6; choose one with --platform"
        );
        assert_eq!((error.kind(), error.retry()), ("no_such_platform", Retry::Never));
    }

    #[test]
    fn a_broken_document_gets_the_name_its_reader_knows() {
        let bad = || Error::BadConfig { what: "the document".into(), why: "it is empty".into() };
        assert_eq!(
            bad().about("config sha256:ab").to_string(),
            "config sha256:ab is not a valid image config: it is empty; build or push the image again"
        );
        assert_eq!(bad().about("x").kind(), bad().kind());
        let other = Error::NotFound { what: "r.io/a:1".into(), detail: String::new() };
        assert!(other.about("x").to_string().starts_with("r.io/a:1: not found"));
    }

    #[test]
    fn long_lists_are_cut() {
        let available = (0..100).map(|n| format!("t{n}")).collect();
        let text = Error::Ambiguous { what: "oci:x".into(), available }.to_string();
        assert!(text.ends_with("t29 and 70 more"), "{text}");
    }

    #[test]
    fn a_limit_of_the_rate_says_when() {
        let wait = Some(Duration::from_secs(7));
        let error = Error::RateLimited { what: "r.io/a".into(), retry_after: wait };
        assert!(error.to_string().contains("asks to wait 7 s"), "{error}");
        assert_eq!(error.retry(), Retry::After(wait));
    }
}
