//! What a scan is judged by, as files and URLs: policy, allowlists, snapshot, store.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_http::{AddressPolicy, Client, Config, Url};
use plimsoll_knowledge::Snapshot;
use plimsoll_policy::{Allowlist, Mistakes, Policy};
use plimsoll_store::{FsStore, Store};

use crate::failure::Failure;

/// A policy or allowlist is written by hand; what is larger than this is something else.
const MAX_TEXT: u64 = 16 << 20;

/// The policy of a file, or the default one.
pub(crate) fn policy(file: Option<&Path>) -> Result<Policy, Failure> {
    let Some(file) = file else { return Ok(Policy::default_policy()) };
    let text = text(file).map_err(|why| Failure::new("policy_unreadable", format!("policy {why}")))?;
    Policy::parse(&text)
        .map_err(|mistakes| Failure::new("policy_invalid", invalid("policy", file, &mistakes)))
}

fn invalid(what: &str, file: &Path, mistakes: &Mistakes) -> String {
    let mut all = mistakes.iter();
    let first = all.next().map(ToString::to_string).unwrap_or_default();
    let more = match all.count() {
        0 => String::new(),
        more => format!(" (and {more} more; see `plimsoll policy check`)"),
    };
    format!("{what} {}: {first}{more}", file.display())
}

/// An allowlist of a file or an https URL.
pub(crate) async fn allowlist(place: &str) -> Result<Allowlist, Failure> {
    let unreadable = |why: String| Failure::new("allowlist_unreadable", why);
    let text = if place.starts_with("s3://") {
        let why = "comes with the fleet and is not there yet; copy it to a file, or name an https URL";
        return Err(unreadable(format!("allowlist {place}: s3:// {why}")));
    } else if place.starts_with("https://") || place.starts_with("http://") {
        fetch(place).await.map_err(|why| unreadable(format!("allowlist {place}: {why}")))?
    } else {
        text(Path::new(place)).map_err(|why| unreadable(format!("allowlist {why}")))?
    };
    Allowlist::parse(&text, place).map_err(|mistakes| {
        Failure::new("allowlist_invalid", invalid("allowlist", Path::new(place), &mistakes))
    })
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
    let open = std::fs::File::open(file).map_err(|error| named(&error))?;
    let read = open.take(MAX_TEXT + 1).read_to_string(&mut text).map_err(|error| named(&error))?;
    if read as u64 > MAX_TEXT {
        return Err(named(&format!("larger than {MAX_TEXT} bytes")));
    }
    Ok(text)
}

/// The snapshot of a file.
pub(crate) fn snapshot(file: &Path) -> Result<Snapshot, Failure> {
    Snapshot::open(file)
        .map_err(|error| Failure::new("db_unreadable", format!("snapshot {}: {error}", file.display())))
}

/// The store of a directory, or of the user's cache directory.
pub(crate) fn store(directory: Option<PathBuf>) -> Result<Arc<dyn Store>, Failure> {
    let Some(directory) = directory.or_else(default_store) else {
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
    async fn s3_says_that_it_is_not_there_yet() {
        let failure = allowlist("s3://bucket/list.yaml").await.unwrap_err();
        assert!(failure.to_string().contains("comes with the fleet"), "{failure}");
    }

    #[tokio::test]
    async fn an_allowlist_is_not_fetched_in_the_clear() {
        let failure = allowlist("http://example.com/list.yaml").await.unwrap_err();
        assert!(failure.to_string().contains("by https only"), "{failure}");
    }

    #[test]
    fn a_missing_policy_is_named() {
        let failure = policy(Some(Path::new("/no/such/policy.yaml"))).unwrap_err();
        assert!(failure.to_string().contains("/no/such/policy.yaml"), "{failure}");
    }
}
