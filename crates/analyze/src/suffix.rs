//! Paths recognised by their end, at whole components, so that a database below another root counts too.

/// Whether the last components of `path` are those of `suffix`.
pub(crate) fn ends_with(path: &[u8], suffix: &[u8]) -> bool {
    root_of(path, suffix).is_some()
}

/// What comes before `suffix`: the root of the tree it belongs to, without a trailing slash.
pub(crate) fn root_of<'p>(path: &'p [u8], suffix: &[u8]) -> Option<&'p [u8]> {
    let root = path.strip_suffix(suffix)?;
    if root.is_empty() { Some(root) } else { root.strip_suffix(b"/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_match_at_whole_components() {
        for (path, root) in [
            ("etc/passwd", Some(&b""[..])),
            ("srv/root/etc/passwd", Some(b"srv/root")),
            ("xetc/passwd", None),
            ("etc/passwd/x", None),
        ] {
            assert_eq!(root_of(path.as_bytes(), b"etc/passwd"), root, "{path}");
        }
    }
}
