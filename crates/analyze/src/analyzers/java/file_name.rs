//! Name and version in the file name of an archive: `commons-lang3-3.12.0.jar`.

/// What a file name says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    /// Empty if the name is nothing an artifact is called.
    pub(super) name: &'a str,
    /// Empty if there is none.
    pub(super) version: &'a str,
}

impl<'a> FileName<'a> {
    /// Takes apart the last component of `path`. The version starts at the first dash after which something looks
    /// like one; failing that at the first dot, dash or underscore.
    pub(super) fn parse(path: &'a str) -> Self {
        let file = path.rsplit('/').next().unwrap_or_default();
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let dashes = stem.match_indices('-').map(|(at, _)| at);
        let mut splits = dashes.map(|at| (&stem[..at], &stem[at + 1..]));
        if let Some((name, version)) =
            splits.find(|(name, version)| is_name(name) && is_version(&version.to_ascii_lowercase()))
        {
            return Self { name, version };
        }
        if !is_name(stem) {
            return Self::default();
        }
        let separators = stem.match_indices(['.', '-', '_']).map(|(at, _)| at);
        let mut splits = separators.map(|at| (&stem[..at], &stem[at + 1..]));
        match splits.find(|(_, version)| is_version(version)) {
            Some((name, version)) => Self { name, version },
            None => Self { name: stem, version: "" },
        }
    }

    /// The artifact: of a name that looks like `group.artifact` its last part. Eclipse names its artifacts that way.
    pub(super) fn artifact(&self) -> &'a str {
        let is_identifier =
            |part: &str| part.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$'));
        if !self.name.starts_with("org.eclipse.") && self.name.split('.').all(is_identifier) {
            self.name.rsplit('.').next().unwrap_or_default()
        } else {
            self.name
        }
    }
}

/// Parts joined by dashes, each a letter followed by letters, digits, dots and underscores; one dash may end it.
fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
    };
    let text = text.strip_suffix('-').unwrap_or(text);
    text.split('-').all(is_part)
}

/// A digit and anything; `build` and a digit and anything; `r` or `rc` and digits.
fn is_version(text: &str) -> bool {
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let release = text.strip_prefix("rc").or_else(|| text.strip_prefix('r')).unwrap_or_default();
    starts_with_digit(text)
        || text.strip_prefix("build").is_some_and(starts_with_digit)
        || (!release.is_empty() && release.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_starts_where_it_looks_like_one() {
        for (path, name, version) in [
            ("usr/share/java/commons-lang3-3.12.0.jar", "commons-lang3", "3.12.0"),
            ("commons-lang3.jar", "commons-lang3", ""),
            ("jsr305-0.1~+svn49.jar", "jsr305", "0.1~+svn49"),
            ("my-http2-server-5.war", "my-http2-server", "5"),
            ("pkg-extra-field-maven-4.3.2-rc1.war", "pkg-extra-field-maven", "4.3.2-rc1"),
            ("jetpack-build235-RC5.jar", "jetpack", "build235-RC5"),
            ("spring3-core-3.x.jar", "spring3-core", "3.x"),
            ("org.eclipse.osgi_3.18.0.v2021.jar", "org.eclipse.osgi", "3.18.0.v2021"),
            ("log4j-1.2-api.jar", "log4j", "1.2-api"),
            ("a--1.jar", "a-", "1"),
            ("1.jar", "", ""),
            ("ü-1.jar", "", ""),
            (".jar", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(FileName::parse(path), FileName { name, version }, "{path}");
        }
    }

    #[test]
    fn a_group_before_the_artifact_is_dropped() {
        for (path, artifact) in [
            ("com.google.guava.guava-31.jar", "guava"),
            ("org.eclipse.osgi-3.jar", "org.eclipse.osgi"),
            ("geronimo-annotation_1.3_spec.jar", "geronimo-annotation"),
            ("plain.jar", "plain"),
            ("", ""),
        ] {
            assert_eq!(FileName::parse(path).artifact(), artifact, "{path}");
        }
    }
}
