//! The report of one image, `plimsoll.report/v1`: what `--format json` writes and every other format is
//! made from. Unknown values are null, arrays are never absent, fields may be added and never renamed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BlindSpot, Digest, Distro, Package, Platform, Purl};

/// The value of [`Report::schema`].
pub const SCHEMA: &str = "plimsoll.report/v1";

/// Everything one scan says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The image, as far as it is known; null if there is not even a name for it.
    pub image: Option<Image>,
    /// Its distribution.
    pub distro: Option<Distro>,
    /// Its packages.
    pub packages: Vec<Package>,
    /// Its vulnerabilities, sorted by id and package.
    pub vulnerabilities: Vec<Vulnerability>,
    /// What was not seen.
    pub coverage: Coverage,
    /// May it run?
    pub verdict: Verdict,
    /// Why it was not judged, if an error is the reason.
    pub error: Option<ReportError>,
    /// Milliseconds per step. Not part of what a verdict's digest covers.
    pub timings: BTreeMap<String, f64>,
}

/// The image a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// As the user named it.
    pub reference: String,
    /// Digest of the manifest judged; null, as all below it, if the image could not be resolved.
    pub digest: Option<Digest>,
    /// Its platform.
    pub platform: Option<Platform>,
    /// What else the index offers.
    pub other_platforms: Vec<Platform>,
    /// Digest of its config.
    pub config_digest: Option<Digest>,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
}

impl Image {
    /// An image of which nothing is known but what it was called.
    pub fn unresolved(reference: impl Into<String>) -> Self {
        Self {
            reference: reference.into(),
            digest: None,
            platform: None,
            other_platforms: Vec::new(),
            config_digest: None,
            layers: Vec::new(),
        }
    }
}

/// One layer of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Position, lowest first.
    pub index: u32,
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the uncompressed layer, once verified.
    pub diff_id: Option<Digest>,
    /// Media type as the manifest states it.
    pub media_type: String,
    /// Size of the blob in bytes.
    pub size: u64,
    /// Size of the uncompressed layer in bytes, once known.
    pub uncompressed_size: Option<u64>,
    /// The history line that made it, if the history fits the layers.
    pub created_by: Option<String>,
    /// True if its evidence was already in the store.
    pub known: bool,
}

/// How bad a vulnerability is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nobody says.
    #[default]
    Unknown,
    /// Not worth a fix in the distribution's view.
    Negligible,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// Text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The rating of a CVSS base score (CVSS v3.1 specification, section 5; v4.0, section 6).
    pub fn from_cvss(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::Negligible,
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether and how a package is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingStatus {
    /// Affected, and no fix is known.
    Affected,
    /// Affected, and a fixed version exists.
    Fixed,
    /// Affected, and the vendor will not fix it.
    WillNotFix,
    /// The vendor says it is not affected.
    NotAffected,
    /// The vendor has not decided.
    UnderInvestigation,
}

impl FindingStatus {
    /// Text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::WillNotFix => "will_not_fix",
            Self::NotAffected => "not_affected",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

/// One vulnerability of one package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vulnerability {
    /// The CVE where there is one, else the record's id.
    pub id: String,
    /// Other names, sorted.
    pub aliases: Vec<String>,
    /// Ids of the advisory records behind it, sorted.
    pub advisories: Vec<String>,
    /// Rating.
    pub severity: Severity,
    /// Where the rating comes from: a record id and field.
    pub severity_source: Option<String>,
    /// Scores.
    pub cvss: Vec<Cvss>,
    /// [`Package::id`].
    pub package_id: String,
    /// The package's purl.
    pub purl: Option<Purl>,
    /// Versions that fix it, lowest first; empty if none is known.
    pub fixed_versions: Vec<String>,
    /// Status.
    pub status: FindingStatus,
    /// Why it matched.
    #[serde(rename = "match")]
    pub matched: MatchReason,
    /// Index into `image.layers` of the layer that brought the package.
    pub layer: Option<u32>,
    /// One line about it, if a record has one.
    #[serde(default)]
    pub summary: Option<String>,
}

/// One CVSS rating.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cvss {
    /// `2.0`, `3.0`, `3.1`, `4.0`.
    pub version: String,
    /// Vector.
    pub vector: String,
    /// Base score, if the vector is valid.
    pub score: Option<f64>,
    /// Id of the record that states it.
    pub source: String,
}

/// Why an advisory applies to a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchReason {
    /// Id of the advisory record.
    pub record: String,
    /// The range or version that matched, as text.
    pub range: String,
    /// The rule: which name and version were compared, in which order.
    pub rule: String,
}

/// What was not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Sorted.
    pub blind_spots: Vec<BlindSpot>,
}

/// What a policy does about a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Note it.
    Go,
    /// The verdict is at least warn.
    Warn,
    /// The verdict is not judged, unless it is fail. Only gate `coverage` has this action: what nobody saw
    /// makes an image neither good nor bad.
    NotJudged,
    /// The verdict is fail.
    Stop,
}

impl Action {
    /// Text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Warn => "warn",
            Self::NotJudged => "not_judged",
            Self::Stop => "stop",
        }
    }
}

/// May the image run?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictStatus {
    /// Yes.
    Pass,
    /// Yes, with reservations.
    Warn,
    /// No.
    Fail,
    /// Nobody can say.
    NotJudged,
}

impl VerdictStatus {
    /// The exit code of `plimsoll scan`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Warn => 2,
            Self::NotJudged => 3,
        }
    }

    /// Text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::NotJudged => "not_judged",
        }
    }
}

/// The answer and its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer.
    pub status: VerdictStatus,
    /// Exit code of the scan, after `--warn-exit-code`.
    pub exit_code: u8,
    /// Every match of the policy, worst first.
    pub reasons: Vec<Reason>,
    /// Digest of the policy (and allowlists) judged by.
    pub policy_digest: Option<Digest>,
    /// Digest of the knowledge snapshot.
    pub knowledge_digest: Option<Digest>,
    /// RFC 3339 instant the verdict holds for.
    pub evaluated_at: String,
}

/// One match of one rule of the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Gate.
    pub gate: String,
    /// Trigger.
    pub trigger: String,
    /// Action.
    pub action: Action,
    /// What allowlist items name; `CVE+package` for vulnerabilities.
    pub trigger_id: String,
    /// One sentence.
    pub message: String,
    /// The allowlist item that excuses it, if one does; then it does not count.
    pub allowlisted: Option<Allowlisted>,
}

/// Why a reason does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowlisted {
    /// Name of the list.
    pub list: String,
    /// The reason given.
    pub reason: Option<String>,
    /// RFC 3339 end of the excuse.
    pub expires: Option<String>,
}

/// An error that kept an image from being judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportError {
    /// Stable kind, snake case.
    pub kind: String,
    /// Whether the same command may work later.
    pub retryable: bool,
    /// What failed and what to do.
    pub message: String,
}
