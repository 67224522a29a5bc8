//! From a record to a package of the inventory: its id and its purl.

use plimsoll_types::{Distro, Package, PackageRecord, PackageType, PathBytes, Purl};

/// The package a record describes; layer, locations and owner are filled in by the caller.
pub(crate) fn package(
    record: &PackageRecord,
    analyzer: &str,
    root: &PathBytes,
    distro: Option<&Distro>,
    location: &PathBytes,
) -> Package {
    let location = if record.nested_in.is_empty() {
        text_of(location)
    } else {
        format!("{location}!/{}", record.nested_in)
    };
    Package {
        id: id(record, root, &location),
        name: record.name.clone(),
        version: record.version.clone(),
        package_type: record.package_type,
        arch: record.arch.clone(),
        epoch: record.epoch,
        purl: purl(record, distro),
        source: record.source.clone(),
        origin: record.vendor.clone(),
        maintainer: record.maintainer.clone(),
        licenses: record.licenses.clone(),
        layer: None,
        locations: vec![location],
        analyzer: analyzer.to_owned(),
        owned_by: None,
        root: text_of(root),
    }
}

/// `type/name@version`, then what else tells it from its siblings: architecture and root for packages of a
/// database, the file for all others.
fn id(record: &PackageRecord, root: &PathBytes, location: &str) -> String {
    let root = (record.package_type.is_os() && !root.is_root()).then(|| text_of(root));
    let place = if record.package_type.is_os() { root.as_deref() } else { Some(location) };
    let (colon, arch) = record.arch.as_ref().map_or(("", ""), |arch| (":", arch));
    let (hash, place) = place.map_or(("", ""), |place| ("#", place));
    let package_type = record.package_type.as_str();
    [package_type, "/", &record.name, "@", &record.version, colon, arch, hash, place].concat()
}

/// As [`PathBytes`] shows itself, for the many that are UTF-8 without what formatting costs.
pub(crate) fn text_of(path: &PathBytes) -> String {
    path.to_str().map_or_else(|| path.to_string(), |text| ["/", text].concat())
}

/// The purl as the purl types define it and other scanners write it.
fn purl(record: &PackageRecord, distro: Option<&Distro>) -> Option<Purl> {
    if record.name.is_empty() {
        return None;
    }
    let (namespace, name) = match record.package_type {
        PackageType::Deb | PackageType::Apk | PackageType::Rpm => (distro.map(vendor), record.name.as_str()),
        PackageType::Maven => split(&record.name, ':'),
        PackageType::Npm | PackageType::Golang | PackageType::Composer => split(&record.name, '/'),
        _ => (None, record.name.as_str()),
    };
    let mut purl = Purl::new(record.package_type.as_str(), namespace, name, Some(&record.version));
    if record.package_type.is_os() {
        if let Some(arch) = &record.arch {
            purl = purl.with_qualifier("arch", arch);
        }
        if let Some(distro) = distro {
            purl = purl.with_qualifier("distro", &release(distro));
        }
        purl = purl.with_qualifier("upstream", &upstream(record));
        if let (PackageType::Rpm, Some(epoch)) = (record.package_type, record.epoch) {
            purl = purl.with_qualifier("epoch", &epoch.to_string());
        }
        if let Some((_, label)) = record.extra.iter().find(|(key, _)| key == "modularitylabel") {
            purl = purl.with_qualifier("rpmmod", label);
        }
    }
    Some(purl)
}

fn split(name: &str, separator: char) -> (Option<&str>, &str) {
    match name.rsplit_once(separator) {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, name),
    }
}

/// The namespace other scanners use: os-release `ID`, with two names the purl spec spells otherwise.
fn vendor(distro: &Distro) -> &str {
    match distro.id.as_str() {
        "rhel" => "redhat",
        id if id.starts_with("opensuse") => "opensuse",
        id => id,
    }
}

fn release(distro: &Distro) -> String {
    match distro.version_id.as_ref().or(distro.codename.as_ref()) {
        Some(version) => format!("{}-{version}", distro.id),
        None => distro.id.clone(),
    }
}

/// What the package was built from, where that is not its own name: `name[@version]`, for rpm the file name
/// of the source package.
fn upstream(record: &PackageRecord) -> String {
    if record.package_type == PackageType::Rpm {
        let file = record.extra.iter().find(|(key, _)| key == "sourcerpm");
        return file.map(|(_, file)| file.clone()).unwrap_or_default();
    }
    match &record.source {
        Some(source) => {
            let version = source.version.as_ref().filter(|version| **version != record.version);
            match version {
                Some(version) => format!("{}@{version}", source.name),
                None if source.name != record.name => source.name.clone(),
                None => String::new(),
            }
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_types::SourcePackage;

    use super::*;

    fn debian() -> Distro {
        Distro { id: "debian".into(), version_id: Some("12".into()), ..Distro::default() }
    }

    #[test]
    fn a_deb_names_its_release_architecture_and_source() {
        let mut record = PackageRecord::new(PackageType::Deb, "libc6", "2.36-9+deb12u4");
        record.arch = Some("amd64".into());
        record.source = Some(SourcePackage { name: "glibc".into(), version: None });
        let package = package(
            &record,
            "debian/dpkg",
            &PathBytes::root(),
            Some(&debian()),
            &"var/lib/dpkg/status".into(),
        );
        assert_eq!(
            package.purl.unwrap().to_string(),
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc"
        );
        assert_eq!(package.id, "deb/libc6@2.36-9+deb12u4:amd64");
    }

    #[test]
    fn names_with_a_group_a_scope_or_a_path_split() {
        let purl_of = |package_type, name| {
            purl(&PackageRecord::new(package_type, name, "1"), None).unwrap().to_string()
        };
        assert_eq!(purl_of(PackageType::Maven, "org.apache:io"), "pkg:maven/org.apache/io@1");
        assert_eq!(purl_of(PackageType::Npm, "@babel/core"), "pkg:npm/%40babel/core@1");
        assert_eq!(purl_of(PackageType::Golang, "github.com/a/b/v2"), "pkg:golang/github.com/a/b/v2@1");
        assert_eq!(purl_of(PackageType::Golang, "stdlib"), "pkg:golang/stdlib@1");
    }

    #[test]
    fn nested_archives_and_roots_are_part_of_the_id() {
        let mut jar = PackageRecord::new(PackageType::Maven, "g:a", "1");
        jar.nested_in = "lib/a.jar".into();
        let built = package(&jar, "java/archive", &PathBytes::root(), None, &"srv/app.war".into());
        assert_eq!(
            (built.id.as_str(), built.locations[0].as_str()),
            ("maven/g:a@1#/srv/app.war!/lib/a.jar", "/srv/app.war!/lib/a.jar")
        );
        let deb = PackageRecord::new(PackageType::Deb, "a", "1");
        assert_eq!(
            package(&deb, "x", &"srv/root".into(), None, &"srv/root/status".into()).id,
            "deb/a@1#/srv/root"
        );
    }
}
