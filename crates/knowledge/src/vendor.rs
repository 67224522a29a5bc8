//! Who built an OS package.
//!
//! A distribution's advisories speak of its own builds: of their versions, and of the fixes carried back into
//! them. They say nothing of a package of the same name that a third party built for that distribution, and a
//! language package inside such a package gets no backports from the distribution either.
//!
//! No package format states its builder in a way that can be relied on, so each is judged by what it has:
//!
//! - **apk**: every package comes from a repository, and its database does not say which. Taken as the
//!   distribution's.
//! - **rpm**: `Vendor` names the builder. None, or another's, is not the distribution.
//! - **deb**: nothing names the distribution; a third party betrays itself. By an `Origin` of its own, by a
//!   mark in the version (`1nodesource1`, `.pgdg120+1`, `~bookworm`), or by a maintainer's address at a
//!   company that does not maintain packages in Debian or Ubuntu. Individual maintainers have addresses
//!   everywhere, so an unknown address proves nothing.

use plimsoll_types::{Distro, Package, PackageType};

/// Whether the distribution itself built this OS package.
pub(crate) fn built_by(package: &Package, distro: &Distro) -> bool {
    match package.package_type {
        PackageType::Apk => true,
        PackageType::Rpm => package.origin.as_deref().is_some_and(|vendor| is_rpm_vendor(vendor, &distro.id)),
        PackageType::Deb => !is_foreign_deb(package, distro),
        _ => false,
    }
}

/// What `Vendor` contains, in lower case, for packages of a distribution.
fn is_rpm_vendor(vendor: &str, distro: &str) -> bool {
    let vendor = vendor.to_lowercase();
    let names: &[&str] = match distro {
        "almalinux" => &["almalinux"],
        "amzn" => &["amazon"],
        "azurelinux" | "mariner" => &["microsoft"],
        "centos" => &["centos"],
        "fedora" => &["fedora"],
        "mageia" => &["mageia"],
        "ol" => &["oracle"],
        "openEuler" => &["openeuler"],
        "opensuse-leap" | "opensuse-tumbleweed" => &["opensuse", "suse llc", "suse linux"],
        "photon" => &["vmware", "broadcom"],
        "rhel" => &["red hat"],
        "rocky" => &["rocky"],
        "sled" | "sle_hpc" | "sles" | "sles_sap" => &["suse llc", "suse linux"],
        _ => return false,
    };
    names.iter().any(|name| vendor.contains(name))
}

fn is_foreign_deb(package: &Package, distro: &Distro) -> bool {
    let foreign_origin = package.origin.as_deref().map(str::trim).filter(|origin| !origin.is_empty());
    if let Some(origin) = foreign_origin {
        return !origin.eq_ignore_ascii_case(&distro.id);
    }
    has_foreign_mark(&package.version, distro)
        || package.maintainer.as_deref().is_some_and(is_foreign_maintainer)
}

/// Marks third parties put into versions. Debian's own are `~deb12u1`, `~bpo12+1`; Ubuntu's `ubuntu1`,
/// `~22.04.1`: neither ever appends its code name.
fn has_foreign_mark(version: &str, distro: &Distro) -> bool {
    const MARKS: &[&str] = &[
        "nodesource",
        "pgdg",
        "~ppa",
        "+ppa",
        "ppa1",
        "deb.sury.org",
        "dotdeb",
        "+maria",
        "~debian.",
        "~ubuntu.",
        "percona",
        "launchpad",
        "getdeb",
    ];
    let version = version.to_lowercase();
    let code_name = distro.codename.as_deref().unwrap_or_default().to_lowercase();
    let ends_in = |separator: char| {
        !code_name.is_empty()
            && version.strip_suffix(code_name.as_str()).is_some_and(|rest| rest.ends_with(separator))
    };
    MARKS.iter().any(|mark| version.contains(mark)) || ['~', '+', '.', '-'].into_iter().any(ends_in)
}

