//! `usr/share/doc/NAME/copyright`: the licences of a package.
//!
//! A machine-readable file (`Format:` in its first lines) names them in `License:` fields, first line of each.
//! Any other is free text, of which only the mentioned files of `/usr/share/common-licenses` are certain. In
//! a machine-readable file such mentions say less than the field does, so they are not taken.

use std::collections::BTreeSet;
use std::io::Read;

use plimsoll_types::{LicenseClaim, PathBytes, Payload, Record, Section};

use super::license_names::expression;
use crate::lines::Lines;
use crate::suffix::ends_with;
use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};

const COMMON: &[u8] = b"/usr/share/common-licenses/";

/// More names than any package has; the rest of a file is not looked at.
const MAX_NAMES: usize = 1000;

/// A `License` field is a few names; a longer line is prose.
const MAX_NAME_BYTES: usize = 200;

/// Reads copyright files.
pub(crate) struct Copyright;

impl Analyzer for Copyright {
    fn id(&self) -> &'static str {
        "debian/copyright"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        if package(file.path).is_some() { Interest::Stream } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let Some(package) = package(file.path) else { return Ok(()) };
        let source = file.path.to_string();
        let licenses: Vec<_> = names(content)?
            .into_iter()
            .map(|(value, is_field)| LicenseClaim {
                spdx: if is_field { expression(&value) } else { mentioned(&value) },
                value,
                source: source.clone(),
            })
            .collect();
        if !licenses.is_empty() {
            let package = String::from_utf8_lossy(package).into_owned();
            section
                .records
                .push(Record { path: file.path.clone(), payload: Payload::Licenses { package, licenses } });
        }
        Ok(())
    }
}

/// The package a copyright file belongs to.
fn package(path: &PathBytes) -> Option<&[u8]> {
    if path.file_name() != b"copyright" {
        return None;
    }
    let directory = path.parent_bytes();
    let slash = directory.iter().rposition(|byte| *byte == b'/')?;
    ends_with(&directory[..slash], b"usr/share/doc").then_some(&directory[slash + 1..])
}

/// The names stated, sorted, each with whether it is a field of the machine-readable format.
fn names(content: impl Read) -> Result<BTreeSet<(String, bool)>, ReadError> {
    let mut lines = Lines::new(content);
    let mut is_machine_readable = false;
    let (mut fields, mut mentions) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            // Nobody writes such lines in a copyright file: what was found so far is what there is.
            Ok(None) | Err(ReadError::Limit(_)) => break,
            Err(error) => return Err(error),
        };
        if fields.len() + mentions.len() > MAX_NAMES {
            break;
        }
        is_machine_readable |= field(line, b"format").is_some_and(|value| !value.is_empty());
        if let Some(value) =
            field(line, b"license").filter(|value| (1..=MAX_NAME_BYTES).contains(&value.len()))
        {
            fields.insert((String::from_utf8_lossy(value).into_owned(), true));
        }
        mention(line, &mut mentions);
    }
    Ok(if is_machine_readable && !fields.is_empty() { fields } else { mentions })
}

fn field<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (found, value) = line.split_at_checked(name.len())?;
    if !found.eq_ignore_ascii_case(name) {
        return None;
    }
    Some(value.strip_prefix(b":")?.trim_ascii())
}

/// Adds the names after every `/usr/share/common-licenses/` of a line.
fn mention(line: &[u8], mentions: &mut BTreeSet<(String, bool)>) {
    let mut rest = line;
    while let Some(at) = rest.windows(COMMON.len()).position(|window| window == COMMON) {
        rest = &rest[at + COMMON.len()..];
        let end = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+')))
            .unwrap_or(rest.len());
        let name = String::from_utf8_lossy(&rest[..end]);
        let name = name.trim_end_matches(['.', '-']);
        if !name.is_empty() && name.len() <= MAX_NAME_BYTES {
            mentions.insert((name.to_owned(), false));
        }
    }
}

/// What a mentioned file says for certain. A GNU licence is granted with or without later versions, and the
/// text of the file does not say which.
fn mentioned(name: &str) -> Option<String> {
    match name {
        "Apache-2.0" | "CC0-1.0" | "MPL-1.1" | "MPL-2.0" => Some(name.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, payloads};

    fn licenses(text: &str) -> Vec<(String, Option<String>)> {
        let section = analyze(&Copyright, &[("usr/share/doc/bash/copyright", text.as_bytes())]);
        match payloads(&section).first() {
            Some(Payload::Licenses { package, licenses }) => {
                assert_eq!(package, "bash");
                assert!(licenses.iter().all(|one| one.source == "/usr/share/doc/bash/copyright"));
                licenses.iter().map(|one| (one.value.clone(), one.spdx.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn some(value: &str, spdx: Option<&str>) -> (String, Option<String>) {
        (value.to_owned(), spdx.map(str::to_owned))
    }

    #[test]
    fn machine_readable_files_name_licences_in_fields() {
        let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n\
            License: GPL-3+ and Expat\n\nLicense: Expat\n Permission is hereby\n License: not this\n\n\
            License: GPL-3+\n see /usr/share/common-licenses/GPL-3\n";
        assert_eq!(
            licenses(text),
            [
                some("Expat", Some("MIT")),
                some("GPL-3+", Some("GPL-3.0-or-later")),
                some("GPL-3+ and Expat", Some("GPL-3.0-or-later AND MIT")),
            ]
        );
    }

    #[test]
    fn free_text_counts_by_the_common_licences_it_mentions() {
        let text = "License: see below\nin `/usr/share/common-licenses/LGPL-2.1'.\n\
            /usr/share/common-licenses/Apache-2.0, /usr/share/common-licenses/GPL.\n/usr/share/common-licenses/\n";
        assert_eq!(
            licenses(text),
            [some("Apache-2.0", Some("Apache-2.0")), some("GPL", None), some("LGPL-2.1", None)]
        );
    }

    #[test]
    fn other_files_and_silent_ones_give_nothing() {
        assert_eq!(licenses("all rights reserved"), []);
        for path in ["usr/share/doc/copyright", "usr/share/doc/a/b/copyright", "usr/share/doc/a/copyright.gz"]
        {
            assert!(analyze(&Copyright, &[(path, b"/usr/share/common-licenses/GPL")]).records.is_empty());
        }
    }

    #[test]
    fn names_end_at_their_limit() {
        let lines: Vec<_> = (0..MAX_NAMES + 10).map(|n| format!("/usr/share/common-licenses/L{n}")).collect();
        let text = lines.join(
            "
",
        );
        assert_eq!(licenses(&text).len(), MAX_NAMES + 1);
        let long = |length| format!("Format: x\nLicense: {}\n", "a".repeat(length));
        assert_eq!(licenses(&long(MAX_NAME_BYTES)).len(), 1);
        assert_eq!(licenses(&long(MAX_NAME_BYTES + 1)).len(), 0);
    }
}
