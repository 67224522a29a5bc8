//! What a scan could not see.

use serde::{Deserialize, Serialize};

/// How bad it is not to have seen this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlindClass {
    /// Something may be hidden; by default the image is not judged.
    Hides,
    /// Known, but possibly out of date; by default a warning.
    Stale,
}

/// The kinds of blind spot. Text forms are the values of `--allow-blind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlindKind {
    /// No knowledge snapshot was given.
    NoKnowledge,
    /// The snapshot has nothing for this distribution release.
    DistroUnknown,
    /// The snapshot has nothing for this language ecosystem.
    EcosystemUnknown,
    /// The snapshot's data for something found is a demonstration, or incomplete.
    KnowledgeIncomplete,
    /// The snapshot's data is old; see [`crate::KnowledgeAge`].
    KnowledgeStale,
    /// A package database could not be read.
    DatabaseUnreadable,
    /// A package database is there and empty.
    DatabaseEmpty,
    /// A package database of a kind without an analyzer (Berkeley DB).
    DatabaseUnsupported,
    /// An OS package database exists, but no os-release names the distribution.
    DistroMissing,
    /// The metadata of a language package that only a link into another layer names, so nobody read it.
    MetadataUnread,
    /// An analyzer failed on a file.
    AnalyzerFailed,
    /// A limit ended the reading of a file.
    Limit,
    /// A Windows image.
    Windows,
    /// An encrypted layer.
    EncryptedLayer,
    /// Runtimes differ on how this layer applies.
    AmbiguousLayer,
    /// An index offers several images for one platform, and the first was taken.
    AmbiguousPlatform,
    /// The image holds no file, so there was nothing to look at.
    ImageEmpty,
    /// A version without a certain place in the order of its ecosystem, so ranges could not be asked about it.
    VersionUnparsable,
}

impl BlindKind {
    /// Every kind, in text order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::NoKnowledge,
        Self::DistroUnknown,
        Self::EcosystemUnknown,
        Self::KnowledgeIncomplete,
        Self::KnowledgeStale,
        Self::DatabaseUnreadable,
        Self::DatabaseEmpty,
        Self::DatabaseUnsupported,
        Self::DistroMissing,
        Self::MetadataUnread,
        Self::AnalyzerFailed,
        Self::Limit,
        Self::Windows,
        Self::EncryptedLayer,
        Self::AmbiguousLayer,
        Self::AmbiguousPlatform,
        Self::ImageEmpty,
        Self::VersionUnparsable,
    ];

    /// The class a kind belongs to unless its producer knows better.
    pub fn class(self) -> BlindClass {
        match self {
            Self::KnowledgeIncomplete
            | Self::KnowledgeStale
            | Self::AmbiguousLayer
            | Self::AmbiguousPlatform => BlindClass::Stale,
            _ => BlindClass::Hides,
        }
    }

    /// The text form, as in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoKnowledge => "no_knowledge",
            Self::DistroUnknown => "distro_unknown",
            Self::EcosystemUnknown => "ecosystem_unknown",
            Self::KnowledgeIncomplete => "knowledge_incomplete",
            Self::KnowledgeStale => "knowledge_stale",
            Self::DatabaseUnreadable => "database_unreadable",
            Self::DatabaseEmpty => "database_empty",
            Self::DatabaseUnsupported => "database_unsupported",
            Self::DistroMissing => "distro_missing",
            Self::MetadataUnread => "metadata_unread",
            Self::AnalyzerFailed => "analyzer_failed",
            Self::Limit => "limit",
            Self::Windows => "windows",
            Self::EncryptedLayer => "encrypted_layer",
            Self::AmbiguousLayer => "ambiguous_layer",
            Self::AmbiguousPlatform => "ambiguous_platform",
            Self::ImageEmpty => "image_empty",
            Self::VersionUnparsable => "version_unparsable",
        }
    }
}

impl std::fmt::Display for BlindKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something of an image that was not, or not fully, seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlindSpot {
    /// What kind.
    pub kind: BlindKind,
    /// Whether it may hide something.
    pub class: BlindClass,
    /// What it is about: a path, an ecosystem, a distribution release.
    pub subject: String,
    /// Index into `image.layers`, where it belongs to one.
    pub layer: Option<u32>,
    /// One sentence for a person: what was not seen and what to do.
    pub message: String,
}

impl BlindSpot {
    /// A blind spot of the kind's own class.
    pub fn new(kind: BlindKind, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, class: kind.class(), subject: subject.into(), layer: None, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_the_serde_form() {
        for kind in BlindKind::ALL {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
        }
    }
}
