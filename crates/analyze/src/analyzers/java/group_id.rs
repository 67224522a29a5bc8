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

/// Widespread artifacts whose archives carry no POM and state no group, or a wrong one (most are built with Gradle or
/// Ant): facts from Maven Central.
const KNOWN: &[(&str, &str)] = &[
    ("ant", "org.apache.ant"),
    ("commons-codec", "commons-codec"),
    ("commons-logging", "commons-logging"),
    ("elasticsearch", "org.elasticsearch"),
    ("kafka-clients", "org.apache.kafka"),
    ("mysql-connector-j", "com.mysql"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("okio-jvm", "com.squareup.okio"),
    ("reactor-core", "io.projectreactor"),
    ("retrofit", "com.squareup.retrofit2"),
    ("spring-amqp", "org.springframework.amqp"),
    ("spring-aop", "org.springframework"),
    ("spring-aspects", "org.springframework"),
    ("spring-beans", "org.springframework"),
    ("spring-context", "org.springframework"),
    ("spring-context-indexer", "org.springframework"),
    ("spring-context-support", "org.springframework"),
    ("spring-core", "org.springframework"),
    ("spring-core-test", "org.springframework"),
    ("spring-expression", "org.springframework"),
    ("spring-graphql", "org.springframework.graphql"),
    ("spring-hateoas", "org.springframework.hateoas"),
    ("spring-instrument", "org.springframework"),
    ("spring-jcl", "org.springframework"),
    ("spring-jdbc", "org.springframework"),
    ("spring-jms", "org.springframework"),
    ("spring-kafka", "org.springframework.kafka"),
    ("spring-ldap-core", "org.springframework.ldap"),
    ("spring-messaging", "org.springframework"),
    ("spring-orm", "org.springframework"),
    ("spring-oxm", "org.springframework"),
    ("spring-r2dbc", "org.springframework"),
    ("spring-rabbit", "org.springframework.amqp"),
    ("spring-retry", "org.springframework.retry"),
    ("spring-test", "org.springframework"),
    ("spring-tx", "org.springframework"),
    ("spring-web", "org.springframework"),
    ("spring-webflux", "org.springframework"),
    ("spring-webmvc", "org.springframework"),
    ("spring-websocket", "org.springframework"),
    ("tomcat", "org.apache.tomcat"),
];
/// Families of such artifacts, by the start of their names; the first that fits counts.
const FAMILIES: &[(&str, &str)] = &[
    ("ant-", "org.apache.ant"),
    ("bcjmail-", "org.bouncycastle"),
    ("bcmail-", "org.bouncycastle"),
    ("bcpg-", "org.bouncycastle"),
    ("bcpkix-", "org.bouncycastle"),
    ("bcprov-", "org.bouncycastle"),
    ("bctls-", "org.bouncycastle"),
    ("bcutil-", "org.bouncycastle"),
    ("grpc-", "io.grpc"),
    ("kotlin-", "org.jetbrains.kotlin"),
    ("kotlinx-coroutines-", "org.jetbrains.kotlinx"),
    ("kotlinx-serialization-", "org.jetbrains.kotlinx"),
    ("lucene-", "org.apache.lucene"),
    ("micrometer-", "io.micrometer"),
    ("reactor-netty", "io.projectreactor.netty"),
    ("spring-batch-", "org.springframework.batch"),
    ("spring-boot", "org.springframework.boot"),
    ("spring-cloud-", "org.springframework.cloud"),
    ("spring-data-", "org.springframework.data"),
    ("spring-integration-", "org.springframework.integration"),
    ("spring-security-", "org.springframework.security"),
    ("spring-session-", "org.springframework.session"),
    ("spring-ws-", "org.springframework.ws"),
    ("tomcat-embed-", "org.apache.tomcat.embed"),
    ("tomcat-", "org.apache.tomcat"),
];

/// The group of `artifact`: a known one, else what its manifest suggests, else the artifact's own name.
pub(super) fn guess(artifact: &str, manifest: &Manifest) -> String {
    known(artifact)
        .map(str::to_owned)
        .or_else(|| first_of(LIKELY, manifest))
        .or_else(|| first_of(UNLIKELY, manifest))
        .unwrap_or_else(|| artifact.to_owned())
}

fn known(artifact: &str) -> Option<&'static str> {
    let exact = KNOWN.binary_search_by_key(&artifact, |(name, _)| name).ok().map(|found| KNOWN[found].1);
    exact.or_else(|| FAMILIES.iter().find(|(start, _)| artifact.starts_with(start)).map(|(_, group)| *group))
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
            ("tomcat-embed-core", "Main-Class: org.apache.Wrong\n", "org.apache.tomcat.embed"),
            ("spring-webmvc", "Automatic-Module-Name: spring.webmvc\n", "org.springframework"),
            ("spring-boot-actuator", "", "org.springframework.boot"),
        ] {
            assert_eq!(guess(artifact, &Manifest::parse(manifest)), group, "{manifest}");
        }
    }
}
