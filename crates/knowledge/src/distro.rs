//! Which ecosystem speaks for a distribution release. Exact `ID` and `VERSION_ID`, never `ID_LIKE`: a
//! derivative rebuilds packages under versions of its own.

use plimsoll_types::{Distro, PackageType};

use crate::ecosystem::Ecosystem;
use crate::snapshot::EcosystemInfo;

/// The ecosystems of a snapshot that speak for one release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Speaking<'s> {
    /// Those that speak of the packages every user of the release gets.
    pub(crate) base: Vec<&'s EcosystemInfo>,
    /// Those that speak of packages subscribers get instead (Ubuntu Pro).
    pub(crate) overlay: Vec<&'s EcosystemInfo>,
}

impl Speaking<'_> {
    /// True if the snapshot has nothing for the release.
    pub(crate) fn is_empty(&self) -> bool {
        self.base.is_empty() && self.overlay.is_empty()
    }

    /// True if any of it is about packages of this type: advisories for rpms say nothing of a deb.
    pub(crate) fn is_about(&self, package_type: PackageType) -> bool {
        self.base.iter().chain(&self.overlay).any(|info| {
            Ecosystem::parse(&info.ecosystem)
                .is_some_and(|ecosystem| ecosystem.kind.package_type == package_type)
        })
    }
}

/// Finds what speaks for a release among what a snapshot has.
pub(crate) fn speaking<'s>(distro: &Distro, known: &'s [EcosystemInfo]) -> Speaking<'s> {
    let Some(release) = Release::of(distro) else { return Speaking::default() };
    let find = |wanted: &dyn Fn(&str) -> bool| {
        let speaks = |info: &&EcosystemInfo| {
            info.ecosystem == release.ecosystem && wanted(info.release.as_deref().unwrap_or_default())
        };
        known.iter().filter(speaks).collect::<Vec<_>>()
    };
    let overlay = match release.ecosystem {
        "Ubuntu" => find(&|text| is_ubuntu(text.strip_prefix("Pro:").unwrap_or_default(), &release.wanted)),
        _ => Vec::new(),
    };
    Speaking { base: find(&|text| release.matches(text)), overlay }
}

/// `debian 12`, for messages.
pub(crate) fn name(distro: &Distro) -> String {
    let version = distro.version_id.as_deref().or(distro.codename.as_deref());
    match version {
        Some(version) => format!("{} {version}", distro.id),
        None => distro.id.clone(),
    }
}

/// A release as its ecosystem writes it.
struct Release {
    ecosystem: &'static str,
    wanted: String,
}

impl Release {
    fn of(distro: &Distro) -> Option<Self> {
        let version = distro.version_id.as_deref().map(str::trim).filter(|version| !version.is_empty());
        let (ecosystem, wanted) = match distro.id.as_str() {
            // Rolling: no release.
            "wolfi" => ("Wolfi", Some(String::new())),
            "chainguard" => ("Chainguard", Some(String::new())),
            "echo" => ("Echo", Some(String::new())),
            "minimos" => ("MinimOS", Some(String::new())),
            "opensuse-tumbleweed" => ("openSUSE", Some("Tumbleweed".to_owned())),
            // VERSION_ID as it is.
            "alpaquita" => ("Alpaquita", version.map(str::to_owned)),
            "debian" => ("Debian", version.map(str::to_owned)),
            "mageia" => ("Mageia", version.map(str::to_owned)),
            "photon" => ("Photon OS", version.map(str::to_owned)),
            "ubuntu" => ("Ubuntu", version.map(str::to_owned)),
            // A part of it.
            "alpine" => ("Alpine", version.and_then(alpine)),
            "almalinux" => ("AlmaLinux", version.and_then(major)),
            "azurelinux" | "mariner" => ("Azure Linux", version.and_then(major)),
            "rhel" => ("Red Hat", version.and_then(major)),
            "rocky" => ("Rocky Linux", version.and_then(major)),
            // VERSION_ID and more.
            "opensuse-leap" => ("openSUSE", version.map(|version| format!("Leap {version}"))),
            "sles" | "sled" | "sle_hpc" | "sles_sap" => ("SUSE", version.map(suse)),
            "openEuler" => ("openEuler", version.map(|version| open_euler(version, distro))),
            _ => return None,
        };
        Some(Self { ecosystem, wanted: wanted? })
    }

    fn matches(&self, release: &str) -> bool {
        let wanted = self.wanted.as_str();
        match self.ecosystem {
            "Ubuntu" => is_ubuntu(release, wanted),
            // Products by CPE: `enterprise_linux:9::baseos`. Extended and layered products are others.
            "Red Hat" => {
                let mut parts = release.split(':');
                parts.next() == Some("enterprise_linux")
                    && parts.next().and_then(major).as_deref() == Some(wanted)
            }
            // A product and its version: `Linux Enterprise Module for Basesystem 15 SP5`.
            "SUSE" => {
                release.starts_with("Linux Enterprise")
                    && release
                        .strip_suffix("-LTSS")
                        .unwrap_or(release)
                        .strip_suffix(wanted)
                        .is_some_and(|rest| rest.ends_with(' '))
            }
            _ => release == wanted,
        }
    }
}

/// `22.04` is written `22.04:LTS` or, for releases between, `23.10`.
fn is_ubuntu(release: &str, version: &str) -> bool {
    release.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest == ":LTS")
}

