//! What a scan is judged by, as files and URLs: policy, allowlists, snapshot, store.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_http::{AddressPolicy, Client, Config, Url};
use plimsoll_knowledge::Snapshot;
use plimsoll_oci::digest_of;
use plimsoll_policy::{Allowlist, Mistakes, Policy};
use plimsoll_store::{FsStore, S3Options, Store};

use crate::failure::Failure;

/// A policy or allowlist is written by hand; what is larger than this is something else.
const MAX_TEXT: u64 = 16 << 20;

/// The policy of a file or an object in S3, or the default one.
pub(crate) async fn policy(place: Option<&str>) -> Result<Policy, Failure> {
    let Some(place) = place else { return Ok(Policy::default_policy()) };
    let unreadable = |why: String| Failure::new("policy_unreadable", format!("policy {why}"));
    let text = if place.starts_with("s3://") {
        object(place).await
    } else if is_web(place) {
        Err(format!("{place}: a policy is a file or s3://BUCKET/KEY; fetch it first and name the file"))
    } else {
        text(Path::new(place))
    };
    Policy::parse(&text.map_err(unreadable)?)
        .map_err(|mistakes| Failure::new("policy_invalid", invalid("policy", place, &mistakes)))
}

fn invalid(what: &str, place: &str, mistakes: &Mistakes) -> String {
    let mut all = mistakes.iter();
    let first = all.next().map(ToString::to_string).unwrap_or_default();
    let more = match all.count() {
        0 => String::new(),
        more => format!(" (and {more} more; see `plimsoll policy check`)"),
    };
    format!("{what} {place}: {first}{more}")
}

/// An allowlist of a file, an https URL or an object in S3.
pub(crate) async fn allowlist(place: &str) -> Result<Allowlist, Failure> {
    let text = if place.starts_with("s3://") {
        object(place).await
    } else if is_web(place) {
        fetch(place).await.map_err(|why| format!("{place}: {why}"))
    } else {
        text(Path::new(place))
    };
    let text = text.map_err(|why| Failure::new("allowlist_unreadable", format!("allowlist {why}")))?;
    // Without a name of its own it is called by its digest, so that what a verdict says does not depend on where it lay.
    Allowlist::parse(&text, &digest_of(text.as_bytes()).to_string())
        .map_err(|mistakes| Failure::new("allowlist_invalid", invalid("allowlist", place, &mistakes)))
}

fn is_web(place: &str) -> bool {
    place.starts_with("https://") || place.starts_with("http://")
}

/// The text of an object in S3, read with the credentials and the region of the environment.
async fn object(place: &str) -> Result<String, String> {
    let named = |why: &dyn std::fmt::Display| format!("{place}: {why}");
    let bytes = plimsoll_store::read_s3(place, S3Options::default(), MAX_TEXT).await;
    let bytes = bytes.map_err(|error| named(&error))?.ok_or_else(|| named(&"there is no such object"))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| named(&"not UTF-8"))
}

async fn fetch(place: &str) -> Result<String, String> {
    let url: Url = place.parse().map_err(|error| format!("not a URL: {error}"))?;
    if url.scheme() != "https" && !plimsoll_http::is_loopback(&url) {
        return Err(
            "an allowlist is fetched by https only, for whoever can change it decides what passes".into()
        );
    }
    let client = Client::new(Config { policy: AddressPolicy::anywhere(), ..Config::default() })
        .map_err(|error| error.to_string())?;
    client.fetch_text(place, MAX_TEXT).await.map_err(|error| error.to_string())
}

/// A text file of sane size; the error names it.
pub(crate) fn text(file: &Path) -> Result<String, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let mut text = String::new();
    let open = std::fs::File::open(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => named(&format!("{error}; check the path")),
        _ => named(&error),
    })?;
    let read = open.take(MAX_TEXT + 1).read_to_string(&mut text).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => named(&"it is not UTF-8 text"),
        _ => named(&error),
    })?;
    if read as u64 > MAX_TEXT {
        return Err(named(&format!("larger than {MAX_TEXT} bytes")));
    }
    Ok(text)
}

/// The text of a configuration: a file, or an object in S3.
pub(crate) async fn configuration(place: &str) -> Result<String, String> {
    if place.starts_with("s3://") { object(place).await } else { text(Path::new(place)) }
}

/// The snapshot of a file.
pub(crate) fn snapshot(file: &Path) -> Result<Snapshot, Failure> {
    use plimsoll_knowledge::Error;
    Snapshot::open(file).map_err(|error| {
        let is_missing =
            matches!(&error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound);
        let way_out = if is_missing { "; make one with `plimsoll db build`" } else { "" };
        Failure::new("db_unreadable", format!("snapshot: {error}{way_out}"))
    })
}

/// The store of a directory or a URL, or that of the user's cache directory.
pub(crate) async fn store(place: Option<String>) -> Result<Arc<dyn Store>, Failure> {
    if let Some(place) = place {
        return Ok(plimsoll_store::open(&place).await?);
    }
    let Some(directory) = default_store() else {
        let why = "there is no home directory to keep evidence in; name one with --store";
        return Err(Failure::new("store", why));
    };
    Ok(Arc::new(FsStore::open(&directory)?))
}

fn default_store() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| {
        let below = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        set("HOME").map(|home| home.join(below))
    })?;
    Some(cache.join("plimsoll"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_allowlist_is_not_fetched_in_the_clear() {
        let failure = allowlist("http://example.com/list.yaml").await.unwrap_err();
        assert!(failure.to_string().contains("by https only"), "{failure}");
    }

    #[tokio::test]
    async fn a_policy_is_no_web_page() {
        let failure = policy(Some("https://example.com/policy.yaml")).await.unwrap_err();
        assert!(failure.to_string().contains("fetch it first"), "{failure}");
    }

    #[tokio::test]
    async fn what_is_missing_is_named_with_a_way_out() {
        let failure = policy(Some("/no/such/policy.yaml")).await.unwrap_err().to_string();
        assert!(
            failure.contains("/no/such/policy.yaml") && failure.ends_with("; check the path"),
            "{failure}"
        );
        let failure = snapshot(Path::new("/no/such/db")).unwrap_err().to_string();
        assert!(failure.contains("/no/such/db") && failure.ends_with("`plimsoll db build`"), "{failure}");
    }
}
