//! Verdict documents, from the store.

use bytes::Bytes;
use plimsoll_store::{Key, Store};
use plimsoll_types::Digest;
use tonic::{Code, Status};

use crate::status;

/// The most bytes of documents in one answer.
pub(crate) const MAX: u64 = 64 << 20;

/// The document, of at most `room` bytes. Its size is asked for before it is read.
pub(crate) async fn read(store: &dyn Store, document: Digest, room: u64) -> Result<Bytes, Status> {
    let key = Key::Verdict(document);
    let missing = || {
        let message = format!("the document {document} is not in the store any more; submit the image again");
        status::with_reason(Code::DataLoss, "NO_DOCUMENT", message)
    };
    let meta = store.head(&key).await.map_err(|error| status::of_store(&error))?.ok_or_else(missing)?;
    if meta.size > room {
        let message = format!(
            "the documents of this verdict are larger than {MAX} bytes together; ask for one platform by its digest, or read \
             {key} from the store"
        );
        return Err(status::with_reason(Code::OutOfRange, "DOCUMENT_TOO_LARGE", message));
    }
    store.get(&key, None).await.map_err(|error| status::of_store(&error))?.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use plimsoll_store::{Body, MemoryStore};

    use super::*;

    #[tokio::test]
    async fn a_document_is_read_up_to_the_bound() {
        let store = MemoryStore::default();
        let digest = Digest::from_bytes([7; 32]);
        store.put_if_absent(&Key::Verdict(digest), Body::from(Bytes::from_static(b"{}"))).await.unwrap();
        assert_eq!(read(&store, digest, 2).await.unwrap(), "{}");
        assert_eq!(read(&store, digest, 1).await.unwrap_err().code(), Code::OutOfRange);
        let lost = read(&store, Digest::from_bytes([8; 32]), 2).await.unwrap_err();
        assert_eq!(lost.code(), Code::DataLoss);
    }
}
