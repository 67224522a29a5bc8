//! os-release(5): which distribution this is.

use plimsoll_types::{OsRelease, PathBytes, Payload, Record, Section};

use crate::suffix::ends_with;
use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch};

/// Larger than any by far.
const MAX_BYTES: u64 = 64 << 10;

/// Reads os-release files.
///
/// `etc/os-release` is mostly a symbolic link, and what it points to has many homes (`usr/lib`,
/// `usr/lib/os.release.d/os-release-…`), so the name decides and not the place: merging follows the link. The
/// older `redhat-release`, `debian_version` and `alpine-release` name no version an advisory could be looked up
/// by that os-release would not name too, and are left out.
pub(crate) struct OsReleaseFile;

impl Analyzer for OsReleaseFile {
    fn id(&self) -> &'static str {
        "linux/os-release"
    }

    fn version(&self) -> u32 {
        1
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        let name = file.path.file_name();
        if name == b"os-release" || name.starts_with(b"os-release-") {
            Interest::Whole
        } else {
            Interest::None
        }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let is_at_home = is_at_home(file.path);
        if content.size() > MAX_BYTES && !is_at_home {
            return Ok(());
        }
        let bytes = content.bytes(MAX_BYTES)?;
        match parse(&String::from_utf8_lossy(&bytes)) {
            Some(release) => {
                section
                    .records
                    .push(Record { path: file.path.clone(), payload: Payload::OsRelease(release) });
                Ok(())
            }
            // Where nobody looks for it, a file of this name may be anything; and an empty one says nothing.
            None if !is_at_home || bytes.trim_ascii().is_empty() => Ok(()),
            None => Err(ReadError::Malformed("no line of it assigns an os-release field".to_owned())),
        }
    }
}

fn is_at_home(path: &PathBytes) -> bool {
    ends_with(path.as_bytes(), b"etc/os-release") || ends_with(path.as_bytes(), b"usr/lib/os-release")
}

/// The fields, if any line assigns one. The last assignment counts, as in a shell.
fn parse(text: &str) -> Option<OsRelease> {
    let mut release = OsRelease::default();
    let mut is_any = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = unquote(value.trim());
        let optional = Some(value.clone()).filter(|value| !value.is_empty());
        match name {
            "ID" => release.id = value,
            "ID_LIKE" => release.id_like = value.split_whitespace().map(str::to_owned).collect(),
            "VERSION_ID" => release.version_id = optional,
            "VERSION_CODENAME" => release.codename = optional,
            "PRETTY_NAME" => release.pretty_name = optional,
            "VARIANT_ID" => release.variant_id = optional,
            "NAME" | "VERSION" | "BUILD_ID" | "CPE_NAME" => {}
            _ => continue,
        }
        is_any = true;
    }
    if is_any && release.id.is_empty() {
        // os-release(5): "If not set, a default of ID=linux may be used."
        "linux".clone_into(&mut release.id);
    }
    is_any.then_some(release)
}

/// Takes off one pair of shell quotes, and the backslashes that double quotes and bare words may contain.
fn unquote(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'') {
        return inner.split('\'').next().unwrap_or_default().to_owned();
    }
    let (inner, is_quoted) = match value.strip_prefix('"') {
        Some(inner) => (inner, true),
        None => (value, false),
    };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted => break,
            '\\' => text.extend(characters.next()),
            character => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, payloads};

    #[test]
    fn fields_are_unquoted_like_a_shell_does() {
        let text = b"# comment\nPRETTY_NAME=\"A \\\"B\\\" \\$C\"\nID=alpine\nID_LIKE='rhel fedora'\n\
            VERSION_ID=\"3.20.3\"\nVERSION_CODENAME=\nUNKNOWN=1\nnonsense\nVARIANT_ID=container\n";
        let section = analyze(&OsReleaseFile, &[("usr/lib/os-release", text)]);
        let release = OsRelease {
            id: "alpine".into(),
            id_like: vec!["rhel".into(), "fedora".into()],
            version_id: Some("3.20.3".into()),
            codename: None,
            pretty_name: Some("A \"B\" $C".into()),
            variant_id: Some("container".into()),
        };
        assert_eq!(payloads(&section), [Payload::OsRelease(release)]);
    }

    #[test]
    fn a_file_without_an_id_is_linux() {
        let section = analyze(&OsReleaseFile, &[("etc/os-release", b"NAME=x\n")]);
        let release = OsRelease { id: "linux".into(), ..OsRelease::default() };
        assert_eq!(payloads(&section), [Payload::OsRelease(release)]);
    }

    #[test]
    fn nonsense_is_told_only_where_the_file_belongs() {
        let told = |path: &str, bytes: &[u8]| !analyze(&OsReleaseFile, &[(path, bytes)]).records.is_empty();
        assert!(told("srv/etc/os-release", b"\0\0"));
        assert!(!told("etc/os-release", b" \n"));
        assert!(!told("usr/share/doc/os-release", b"an article"));
        let large = vec![b'\n'; MAX_BYTES as usize + 1];
        assert!(!told("etc/os-release", &large[1..]));
        assert!(told("etc/os-release", &large));
        assert!(!told("home/os-release", &large));
    }
}
