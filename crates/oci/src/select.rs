//! One platform of an index.

use plimsoll_types::Platform;

use crate::document::is_image_config;
use crate::{Error, IndexEntry};

/// How BuildKit marks the attestations it puts beside the images of an index.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

impl IndexEntry {
    /// True for an entry that is no image but says something about one: an attestation, a signature, or a
    /// platform of `unknown/unknown`, which is how they are hidden from older clients.
    pub fn is_attestation(&self) -> bool {
        self.annotations.contains_key(REFERENCE_TYPE)
            || self.artifact_type.as_deref().is_some_and(|kind| !kind.is_empty() && !is_image_config(kind))
            || self.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
    }
}

/// The entry of `index` for `wanted`. Attestations are passed over. An entry of exactly the wanted platform
/// comes before one with another variant; among variants nobody asked for the highest wins. An index whose
/// only image states no platform is taken at its word.
pub fn select_platform<'a>(index: &'a [IndexEntry], wanted: &Platform) -> Result<&'a IndexEntry, Error> {
    let images: Vec<&IndexEntry> = index.iter().filter(|entry| !entry.is_attestation()).collect();
    if let [only] = images[..]
        && only.platform.is_none()
    {
        return Ok(only);
    }
    let fit = |platform: &Platform| {
        let exact = platform == wanted;
        wanted.accepts(platform).then(|| (exact, variant_rank(platform)))
    };
    let mut best: Option<(&IndexEntry, (bool, u32))> = None;
    for entry in images.iter().copied() {
        let Some(rank) = entry.platform.as_ref().and_then(fit) else { continue };
        // Of equals the first wins, as it does for container runtimes.
        if best.is_none_or(|(_, so_far)| rank > so_far) {
            best = Some((entry, rank));
        }
    }
    best.map(|(entry, _)| entry).ok_or_else(|| {
        let mut available: Vec<Platform> = images.iter().filter_map(|entry| entry.platform.clone()).collect();
        available.sort();
        available.dedup();
        Error::NoSuchPlatform { wanted: wanted.clone(), available }
    })
}

/// The other images of `index` that [`select_platform`] could as well have taken: as good as `chosen`, and not the same.
/// Container runtimes take the first, others may not.
pub fn rivals<'a>(index: &'a [IndexEntry], chosen: &IndexEntry) -> Vec<&'a IndexEntry> {
    let is_rival = |entry: &&IndexEntry| {
        !entry.is_attestation()
            && entry.platform.is_some()
            && entry.platform == chosen.platform
            && entry.descriptor.digest != chosen.descriptor.digest
    };
    index.iter().filter(is_rival).collect()
}

/// `v7` is 7. No variant is the architecture's default, and ranks above all that are named.
fn variant_rank(platform: &Platform) -> u32 {
    match platform.variant.as_deref() {
        None => u32::MAX,
        Some(variant) => variant.trim_start_matches('v').parse().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::{Descriptor, Digest};

    use super::*;

    fn entry(n: u8, platform: Option<&str>) -> IndexEntry {
        IndexEntry {
            descriptor: Descriptor {
                media_type: plimsoll_types::media_type::OCI_MANIFEST.into(),
                digest: Digest::from_bytes([n; 32]),
                size: 1,
            },
            platform: platform.map(|platform| platform.parse().unwrap()),
            artifact_type: None,
            annotations: std::collections::BTreeMap::new(),
        }
    }

    fn pick(index: &[IndexEntry], wanted: &str) -> Option<u8> {
        let wanted = wanted.parse().unwrap();
        select_platform(index, &wanted).ok().map(|entry| entry.descriptor.digest.as_bytes()[0])
    }

    #[test]
    fn the_best_variant_wins() {
        let index = [
            entry(1, Some("linux/amd64")),
            entry(2, Some("linux/arm/v6")),
            entry(3, Some("linux/arm/v7")),
            entry(4, Some("linux/arm64/v8")),
            entry(5, Some("linux/amd64/v3")),
            entry(6, Some("linux/amd64")),
        ];
        for (wanted, expected) in [
            ("linux/amd64", Some(1)),
            ("linux/amd64/v3", Some(5)),
            ("linux/arm", Some(3)),
            ("linux/arm/v6", Some(2)),
            ("linux/arm/v5", None),
            ("linux/arm64", Some(4)),
            ("windows/amd64", None),
        ] {
            assert_eq!(pick(&index, wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn another_image_of_the_same_platform_is_a_rival() {
        let mut marked = entry(4, Some("linux/amd64"));
        marked.annotations.insert(REFERENCE_TYPE.into(), "attestation-manifest".into());
        let index = [
            entry(1, Some("linux/amd64")),
            entry(2, Some("linux/amd64")),
            entry(1, Some("linux/amd64")),
            entry(3, Some("linux/amd64/v3")),
            marked,
        ];
        let found = rivals(&index, &index[0]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].descriptor.digest, index[1].descriptor.digest);
        assert!(rivals(&index, &index[3]).is_empty());
        let alone = [entry(1, None)];
        assert!(rivals(&alone, &alone[0]).is_empty());
    }

    #[test]
    fn a_higher_variant_serves_who_names_none() {
        let index = [entry(1, Some("linux/arm/v5")), entry(2, Some("linux/arm/v6"))];
        assert_eq!(pick(&index, "linux/arm"), Some(2));
    }

    #[test]
    fn attestations_are_passed_over() {
        let mut marked = entry(1, Some("linux/amd64"));
        marked.annotations.insert(REFERENCE_TYPE.into(), "attestation-manifest".into());
        let mut typed = entry(2, Some("linux/amd64"));
        typed.artifact_type = Some("application/spdx+json".into());
        let index = [marked, typed, entry(3, Some("unknown/unknown")), entry(4, Some("linux/amd64"))];
        assert_eq!(pick(&index, "linux/amd64"), Some(4));
        match select_platform(&index, &Platform::new("linux", "s390x", None)) {
            Err(Error::NoSuchPlatform { available, .. }) => {
                assert_eq!(available, [Platform::new("linux", "amd64", None)]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lone_image_without_platform_is_taken() {
        assert_eq!(pick(&[entry(1, None)], "linux/amd64"), Some(1));
        assert_eq!(pick(&[entry(1, None), entry(2, None)], "linux/amd64"), None);
        assert_eq!(pick(&[], "linux/amd64"), None);
    }
}
