//! The Maven group of an archive that does not state one.

use super::manifest::Manifest;

/// Attributes that often hold the group, then those that do if nothing else does. Of what is found the first in
/// alphabetical order counts, the shortest of several that share a start: other scanners choose the same, and
/// advisories can only be compared where names agree.
const LIKELY: &[&str] = &[
    "Group-Id",
    "Bundle-SymbolicName",
    "Extension-Name",
    "Specification-Vendor",
    "Implementation-Vendor",
    "Implementation-Vendor-Id",
    "Implementation-Title",
    "Bundle-Activator",
];
const UNLIKELY: &[&str] = &["Automatic-Module-Name", "Main-Class", "Package"];
/// How a value has to start to pass for a group.
const DOMAINS: &[&str] = &["com", "org", "net", "io", "be"];

/// Widespread artifacts whose archives state no group anywhere, or a wrong one: facts from Maven Central.
const KNOWN: &[(&str, &str)] = &[
    ("ant", "org.apache.ant"),
    ("ant-launcher", "org.apache.ant"),
    ("bcpkix-jdk15on", "org.bouncycastle"),
    ("bcpkix-jdk18on", "org.bouncycastle"),
    ("bcprov-jdk15on", "org.bouncycastle"),
    ("bcprov-jdk18on", "org.bouncycastle"),
    ("commons-codec", "commons-codec"),
    ("commons-logging", "commons-logging"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("tomcat-catalina", "org.apache.tomcat"),
    ("tomcat-coyote", "org.apache.tomcat"),
    ("tomcat-embed-core", "org.apache.tomcat.embed"),
    ("tomcat-embed-el", "org.apache.tomcat.embed"),
    ("tomcat-embed-websocket", "org.apache.tomcat.embed"),
    ("tomcat-jdbc", "org.apache.tomcat"),
    ("tomcat-juli", "org.apache.tomcat"),
    ("tomcat-util", "org.apache.tomcat"),
    ("tomcat-websocket", "org.apache.tomcat"),
];

/// The group of `artifact`: a known one, else what its manifest suggests, else the artifact's own name.
pub(super) fn guess(artifact: &str, manifest: &Manifest) -> String {
    let known =
        KNOWN.binary_search_by_key(&artifact, |(name, _)| name).ok().map(|found| KNOWN[found].1.to_owned());
    known
        .or_else(|| first_of(LIKELY, manifest))
        .or_else(|| first_of(UNLIKELY, manifest))
        .unwrap_or_else(|| artifact.to_owned())
}

/// A group without OSGi directives (`;singleton:=true`) and anchors.
pub(super) fn clean(group: &str) -> &str {
    group.split([';', '#']).next().unwrap_or_default().trim()
}

fn first_of(attributes: &[&str], manifest: &Manifest) -> Option<String> {
    let values = attributes.iter().flat_map(|name| manifest.all(name));
    let groups = values.filter(|value| DOMAINS.iter().any(|domain| value.starts_with(domain))).map(clean);
    groups.min().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KNOWN.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn groups_come_from_the_likeliest_attribute() {
        for (artifact, manifest, group) in [
            ("asm", "Bundle-SymbolicName: org.objectweb.asm;singleton:=true\n", "org.objectweb.asm"),
            (
                "logging",
                "Bundle-SymbolicName: org.apache.commons.logging\nImplementation-Vendor-Id: org.apache\n",
                "org.apache",
            ),
            ("tool", "Main-Class: com.example.Tool\n", "com.example.Tool"),
            ("tool", "Main-Class: com.example.Tool\nExtension-Name: org.example\n", "org.example"),
            ("tool", "Implementation-Vendor: ACME\n", "tool"),
            ("tomcat-juli", "", "org.apache.tomcat"),
        ] {
            assert_eq!(guess(artifact, &Manifest::parse(manifest)), group, "{manifest}");
        }
    }
}
