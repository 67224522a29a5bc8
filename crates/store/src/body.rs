//! What is written.

use std::fmt;

use bytes::Bytes;
use tokio::io::AsyncRead;

/// The content of an object to be written.
pub enum Body {
    /// In memory.
    Bytes(Bytes),
    /// Read while it is written. The object is stored only if the reader ends without an error and, where
    /// `size` is given, after exactly so many bytes.
    Reader {
        /// Where the bytes come from.
        reader: Box<dyn AsyncRead + Send + Unpin>,
        /// How many there will be, if that is known.
        size: Option<u64>,
    },
}

impl Body {
    /// A body read while it is written.
    pub fn reader(reader: impl AsyncRead + Send + Unpin + 'static, size: Option<u64>) -> Self {
        Self::Reader { reader: Box::new(reader), size }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Body::Bytes({})", bytes.len()),
            Self::Reader { size, .. } => write!(f, "Body::Reader({size:?})"),
        }
    }
}
