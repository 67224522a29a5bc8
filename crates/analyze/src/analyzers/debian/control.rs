//! Stanzas of `Name: value` fields, as deb822(5) defines them.

use std::io::Read;

use crate::ReadError;
use crate::lines::Lines;

/// Reads stanzas, keeping only fields somebody asks for.
pub(super) struct Stanzas<R> {
    lines: Lines<R>,
    wanted: &'static [&'static str],
}

/// The wanted fields of one stanza: first lines only, which is all of a simple field.
pub(super) struct Stanza {
    /// The line it starts at.
    pub(super) line: u64,
    values: Vec<Option<String>>,
    wanted: &'static [&'static str],
}

impl Stanza {
    /// The value of a wanted field, if it is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let at = self.wanted.iter().position(|wanted| *wanted == name)?;
        self.values[at].as_deref().filter(|value| !value.is_empty())
    }
}

impl<R: Read> Stanzas<R> {
    /// `wanted` names are compared without case, as the format has it.
    pub(super) fn new(reader: R, wanted: &'static [&'static str]) -> Self {
        Self { lines: Lines::new(reader), wanted }
    }

    /// The next stanza, or none at the end.
    pub(super) fn next_stanza(&mut self) -> Result<Option<Stanza>, ReadError> {
        let mut stanza: Option<Stanza> = None;
        let mut has_field = false;
        loop {
            let number = self.lines.number() + 1;
            let Some(line) = self.lines.next_line()? else { return Ok(stanza) };
            match line {
                [] => {
                    if stanza.is_some() {
                        return Ok(stanza);
                    }
                }
                [b'#', ..] => {}
                [b' ' | b'\t', ..] if line.trim_ascii().is_empty() => {
                    if stanza.is_some() {
                        return Ok(stanza);
                    }
                }
                [b' ' | b'\t', ..] if has_field => {}
                line => {
                    let colon = line.iter().position(|byte| *byte == b':').filter(|colon| *colon > 0);
                    let Some(colon) = colon else {
                        return Err(ReadError::Malformed(format!("line {number} is not a field")));
                    };
                    has_field = true;
                    let stanza = stanza.get_or_insert_with(|| Stanza {
                        line: number,
                        values: vec![None; self.wanted.len()],
                        wanted: self.wanted,
                    });
                    let name = &line[..colon];
                    if let Some(at) =
                        self.wanted.iter().position(|one| one.as_bytes().eq_ignore_ascii_case(name))
                    {
                        let value = line[colon + 1..].trim_ascii();
                        stanza.values[at] = Some(String::from_utf8_lossy(value).into_owned());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, Option<String>)>, ReadError> {
        let mut stanzas = Stanzas::new(text.as_bytes(), &["Package"]);
        let mut all = Vec::new();
        while let Some(stanza) = stanzas.next_stanza()? {
            all.push((stanza.line, stanza.get("Package").map(str::to_owned)));
        }
        Ok(all)
    }

    #[test]
    fn stanzas_are_parted_by_blank_lines() {
        let text = "\n\nPackage: a\nDescription: x\n .\n Package: no\n \npackage:b\n# c\n\n\nOther: 1";
        assert_eq!(read(text).unwrap(), [(3, Some("a".into())), (8, Some("b".into())), (12, None)]);
    }

    #[test]
    fn a_line_without_a_name_is_malformed() {
        for (text, line) in [("Package: a\nnonsense\n", 2), (" continued\n", 1), (":x\n", 1)] {
            let error = read(text).unwrap_err();
            assert_eq!(error.to_string(), format!("line {line} is not a field"), "{text:?}");
        }
    }
}
