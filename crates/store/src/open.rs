//! A store by its address.

use std::sync::Arc;

use crate::{Error, FsStore, S3Options, S3Store, Store};

/// Opens the store at `address`: a directory, `file:DIRECTORY`, or `s3://BUCKET/PATH` with what [`S3Store::open`]
/// understands after a `?`.
pub async fn open(address: &str) -> Result<Arc<dyn Store>, Error> {
    let wrong = |why| Error::Address { address: address.to_owned(), why };
    if address.starts_with("s3:") {
        return Ok(Arc::new(S3Store::open(address, S3Options::default()).await?));
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
    Ok(Arc::new(FsStore::open(directory)?))
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
    async fn other_addresses_are_refused_with_what_there_is() {
        for address in ["", "file:", "file://host/x", "gs://bucket", "s3:bucket", "s3://"] {
            let error = open(address).await.err().unwrap();
            assert!(matches!(error, Error::Address { .. }), "{address}: {error}");
            assert!(error.to_string().contains("s3://BUCKET/PATH"), "{error}");
        }
    }
}
