//! Paths inside an image. They are bytes: no case folding, no normalising, no encoding.

use std::fmt;

use serde::{Serialize, Serializer};

/// A cleaned path inside an image: relative to the image root, no leading or trailing slash, no `.`, `..`
/// or empty components. The root itself is the empty path. [`fmt::Display`] shows it absolute and lossy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PathBytes(Box<[u8]>);

impl PathBytes {
    /// Cleans `raw`: `.` and empty components vanish, `..` goes up and stops at the root.
    pub fn clean(raw: &[u8]) -> Self {
        if is_clean(raw) {
            return Self(raw.into());
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in raw.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        Self(parts.join(&b'/').into())
    }

    /// The root of the image.
    pub fn root() -> Self {
        Self::default()
    }

    /// The cleaned bytes, without a leading slash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True for the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The components, outermost first.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
    }

    /// The last component; empty for the root.
    pub fn file_name(&self) -> &[u8] {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(at) => &self.0[at + 1..],
            None => &self.0,
        }
    }

    /// Everything before the last component, as cleaned bytes; empty for names at the root.
    pub fn parent_bytes(&self) -> &[u8] {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(at) => &self.0[..at],
            None => &[],
        }
    }

    /// The directory that holds this path; the root is its own parent.
    pub fn parent(&self) -> Self {
        Self(self.parent_bytes().into())
    }

    /// `relative` (cleaned, clamped at the image root) below this directory.
    pub fn join(&self, relative: &[u8]) -> Self {
        if self.0.is_empty() {
            return Self::clean(relative);
        }
        let mut raw = Vec::with_capacity(self.0.len() + 1 + relative.len());
        raw.extend_from_slice(&self.0);
        raw.push(b'/');
        raw.extend_from_slice(relative);
        Self::clean(&raw)
    }

    /// True if this path is `ancestor` or lies below it.
    pub fn starts_with(&self, ancestor: &Self) -> bool {
        ancestor.is_root()
            || (self.0.starts_with(&ancestor.0)
                && (self.0.len() == ancestor.0.len() || self.0[ancestor.0.len()] == b'/'))
    }

    /// The path as text if it is UTF-8, without a leading slash.
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

fn is_clean(raw: &[u8]) -> bool {
    // Millions of paths come this way. Without a slash or a dot after a slash there is nothing to clean between
    // the ends; looking for that without branches lets the compiler look at sixteen bytes at once.
    let suspicious = |seen: u8, (a, b): (&u8, &u8)| {
        seen | (u8::from(*a == b'/') & (u8::from(*b == b'/') | u8::from(*b == b'.')))
    };
    if !matches!(raw, [b'/' | b'.', ..] | [.., b'/'])
        && raw.iter().zip(raw.iter().skip(1)).fold(0, suspicious) == 0
    {
        return true;
    }
    raw.is_empty() || raw.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

impl From<&str> for PathBytes {
    fn from(text: &str) -> Self {
        Self::clean(text.as_bytes())
    }
}

impl fmt::Display for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.escape_ascii())
    }
}

impl Serialize for PathBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_clamped_at_the_root() {
        for (raw, clean) in [
            ("/etc/passwd", "/etc/passwd"),
            ("../../x", "/x"),
            ("./a//b/../c/", "/a/c"),
            ("..", "/"),
            ("", "/"),
            ("a/.hidden/..b/c.", "/a/.hidden/..b/c."),
            (".a/b", "/.a/b"),
            ("a/b/.", "/a/b"),
        ] {
            assert_eq!(PathBytes::clean(raw.as_bytes()).to_string(), clean, "{raw:?}");
        }
    }

    #[test]
    fn parent_and_name() {
        let path = PathBytes::from("a/b/c");
        assert_eq!((path.parent_bytes(), path.file_name()), (&b"a/b"[..], &b"c"[..]));
        assert!(
            path.starts_with(&PathBytes::from("a/b"))
                && !PathBytes::from("a/bc").starts_with(&PathBytes::from("a/b"))
        );
    }
}
