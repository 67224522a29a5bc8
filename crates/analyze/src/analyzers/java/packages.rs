//! Which packages one archive is, and holds the classes of.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_types::{LicenseClaim, PackageRecord, PackageType, PathBytes};

use super::{file_name::FileName, group_id, manifest::Manifest, pom::Pom};
use crate::license;

/// Longer than any coordinate.
const TEXT_LIMIT: usize = 512;

/// What an archive says of itself. POMs are keyed by the directory they are in.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) manifest: Option<Manifest>,
    pub(super) properties: BTreeMap<String, Pom>,
    pub(super) projects: BTreeMap<String, Pom>,
}

/// The packages of the archive called `file`: the archive itself, which takes a manifest, and every artifact whose
/// POM is in it, because shaded archives carry the POMs of what they were made of.
pub(super) fn packages(file: &str, contents: &Contents, stated_in: &PathBytes) -> Vec<PackageRecord> {
    let manifest = contents.manifest.as_ref();
    // Instrumentation for another artifact carries the name of that artifact.
    if manifest.is_some_and(|manifest| manifest.main("Weave-Classes").is_some()) {
        return Vec::new();
    }
    let poms = completed(contents);
    let main = manifest.and_then(|manifest| Main::of(file, manifest, contents, &poms));
    let mut packages = Vec::new();
    let mut seen = BTreeSet::new();
    let mut push = |package: PackageRecord| {
        let texts = [&package.name, &package.version];
        let sane = texts.iter().all(|text| text.len() <= TEXT_LIMIT);
        if sane && seen.insert((package.name.clone(), package.version.clone())) {
            packages.push(package);
        }
    };
    if let (Some(main), Some(manifest)) = (&main, manifest) {
        push(main.package(manifest, &poms, stated_in));
    }
    let own = main.and_then(|main| main.pom);
    for (directory, pom) in &poms {
        if own.as_ref() != Some(directory) {
            push(package(&group_of(pom), &pom.artifact, &pom.version, claims(&pom.licenses, stated_in)));
        }
    }
    for (directory, project) in &contents.projects {
        if !contents.properties.contains_key(directory) && is_at_its_place(directory, project) {
            let licenses = claims(&project.licenses, stated_in);
            push(package(&project.group, &project.artifact, &project.version, licenses));
        }
    }
    packages
}

/// The properties that name an artifact and a version, with what their `pom.xml` adds.
fn completed(contents: &Contents) -> BTreeMap<String, Pom> {
    let complete = |(directory, pom): (&String, &Pom)| {
        let mut pom = pom.clone();
        if let Some(project) = contents.projects.get(directory) {
            for (own, other) in [(&mut pom.group, &project.group), (&mut pom.version, &project.version)] {
                if own.is_empty() {
                    other.clone_into(own);
                }
            }
            project.licenses.clone_into(&mut pom.licenses);
        }
        (!pom.artifact.is_empty() && !pom.version.is_empty()).then(|| (directory.clone(), pom))
    };
    contents.properties.iter().filter_map(complete).collect()
}

/// The archive itself.
struct Main {
    artifact: String,
    version: String,
    /// Directory of the POM that describes it.
    pom: Option<String>,
}

impl Main {
    /// From the POM whose artifact fits the file name; else from bundle name, file name and manifest.
    fn of(
        file: &str,
        manifest: &Manifest,
        contents: &Contents,
        poms: &BTreeMap<String, Pom>,
    ) -> Option<Self> {
        let file = FileName::parse(file);
        let exact = poms.values().any(|pom| pom.artifact == file.name);
        let alike = |artifact: &str| {
            !file.name.is_empty() && (artifact.starts_with(file.name) || file.name.ends_with(artifact))
        };
        let fits = |pom: &Pom| if exact { pom.artifact == file.name } else { alike(&pom.artifact) };
        let mut fitting = poms.iter().filter(|(_, pom)| fits(pom));
        let last = fitting.clone().next_back();
        let found = fitting.find(|(directory, _)| contents.projects.contains_key(*directory)).or(last);
        if let Some((directory, pom)) = found {
            let pom = (pom.artifact.clone(), pom.version.clone(), Some(directory.clone()));
            return Some(Self { artifact: pom.0, version: pom.1, pom: pom.2 });
        }
        let artifact = artifact_of(manifest, &file).filter(|artifact| !artifact.is_empty())?;
        let own = poms.iter().find(|(_, pom)| pom.artifact == artifact);
        let version = match own {
            Some((_, pom)) => &pom.version,
            None => version_of(manifest, &file),
        };
        Some(Self {
            artifact: artifact.to_owned(),
            version: version.to_owned(),
            pom: own.map(|own| own.0.clone()),
        })
    }

