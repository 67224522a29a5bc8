//! A body in parts of a size that fits in memory.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{Body, Error, Key};

/// Size of a part. An object that is no larger is put in one request.
pub(super) const PART: usize = 8 << 20;

/// How many parts S3 takes.
const MOST_PARTS: u64 = 10_000;

/// What is read before the buffer grows.
const STEP: usize = 256 << 10;

/// The parts of a body, in order.
pub(super) struct Parts<'a> {
    key: &'a Key,
    body: Body,
    found: u64,
}

impl<'a> Parts<'a> {
    /// Refuses at once what is announced as too large.
    pub(super) fn new(key: &'a Key, body: Body) -> Result<Self, Error> {
        let size = match &body {
            Body::Bytes(bytes) => Some(bytes.len() as u64),
            Body::Reader { size, .. } => *size,
        };
        match size {
            Some(size) if size > MOST_PARTS * PART as u64 => Err(too_large(key)),
            _ => Ok(Self { key, body, found: 0 }),
        }
    }

    /// The next part, of [`PART`] bytes unless it is the last; `None` after that one. Fails if the reader does, or
    /// if the body is not of the size that was announced.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let (part, expected) = match &mut self.body {
            Body::Bytes(bytes) => (bytes.split_to(bytes.len().min(PART)), None),
            Body::Reader { reader, size } => {
                let read = read_part(reader, size.map(|size| size.saturating_sub(self.found))).await;
                let part = read.map_err(|source| Error::Body { key: self.key.path(), source })?;
                (part, *size)
            }
        };
        self.found = self.found.saturating_add(part.len() as u64);
        if self.found > MOST_PARTS * PART as u64 {
            return Err(too_large(self.key));
        }
        let found = self.found;
        match expected {
            Some(expected) if found > expected || (part.len() < PART && found < expected) => {
                Err(Error::BodySize { key: self.key.path(), expected, found })
            }
            _ if part.is_empty() => Ok(None),
            _ => Ok(Some(part)),
        }
    }
}

/// Reads a whole part, or what there is before the end. Of a body that should have ended, one byte more is read.
async fn read_part(reader: &mut (dyn AsyncRead + Send + Unpin), left: Option<u64>) -> std::io::Result<Bytes> {
    let most = left.map_or(PART as u64, |left| left.saturating_add(1).min(PART as u64));
    let mut reader = reader.take(most);
    let mut part = BytesMut::new();
    loop {
        part.reserve(STEP.min(most as usize).max(1));
        if reader.read_buf(&mut part).await? == 0 {
            return Ok(part.freeze());
        }
    }
}

fn too_large(key: &Key) -> Error {
    Error::TooLarge { key: key.path(), limit: MOST_PARTS * PART as u64 }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::Digest;

    use super::*;

    async fn sizes(body: Body) -> Result<Vec<usize>, Error> {
        let key = Key::Snapshot(Digest::from_bytes([1; 32]));
        let mut parts = Parts::new(&key, body)?;
        let mut sizes = Vec::new();
        while let Some(part) = parts.next().await? {
            sizes.push(part.len());
        }
        Ok(sizes)
    }

    fn zeros(size: usize) -> impl AsyncRead + Send + Unpin + 'static {
        tokio::io::repeat(0).take(size as u64)
    }

    #[tokio::test]
    async fn every_part_but_the_last_is_full() {
        for size in [0, 1, PART - 1, PART, PART + 1, 2 * PART] {
            let mut expected = vec![PART; size / PART];
            expected.extend(Some(size % PART).filter(|rest| *rest > 0));
            assert_eq!(sizes(vec![0; size].into()).await.unwrap(), expected, "{size} in memory");
            for announced in [None, Some(size as u64)] {
                let body = Body::reader(zeros(size), announced);
                assert_eq!(sizes(body).await.unwrap(), expected, "{size} read, {announced:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_body_that_goes_on_or_ends_early_is_noticed_at_the_edge_of_a_part() {
        for (size, announced) in [(PART, PART - 1), (PART, PART + 1), (PART + 1, PART), (0, PART)] {
            let error = sizes(Body::reader(zeros(size), Some(announced as u64))).await.unwrap_err();
            assert!(matches!(error, Error::BodySize { found, .. } if found == size as u64), "{error}");
        }
    }

    #[tokio::test]
    async fn what_s3_cannot_hold_is_refused_before_anything_is_read() {
        let limit = MOST_PARTS * PART as u64;
        let error = sizes(Body::reader(zeros(0), Some(limit + 1))).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        let error = sizes(Body::reader(zeros(0), Some(limit))).await.unwrap_err();
        assert!(matches!(error, Error::BodySize { found: 0, .. }), "{error}");
    }
}
