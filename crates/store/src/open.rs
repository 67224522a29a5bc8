//! A store by its address.

use std::path::Path;
use std::sync::Arc;

use crate::fs::FORMAT_FILE;
use crate::{Error, FsStore, S3Options, S3Store, Store};

/// As [`open`], but a directory has to be one of a store already: for whoever reads or deletes what others wrote.
pub async fn open_existing(address: &str) -> Result<Arc<dyn Store>, Error> {
    let directory = directory(address)?;
    if directory.is_some_and(|directory| !Path::new(directory).join(FORMAT_FILE).exists()) {
        return Err(Error::Address { address: address.to_owned(), why: "there is no store" });
    }
    open(address).await
}

/// Opens the store at `address`: a directory, `file:DIRECTORY`, or `s3://BUCKET/PATH` with what [`S3Store::open`]
/// understands after a `?`.
pub async fn open(address: &str) -> Result<Arc<dyn Store>, Error> {
    match directory(address)? {
        Some(directory) => Ok(Arc::new(FsStore::open(directory)?)),
        None => Ok(Arc::new(S3Store::open(address, S3Options::default()).await?)),
    }
}

/// The directory an address names; none if it is one of S3.
fn directory(address: &str) -> Result<Option<&str>, Error> {
    let wrong = |why| Error::Address { address: address.to_owned(), why };
    if address.starts_with("s3:") {
        return Ok(None);
    }
    let directory = match address.strip_prefix("file:") {
        // file:///directory; between the second and the third slash there would be a host.
        Some(rest) => match rest.strip_prefix("//") {
            Some(path) if path.starts_with('/') => path,
            Some(_) => return Err(wrong("it names another host")),
            None => rest,
        },
        None => address,
    };
    if directory.is_empty() {
        return Err(wrong("it names no directory"));
    }
    if directory.contains("://") {
        return Err(wrong("its scheme is not known"));
    }
    Ok(Some(directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;
    use plimsoll_types::Digest;

    #[tokio::test]
    async fn a_directory_is_opened_by_its_name_and_by_its_url() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store").display().to_string();
        let key = Key::Config(Digest::from_bytes([1; 32]));
        open(&path).await.unwrap().put_if_absent(&key, "x".into()).await.unwrap();
        for url in [format!("file:{path}"), format!("file://{path}")] {
            assert!(open(&url).await.unwrap().head(&key).await.unwrap().is_some(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_store_that_has_to_be_there_is_not_made() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        let address = path.display().to_string();
        let error = open_existing(&address).await.err().unwrap();
        assert!(error.to_string().contains("there is no store"), "{error}");
        assert!(!path.exists());
        open(&address).await.unwrap();
        assert!(open_existing(&address).await.is_ok());
    }

    #[tokio::test]
    async fn other_addresses_are_refused_with_what_there_is() {
        for address in ["", "file:", "file://host/x", "gs://bucket", "s3:bucket", "s3://"] {
            let error = open(address).await.err().unwrap();
            assert!(matches!(error, Error::Address { .. }), "{address}: {error}");
            assert!(error.to_string().contains("s3://BUCKET/PATH"), "{error}");
        }
    }
}