    fn package(
        &self,
        manifest: &Manifest,
        poms: &BTreeMap<String, Pom>,
        stated_in: &PathBytes,
    ) -> PackageRecord {
        let pom = self.pom.as_ref().and_then(|directory| poms.get(directory));
        let group = match pom {
            Some(pom) if pom.group.is_empty() && !pom.artifact.contains('.') => {
                group_id::guess(&self.artifact, manifest)
            }
            Some(pom) => group_of(pom),
            None => group_id::guess(&self.artifact, manifest),
        };
        let stated =
            ["Bundle-License", "Plugin-License-Name"].into_iter().filter_map(|name| manifest.any(name));
        let stated: Vec<String> = stated.map(|value| unquoted(value).to_owned()).collect();
        let licenses = match (stated.is_empty(), pom) {
            (true, Some(pom)) => claims(&pom.licenses, stated_in),
            _ => claims(&stated, stated_in),
        };
        let vendor = manifest.main("Implementation-Vendor").or_else(|| manifest.main("Bundle-Vendor"));
        let vendor = vendor.filter(|vendor| vendor.len() <= TEXT_LIMIT).map(str::to_owned);
        PackageRecord { vendor, ..package(&group, &self.artifact, &self.version, licenses) }
    }
}

fn artifact_of<'a>(manifest: &'a Manifest, file: &FileName<'a>) -> Option<&'a str> {
    let of_file = Some(file.artifact()).filter(|artifact| !artifact.is_empty());
    let titles = ["Name", "Bundle-Name", "Short-Name", "Extension-Name", "Implementation-Title"];
    artifact_of_bundle(manifest)
        .or(of_file)
        .or_else(|| titles.into_iter().find_map(|title| manifest.main(title)))
}

/// The Maven bundle plugin makes the symbolic name `group.artifact`, unless it was told the vendor's id alone.
fn artifact_of_bundle(manifest: &Manifest) -> Option<&str> {
    let made_by_plugin = manifest.main("Created-By")?.contains("Apache Maven Bundle Plugin");
    let name = manifest.main("Bundle-SymbolicName").filter(|_| made_by_plugin)?;
    (manifest.main("Implementation-Vendor-Id") != Some(name)).then(|| name.rsplit('.').next())?
}

fn version_of<'a>(manifest: &'a Manifest, file: &FileName<'a>) -> &'a str {
    let stated = ["Implementation-Version", "Specification-Version", "Plugin-Version", "Bundle-Version"];
    match file.version {
        "" => stated.into_iter().find_map(|name| manifest.any(name)).unwrap_or_default(),
        version => version,
    }
}

/// Some publishers put the group into the artifact.
fn group_of(pom: &Pom) -> String {
    let group = if pom.group.is_empty() { &pom.artifact } else { &pom.group };
    group_id::clean(group).to_owned()
}

/// A `pom.xml` alone is that of a packed artifact only where Maven puts those; elsewhere it is a template.
fn is_at_its_place(directory: &str, project: &Pom) -> bool {
    let place = directory.rsplit_once("META-INF/maven/").and_then(|(_, place)| place.split_once('/'));
    project.is_whole() && place == Some((&project.group, &project.artifact))
}

fn package(group: &str, artifact: &str, version: &str, licenses: Vec<LicenseClaim>) -> PackageRecord {
    let name = format!("{group}:{artifact}");
    PackageRecord { licenses, ..PackageRecord::new(PackageType::Maven, name, version) }
}

fn claims(stated: &[String], stated_in: &PathBytes) -> Vec<LicenseClaim> {
    stated.iter().filter_map(|value| license::claim(value, stated_in)).collect()
}