/// `3.18.4` is `v3.18`. Edge (`3.19_alpha20230901`) has no advisories of its own.
fn alpine(version: &str) -> Option<String> {
    let mut parts = version.split('.');
    let number = |part: Option<&str>| {
        part.filter(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())).map(str::to_owned)
    };
    Some(format!("v{}.{}", number(parts.next())?, number(parts.next())?))
}

/// `9.3` is `9`.
fn major(version: &str) -> Option<String> {
    let major = version.split('.').next()?;
    (!major.is_empty() && major.bytes().all(|b| b.is_ascii_digit())).then(|| major.to_owned())
}

/// `15.5` is `15 SP5`; `15` is `15`.
fn suse(version: &str) -> String {
    match version.split_once('.') {
        Some((major, pack)) => format!("{major} SP{pack}"),
        None => version.to_owned(),
    }
}

/// The service pack of openEuler is in its pretty name alone: `openEuler 22.03 (LTS-SP1)`.
fn open_euler(version: &str, distro: &Distro) -> String {
    let pack = distro.pretty_name.as_deref().and_then(|name| name.split_once('(')?.1.split_once(')'));
    match pack {
        Some((pack, _)) => format!("{version}-{pack}"),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Completeness;

    fn known(keys: &[&str]) -> Vec<EcosystemInfo> {
        keys.iter()
            .map(|key| {
                let ecosystem = Ecosystem::parse(key).unwrap();
                EcosystemInfo {
                    ecosystem: ecosystem.kind.name.to_owned(),
                    release: ecosystem.release,
                    records: 1,
                    packages: 1,
                    newest_modified: None,
                    oldest_modified: None,
                    completeness: Completeness::Complete,
                }
            })
            .collect()
    }

    fn distro(id: &str, version: &str) -> Distro {
        let version_id = (!version.is_empty()).then(|| version.to_owned());
        Distro { id: id.to_owned(), version_id, ..Distro::default() }
    }

    fn found(distro: &Distro, keys: &[&str]) -> (Vec<String>, Vec<String>) {
        let known = known(keys);
        let speaking = speaking(distro, &known);
        let keys = |infos: &[&EcosystemInfo]| infos.iter().map(|info| info.key()).collect();
        (keys(&speaking.base), keys(&speaking.overlay))
    }

    const KEYS: &[&str] = &[
        "AlmaLinux:8",
        "AlmaLinux:9",
        "Alpine:v3.1",
        "Alpine:v3.18",
        "Debian:12",
        "Mageia:9",
        "Red Hat:enterprise_linux:8::baseos",
        "Red Hat:enterprise_linux:9::appstream",
        "Red Hat:enterprise_linux:9::baseos",
        "Red Hat:rhel_eus:9.2::baseos",
        "Rocky Linux:9",
        "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
        "SUSE:Linux Enterprise Server 12 SP5",
        "SUSE:Linux Enterprise Server 15 SP5-LTSS",
        "Ubuntu:22.04:LTS",
        "Ubuntu:23.10",
        "Ubuntu:Pro:22.04:LTS",
        "Wolfi",
        "openSUSE:Leap 15.5",
        "openSUSE:Tumbleweed",
        "openEuler:22.03-LTS-SP1",
    ];

    #[test]
    fn releases_are_found_by_id_and_version() {
        for (id, version, expected) in [
            ("debian", "12", &["Debian:12"][..]),
            ("debian", "13", &[]),
            ("debian", "", &[]),
            ("raspbian", "12", &[]),
            ("alpine", "3.18.4", &["Alpine:v3.18"]),
            ("alpine", "3.1.0", &["Alpine:v3.1"]),
            ("alpine", "3.18_alpha20230901", &[]),
            ("almalinux", "9.3", &["AlmaLinux:9"]),
            ("almalinux", "10.0", &[]),
            ("rocky", "9.3", &["Rocky Linux:9"]),
            ("rhel", "9.4", &["Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9::baseos"]),
            ("centos", "9", &[]),
            ("ubuntu", "23.10", &["Ubuntu:23.10"]),
            ("ubuntu", "22.0", &[]),
            ("wolfi", "20230201", &["Wolfi"]),
            ("opensuse-leap", "15.5", &["openSUSE:Leap 15.5"]),
            ("opensuse-tumbleweed", "20240101", &["openSUSE:Tumbleweed"]),
            (
                "sles",
                "15.5",
                &[
                    "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
                    "SUSE:Linux Enterprise Server 15 SP5-LTSS",
                ],
            ),
            ("mageia", "9", &["Mageia:9"]),
        ] {
            assert_eq!(
                found(&distro(id, version), KEYS),
                (expected.iter().map(|key| (*key).to_owned()).collect(), vec![]),
                "{id} {version}"
            );
        }
    }

    #[test]
    fn ubuntu_pro_is_an_overlay() {
        let expected = (vec!["Ubuntu:22.04:LTS".to_owned()], vec!["Ubuntu:Pro:22.04:LTS".to_owned()]);
        assert_eq!(found(&distro("ubuntu", "22.04"), KEYS), expected);
    }

    #[test]
    fn a_derivative_is_not_its_parent() {
        let mint = Distro { id_like: vec!["ubuntu".into(), "debian".into()], ..distro("linuxmint", "22.04") };
        assert!(speaking(&mint, &known(KEYS)).is_empty());
    }

    #[test]
    fn the_service_pack_of_openeuler_is_in_its_pretty_name() {
        let distro =
            Distro { pretty_name: Some("openEuler 22.03 (LTS-SP1)".into()), ..distro("openEuler", "22.03") };
        assert_eq!(found(&distro, KEYS).0, ["openEuler:22.03-LTS-SP1"]);
    }
}