/// Companies and projects that publish Debian packages from repositories of their own, and do not maintain
/// packages in Debian or Ubuntu under these addresses.
fn is_foreign_maintainer(maintainer: &str) -> bool {
    const DOMAINS: &[&str] = &[
        "chromium.org",
        "cloudflare.com",
        "confluent.io",
        "datadoghq.com",
        "docker.com",
        "elastic.co",
        "f5.com",
        "gitlab.com",
        "grafana.com",
        "hashicorp.com",
        "influxdata.com",
        "kubernetes.io",
        "mariadb.org",
        "microsoft.com",
        "mongodb.com",
        "newrelic.com",
        "nginx.com",
        "nodesource.com",
        "nvidia.com",
        "oracle.com",
        "percona.com",
        "redis.com",
        "redis.io",
        "sury.org",
        "varnish-software.com",
    ];
    let Some((_, address)) = maintainer.rsplit_once('@') else { return false };
    let domain = address.trim_end_matches(|c: char| c == '>' || c.is_whitespace()).to_lowercase();
    DOMAINS
        .iter()
        .any(|known| domain.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::package;

    fn distro(id: &str, codename: &str) -> Distro {
        Distro { id: id.to_owned(), codename: Some(codename.to_owned()), ..Distro::default() }
    }

    #[test]
    fn debian_packages_are_the_distributions_unless_something_points_elsewhere() {
        for (version, maintainer, origin, own) in [
            ("3.0.9-1", "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>", None, true),
            ("6.4-4", "Sven Joachim <svenjoac@example.org>", None, true),
            ("1.22.1-9+deb12u1", "Debian Nginx Maintainers <x@alioth-lists.debian.net>", None, true),
            ("1.24-1~bpo12+1", "A <a@debian.org>", None, true),
            ("1.25.3-1~bookworm", "NGINX Packaging <nginx-packaging@f5.com>", None, false),
            ("1.25.3-1~bookworm", "", None, false),
            ("18.19.0-1nodesource1", "Ivan <ivan@nodesource.com>", None, false),
            ("16.1-1.pgdg120+1", "Debian PostgreSQL Maintainers <team@tracker.debian.org>", None, false),
            ("5:24.0.7-1~debian.12~bookworm", "Docker <support@docker.com>", None, false),
            ("8.0.35-1debian12", "MySQL Release Engineering <mysql-build@oss.oracle.com>", None, false),
            ("120.0.6099.71-1", "Chrome Linux Team <chromium-dev@chromium.org>", None, false),
            ("1.0-1", "A <a@notoracle.com>", None, true),
            ("1.0-1", "A <a@debian.org>", Some("Debian"), true),
            ("1.0-1", "A <a@debian.org>", Some("Example Corp"), false),
        ] {
            let mut deb = package(PackageType::Deb, "x", version);
            deb.maintainer = Some(maintainer.to_owned());
            deb.origin = origin.map(str::to_owned);
            assert_eq!(
                built_by(&deb, &distro("debian", "bookworm")),
                own,
                "{version} {maintainer} {origin:?}"
            );
        }
    }

    #[test]
    fn ubuntu_appends_no_code_name_either() {
        for (version, own) in [("1.18.0-6ubuntu14.4", true), ("2.0-1~22.04.1", true), ("1.25-1~jammy", false)]
        {
            let deb = package(PackageType::Deb, "x", version);
            assert_eq!(built_by(&deb, &distro("ubuntu", "jammy")), own, "{version}");
        }
    }

    #[test]
    fn rpm_packages_name_their_vendor() {
        for (id, vendor, own) in [
            ("almalinux", Some("AlmaLinux"), true),
            ("almalinux", Some("Fedora Project"), false),
            ("almalinux", None, false),
            ("rocky", Some("Rocky Enterprise Software Foundation"), true),
            ("sles", Some("SUSE LLC <https://www.suse.com/>"), true),
            ("rhel", Some("Red Hat, Inc."), true),
            ("unheard-of", Some("Unheard Of"), false),
        ] {
            let mut rpm = package(PackageType::Rpm, "x", "1-1");
            rpm.origin = vendor.map(str::to_owned);
            assert_eq!(built_by(&rpm, &distro(id, "")), own, "{id} {vendor:?}");
        }
    }

    #[test]
    fn apk_packages_are_always_the_repositorys_and_others_are_no_os_packages() {
        assert!(built_by(&package(PackageType::Apk, "x", "1-r0"), &distro("alpine", "")));
        assert!(!built_by(&package(PackageType::Pypi, "x", "1"), &distro("debian", "bookworm")));
    }
}