/// `"Apache-2.0";link="https://…"` in a bundle header.
fn unquoted(value: &str) -> &str {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.split('"').next());
    quoted.unwrap_or_else(|| value.split(';').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pom(text: &str) -> Pom {
        let mut parts = text.split(':');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        Pom { group: next(), artifact: next(), version: next(), licenses: Vec::new() }
    }

    fn found(file: &str, manifest: Option<&str>, properties: &[&str], projects: &[&str]) -> Vec<String> {
        let keyed = |poms: &[&str]| {
            let key = |pom: &Pom| format!("META-INF/maven/{}/{}", pom.group, pom.artifact);
            poms.iter().map(|text| pom(text)).map(|pom| (key(&pom), pom)).collect()
        };
        let contents = Contents {
            manifest: manifest.map(Manifest::parse),
            properties: keyed(properties),
            projects: keyed(projects),
        };
        let packages = packages(file, &contents, &"x.jar".into());
        packages.iter().map(|package| format!("{}@{}", package.name, package.version)).collect()
    }

    #[test]
    fn the_pom_that_fits_the_file_name_describes_the_archive() {
        assert_eq!(
            found("guava-31.jar", Some("A: b"), &["com.google.guava:guava:31.1-jre"], &[]),
            ["com.google.guava:guava@31.1-jre"]
        );
    }

    #[test]
    fn shaded_artifacts_are_packages_too() {
        assert_eq!(
            found(
                "wagon-http-shaded-3.5.3.jar",
                Some("A: b"),
                &["commons-codec:commons-codec:1.15", "org.x:wagon:3"],
                &[]
            ),
            [
                "wagon-http-shaded:wagon-http-shaded@3.5.3",
                "commons-codec:commons-codec@1.15",
                "org.x:wagon@3"
            ]
        );
    }

    #[test]
    fn an_artifact_shaded_from_two_groups_is_two_packages() {
        assert_eq!(
            found("thename-1.jar", Some("A: b"), &["com.a:thename:1", "org.a:thename:1"], &[]),
            ["org.a:thename@1", "com.a:thename@1"]
        );
    }

    #[test]
    fn without_a_manifest_poms_still_count() {
        assert_eq!(found("x.jar", None, &["org.x:a:1"], &[]), ["org.x:a@1"]);
        assert!(found("x-1.jar", None, &[], &[]).is_empty());
    }

    #[test]
    fn a_pom_without_properties_counts_at_its_place() {
        assert_eq!(found("b-1.jar", Some("A: b"), &[], &["org.x:b:1"]), ["b:b@1", "org.x:b@1"]);
        let contents =
            Contents { projects: [("archetype".into(), pom("org.x:b:1"))].into(), ..Contents::default() };
        assert!(packages("x.jar", &contents, &"x.jar".into()).is_empty());
    }

    #[test]
    fn a_pom_fills_in_what_its_properties_lack() {
        let contents = Contents {
            properties: [("d".into(), pom(":a:1"))].into(),
            projects: [("d".into(), pom("org.x:a:2"))].into(),
            ..Contents::default()
        };
        assert_eq!(packages("x.jar", &contents, &"x.jar".into())[0].name, "org.x:a");
    }

    #[test]
    fn the_manifest_and_the_file_name_are_the_last_resort() {
        let bundle = "Created-By: Apache Maven Bundle Plugin\nBundle-SymbolicName: org.apache.commons.logging\n\
                      Implementation-Version: 9\n";
        assert_eq!(
            found("commons-logging-1.2.jar", Some(bundle), &[], &[]),
            ["org.apache.commons.logging:logging@1.2"]
        );
        assert_eq!(found("guice.jar", Some("Bundle-Version: 4.2.3"), &[], &[]), ["guice:guice@4.2.3"]);
        assert_eq!(found("1.jar", Some("Short-Name: tool\nPlugin-Version: 2"), &[], &[]), ["tool:tool@2"]);
        assert!(found("1.jar", Some("A: b"), &[], &[]).is_empty());
    }

    #[test]
    fn instrumentation_is_not_what_it_instruments() {
        assert!(found("spring-4.3.0.jar", Some("Weave-Classes: x"), &["org.x:a:1"], &[]).is_empty());
    }

    #[test]
    fn bundle_licences_lose_their_quotes() {
        assert_eq!(unquoted("\"Apache-2.0\";link=\"https://x\""), "Apache-2.0");
        assert_eq!(unquoted("MIT;link=x"), "MIT");
    }
}
