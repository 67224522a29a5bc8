//! Core metadata of a distribution: header fields as in an e-mail.

/// The fields that are used. The name is as stated: a purl spells it in its own way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: String,
    pub(crate) license_expression: String,
    /// Last parts of `Classifier: License :: …`.
    pub(crate) license_classifiers: Vec<String>,
    pub(crate) author: Person,
    pub(crate) maintainer: Person,
    pub(crate) home_page: String,
}

/// Two fields that name one person.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
}

impl Person {
    /// `name <email>`, or what there is of it.
    pub(crate) fn display(&self) -> Option<String> {
        match (self.name.is_empty(), self.email.is_empty()) {
            (true, true) => None,
            (false, true) => Some(self.name.clone()),
            // `Author-email` may hold names as well: `A <a@example.org>, B <b@example.org>`.
            (true, false) => Some(self.email.clone()),
            (false, false) => Some(format!("{} <{}>", self.name, self.email)),
        }
    }
}

impl Metadata {
    /// Reads the header up to the first empty line. Of a field stated twice the first counts.
    pub(crate) fn parse(text: &str) -> Self {
        let mut metadata = Self::default();
        let mut lines = text.trim_start_matches('\u{feff}').lines().peekable();
        while let Some(line) = lines.next().filter(|line| !line.trim().is_empty()) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let mut value = value.trim().to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with([' ', '\t'])) {
                value.push('\n');
                value.push_str(more.trim());
            }
            metadata.set(name, value);
        }
        metadata
    }

    fn set(&mut self, name: &str, value: String) {
        if value == "UNKNOWN" {
            return; // distutils wrote this where nothing was stated
        }
        let field = match name.to_ascii_lowercase().as_str() {
            "name" => &mut self.name,
            "version" => &mut self.version,
            "license" => &mut self.license,
            "license-expression" => &mut self.license_expression,
            "author" => &mut self.author.name,
            "author-email" => &mut self.author.email,
            "maintainer" => &mut self.maintainer.name,
            "maintainer-email" => &mut self.maintainer.email,
            "home-page" => &mut self.home_page,
            "classifier" => {
                let classifier = value.strip_prefix("License ::").and_then(|rest| rest.rsplit("::").next());
                let classifier = classifier.map(str::trim).filter(|name| *name != "OSI Approved");
                self.license_classifiers.extend(classifier.map(str::to_owned));
                return;
            }
            _ => return,
        };
        if field.is_empty() {
            *field = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_up_to_the_description() {
        let metadata = Metadata::parse(
            "Metadata-Version: 2.1\r\nName: Flask\r\nVersion: 0.12.2\r\nLicense: BSD\n  second line\n\
             Classifier: License :: OSI Approved :: MIT License\nClassifier: Topic :: Internet\n\
             Author: Armin\nAuthor-email: armin@example.org\n\nName: not this\n",
        );
        assert_eq!((metadata.name.as_str(), metadata.version.as_str()), ("Flask", "0.12.2"));
        assert_eq!(metadata.license, "BSD\nsecond line");
        assert_eq!(metadata.license_classifiers, ["MIT License"]);
        assert_eq!(metadata.author.display().unwrap(), "Armin <armin@example.org>");
        assert_eq!(metadata.maintainer.display(), None);
    }

    #[test]
    fn lines_that_are_no_fields_are_passed_over() {
        let metadata = Metadata::parse("\u{feff}nonsense\n  more\nName: a\nname: b\nVersion: UNKNOWN\n");
        assert_eq!(metadata, Metadata { name: "a".into(), ..Metadata::default() });
    }
}
