//! Who counts what becomes of events.

use std::time::Duration;

/// What became of an event, or of something that was meant to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A scan was submitted.
    Submitted,
    /// It came before, and its scan is there.
    Duplicate,
    /// A tag, or all tags of an image, were marked as gone.
    Gone,
    /// It is of another kind.
    Other,
    /// It tells of an attempt that did not succeed.
    Unsuccessful,
    /// It cannot be understood: put aside, or turned away.
    Malformed,
    /// It does not prove where it comes from.
    Stranger,
    /// It could not be made durable, and comes again.
    Failed,
}

impl Outcome {
    /// Every one there is.
    pub const ALL: &'static [Self] = &[
        Self::Submitted,
        Self::Duplicate,
        Self::Gone,
        Self::Other,
        Self::Unsuccessful,
        Self::Malformed,
        Self::Stranger,
        Self::Failed,
    ];

    /// The text form, as in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Duplicate => "duplicate",
            Self::Gone => "gone",
            Self::Other => "other",
            Self::Unsuccessful => "unsuccessful",
            Self::Malformed => "malformed",
            Self::Stranger => "stranger",
            Self::Failed => "failed",
        }
    }
}

/// Is told what becomes of events, by the name of their source. This crate has no metrics of its own.
pub trait Observer: Send + Sync {
    /// Something came to an end.
    fn count(&self, source: &'static str, outcome: Outcome);

    /// A scan was submitted so long after what it is about happened.
    fn age(&self, source: &'static str, age: Duration);
}
