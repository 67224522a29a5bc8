//! Platforms, `os/architecture[/variant]` (OCI image-spec, image-index.md).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A normalised platform. Text form: `linux/amd64`, `linux/arm64/v8`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// `linux`, `windows`.
    pub os: String,
    /// Go's GOARCH names.
    pub architecture: String,
    /// For example `v7`.
    pub variant: Option<String>,
}

/// Why a text is not a [`Platform`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a platform; expected os/architecture[/variant], for example linux/arm64")]
pub struct PlatformError(String);

impl Platform {
    /// A platform from its parts, normalised as containerd does: `x86_64` is `amd64`, `aarch64` is
    /// `arm64`, and arm64's `v8` is its default.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let os = match os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            os => os.to_owned(),
        };
        let variant = variant.filter(|variant| !variant.is_empty());
        let (architecture, variant) = match (architecture.to_ascii_lowercase().as_str(), variant) {
            ("x86_64" | "x86-64" | "amd64", variant) => ("amd64".to_owned(), variant.filter(|v| *v != "v1")),
            ("i386" | "i486" | "i586" | "i686" | "x86" | "386", _) => ("386".to_owned(), None),
            ("aarch64" | "arm64", variant) => {
                ("arm64".to_owned(), variant.filter(|v| *v != "v8" && *v != "8"))
            }
            ("armhf", _) | ("arm", Some("v7" | "7")) => ("arm".to_owned(), None),
            ("armel", _) | ("arm", Some("6")) => ("arm".to_owned(), Some("v6")),
            ("arm", Some("5")) => ("arm".to_owned(), Some("v5")),
            (architecture, variant) => (architecture.to_owned(), variant),
        };
        Self { os, architecture, variant: variant.map(str::to_owned) }
    }

    /// `linux` on this machine's architecture: what a scan means when nobody says.
    pub fn host_linux() -> Self {
        Self::new("linux", std::env::consts::ARCH, None)
    }

    /// True if an image of platform `other` is what a request for `self` means: a request without a
    /// variant takes any variant.
    pub fn accepts(&self, other: &Self) -> bool {
        self.os == other.os
            && self.architecture == other.architecture
            && (self.variant.is_none() || self.variant == other.variant)
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let error = || PlatformError(text.chars().take(100).collect());
        let parts: Vec<&str> = text.split('/').collect();
        let ok = |part: &&str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(ok) {
            return Err(error());
        }
        Ok(Self::new(parts[0], parts[1], parts.get(2).copied()))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_normalised() {
        for (text, normal) in [
            ("linux/x86_64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm/v7", "linux/arm"),
            ("Linux/arm/v6", "linux/arm/v6"),
        ] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), normal);
        }
        for bad in ["", "linux", "linux/", "a/b/c/d", "linux/amd 64"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_request_without_a_variant_takes_any() {
        let any = Platform::new("linux", "arm", None);
        let v6 = Platform::new("linux", "arm", Some("v6"));
        assert!(any.accepts(&v6) && v6.accepts(&v6) && !v6.accepts(&any));
    }
}
