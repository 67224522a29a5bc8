/// Why stored bytes are not the evidence they should be.
///
/// None of these gets better by reading the same bytes again; a caller that can make the evidence anew treats
/// it as not known.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The bytes do not start like evidence.
    #[error("not evidence: the bytes do not start with the evidence header")]
    NotEvidence,
    /// Evidence, but of another kind than was asked for.
    #[error("expected {expected} evidence, found kind {found}")]
    Kind {
        /// What was asked for.
        expected: &'static str,
        /// The number of the kind found.
        found: u16,
    },
    /// A format this version cannot read.
    #[error(
        "evidence format {found} is not supported (this version reads format {supported}); use a newer plimsoll"
    )]
    Format {
        /// The format found.
        found: u16,
        /// [`crate::EVIDENCE_FORMAT`].
        supported: u32,
    },
    /// Over one of [`crate::DecodeLimits`].
    #[error("{what} of {size} is over the limit of {limit}")]
    Limit {
        /// What is too large, with its unit.
        what: &'static str,
        /// How large it says it is.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The compressed part is damaged or cut off.
    #[error("the compressed evidence is damaged: {0}")]
    Compression(#[source] std::io::Error),
    /// The decompressed part is not as long as the header says.
    #[error("the evidence is {found} bytes long; its header says {expected}")]
    Length {
        /// What the header says.
        expected: u64,
        /// What came out.
        found: u64,
    },
    /// The message is not protobuf.
    #[error("the evidence message is damaged: {0}")]
    Message(#[from] prost::DecodeError),
    /// A field or column contradicts the rest of the message.
    #[error("damaged evidence: {column}: {why}")]
    Column {
        /// The field, as in the proto.
        column: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl CodecError {
    pub(crate) const fn column(column: &'static str, why: &'static str) -> Self {
        Self::Column { column, why }
    }
}
