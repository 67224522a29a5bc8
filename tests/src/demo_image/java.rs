//! Java archives: a jar, and a war with jars in it.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::image::Layer;

/// The layer with the archives.
pub(super) fn archives() -> anyhow::Result<Layer> {
    let inner = [
        ("com.fasterxml.jackson.core", "jackson-databind", "2.9.9"),
        ("org.apache.commons", "commons-text", "1.9"),
        ("org.springframework", "spring-beans", "5.3.17"),
        ("org.springframework", "spring-core", "5.3.17"),
        ("org.yaml", "snakeyaml", "1.29"),
    ];
    let mut war = vec![("WEB-INF/web.xml".to_owned(), b"<web-app/>\n".to_vec())];
    for (group, artifact, version) in inner {
        war.push((format!("WEB-INF/lib/{artifact}-{version}.jar"), jar(group, artifact, version)?));
    }
    let log4j = jar("org.apache.logging.log4j", "log4j-core", "2.14.1")?;
    Ok(Layer::new("COPY target/shop.war lib/ /srv/java/")
        .directories("srv/java/lib")
        .file("srv/java/lib/log4j-core-2.14.1.jar", log4j)
        .file("srv/java/shop.war", archive(&war)?))
}

/// A jar as Maven builds it: a manifest and pom.properties.
fn jar(group: &str, artifact: &str, version: &str) -> anyhow::Result<Vec<u8>> {
    let manifest = format!(
        "Manifest-Version: 1.0\r\nImplementation-Title: {artifact}\r\nImplementation-Version: {version}\r\n\r\n"
    );
    let properties = format!("version={version}\ngroupId={group}\nartifactId={artifact}\n");
    archive(&[
        ("META-INF/MANIFEST.MF".to_owned(), manifest.into_bytes()),
        (format!("META-INF/maven/{group}/{artifact}/pom.properties"), properties.into_bytes()),
    ])
}

/// A zip without times.
fn archive(files: &[(String, Vec<u8>)]) -> anyhow::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default())?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}
