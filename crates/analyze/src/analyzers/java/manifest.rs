//! `META-INF/MANIFEST.MF`.

/// A manifest: the main section and the named ones.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    sections: Vec<Vec<(String, String)>>,
}

impl Manifest {
    /// Reads the text. Lines that are no attributes are passed over, as the JVM's own reader is more forgiving
    /// than the specification, and tools have used that.
    pub(super) fn parse(text: &str) -> Self {
        let mut sections: Vec<Vec<(String, String)>> = Vec::new();
        let mut in_section = false;
        for line in text.trim_start_matches('\u{feff}').lines() {
            if line.is_empty() {
                in_section = false;
            } else if let Some(more) = line.strip_prefix(' ') {
                let last = sections.last_mut().filter(|_| in_section).and_then(|section| section.last_mut());
                if let Some((_, value)) = last {
                    value.push_str(more.trim());
                }
            } else if let Some((name, value)) =
                line.split_once(':').filter(|(name, _)| !name.trim().is_empty())
            {
                if !in_section {
                    sections.push(Vec::new());
                    in_section = true;
                }
                let attribute = (name.trim().to_owned(), value.trim().to_owned());
                sections.last_mut().into_iter().for_each(|section| section.push(attribute.clone()));
            }
        }
        Self { sections }
    }

    /// An attribute of the main section; empty attributes count as absent.
    pub(super) fn main(&self, name: &str) -> Option<&str> {
        attribute(self.sections.first()?, name)
    }

    /// An attribute of the main section, else of the first named one that has it.
    pub(super) fn any(&self, name: &str) -> Option<&str> {
        self.sections.iter().find_map(|section| attribute(section, name))
    }

    /// The attribute of every section that has it.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.sections.iter().filter_map(move |section| attribute(section, name))
    }
}

fn attribute<'a>(section: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = section.iter().find(|(other, value)| other == name && !value.is_empty());
    found.map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_continued_lines_are_read() {
        let manifest = Manifest::parse(
            "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.example.very\r\n .long\r\nnonsense\r\n\r\n\
             Name: org/example\r\nImplementation-Version: 2.0\r\n\r\n stray\r\n",
        );
        assert_eq!(manifest.main("Bundle-SymbolicName"), Some("org.example.very.long"));
        assert_eq!(manifest.main("Implementation-Version"), None);
        assert_eq!(manifest.any("Implementation-Version"), Some("2.0"));
    }

    #[test]
    fn empty_lines_before_the_main_section_do_not_make_one() {
        assert_eq!(Manifest::parse("\n\n continued\nA: b\n").main("A"), Some("b"));
        assert_eq!(Manifest::parse("").main("A"), None);
    }
}
