//! What Maven puts into an archive: `pom.properties` and `pom.xml`.

use quick_xml::{Reader, events::Event};

/// Coordinates, as far as they are stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pom {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
    /// Names of licences, or their addresses.
    pub(super) licenses: Vec<String>,
}

/// Licences beyond this number are not.
const LICENSES_LIMIT: usize = 64;

impl Pom {
    /// Reads `pom.properties`.
    pub(super) fn from_properties(text: &str) -> Self {
        let mut pom = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '!'])) {
            let Some(at) = line.find(['=', ':']) else { continue };
            let value = line[at + 1..].trim();
            match line[..at].trim() {
                "groupId" => value.clone_into(&mut pom.group),
                "artifactId" => value.clone_into(&mut pom.artifact),
                "version" => value.clone_into(&mut pom.version),
                _ => {}
            }
        }
        pom
    }

    /// Reads `pom.xml`: the project's own coordinates and, where it leaves them out, its parent's. A value with a
    /// `${property}` counts as left out. What is broken is read up to there.
    pub(super) fn from_xml(text: &str) -> Self {
        let (mut own, mut parent) = (Self::default(), Self::default());
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = false;
        let mut path: Vec<String> = Vec::new();
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) if path.len() < DEPTH => {
                    path.push(start.local_name().as_ref().to_owned());
                }
                Ok(Event::End(_)) => {
                    path.pop();
                }
                Ok(Event::Text(text)) => {
                    let value = text.trim();
                    if !value.is_empty() && !value.contains("${") {
                        set(&mut own, &mut parent, &path, value);
                    }
                }
                Ok(Event::Eof | Event::Start(_)) | Err(_) => break,
                Ok(_) => {}
            }
        }
        let or = |own: String, parent: String| if own.is_empty() { parent } else { own };
        Self { group: or(own.group, parent.group), version: or(own.version, parent.version), ..own }
    }

    /// Whether it names one exact artifact.
    pub(super) fn is_whole(&self) -> bool {
        !self.group.is_empty() && !self.artifact.is_empty() && !self.version.is_empty()
    }
}

/// Deeper than any real one.
const DEPTH: usize = 64;

fn set(own: &mut Pom, parent: &mut Pom, path: &[String], value: &str) {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (pom, field) = match path[..] {
        ["project", field] => (own, field),
        ["project", "parent", field] => (parent, field),
        ["project", "licenses", "license", "name"] if own.licenses.len() < LICENSES_LIMIT => {
            own.licenses.push(value.to_owned());
            return;
        }
        _ => return,
    };
    match field {
        "groupId" => value.clone_into(&mut pom.group),
        "artifactId" => value.clone_into(&mut pom.artifact),
        "version" => value.clone_into(&mut pom.version),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_may_use_either_separator() {
        let pom = Pom::from_properties(
            "#Generated\r\ngroupId=org.example\r\nartifactId: tool\nversion = 1=2:3\nx\n",
        );
        assert_eq!(
            (pom.group.as_str(), pom.artifact.as_str(), pom.version.as_str()),
            ("org.example", "tool", "1=2:3")
        );
        assert!(pom.is_whole());
    }

    #[test]
    fn a_project_inherits_what_it_leaves_out() {
        let pom = Pom::from_xml(
            "<?xml version='1.0'?><project xmlns='x'><parent><groupId>org.example</groupId>
            <artifactId>parent</artifactId><version>7</version></parent>
            <artifactId> tool </artifactId><version>${revision}</version>
            <dependencies><dependency><groupId>no</groupId></dependency></dependencies>
            <licenses><license><name>MIT</name></license></licenses></project>",
        );
        assert_eq!(
            (pom.group.as_str(), pom.artifact.as_str(), pom.version.as_str()),
            ("org.example", "tool", "7")
        );
        assert_eq!(pom.licenses, ["MIT"]);
    }

    #[test]
    fn broken_projects_give_what_they_have() {
        assert_eq!(Pom::from_xml("<project><artifactId>a</artifactId><version>1<").artifact, "a");
        assert_eq!(
            Pom::from_xml("<!DOCTYPE x [<!ENTITY e 'e'>]><project><version>&e;</version>"),
            Pom::default()
        );
        assert_eq!(Pom::from_xml(&"<a>".repeat(100_000)), Pom::default());
    }
}
