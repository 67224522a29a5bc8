//! The licence names of machine-readable copyright files, in SPDX's words.

/// Names whose meaning the copyright format (or long use in Debian) fixes, without version and `+`.
/// Sorted, lower case.
const EXACT: &[(&str, &str)] = &[
    ("0bsd", "0BSD"),
    ("apache-2", "Apache-2.0"),
    ("apache-2.0", "Apache-2.0"),
    ("artistic-2", "Artistic-2.0"),
    ("artistic-2.0", "Artistic-2.0"),
    ("bsd-2-clause", "BSD-2-Clause"),
    ("bsd-3-clause", "BSD-3-Clause"),
    ("bsd-4-clause", "BSD-4-Clause"),
    ("bsd-4-clause-uc", "BSD-4-Clause-UC"),
    ("bsl-1.0", "BSL-1.0"),
    ("cc0", "CC0-1.0"),
    ("cc0-1.0", "CC0-1.0"),
    ("expat", "MIT"),
    ("isc", "ISC"),
    ("mpl-1.1", "MPL-1.1"),
    ("mpl-2.0", "MPL-2.0"),
    ("x11", "X11"),
    ("zlib", "Zlib"),
];

/// GNU families: SPDX spells out the minor version and whether later ones are meant.
const GNU: &[&str] = &["AGPL", "GFDL", "GPL", "LGPL"];

/// The SPDX expression of one short name, where it has one for certain.
pub(super) fn spdx(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if let Ok(at) = EXACT.binary_search_by_key(&lower.as_str(), |(name, _)| name) {
        return Some(EXACT[at].1.to_owned());
    }
    gnu(name)
        .or_else(|| crate::license::spdx(name).filter(|_| !GNU.iter().any(|family| name.starts_with(family))))
}

/// `GPL-2+` is `GPL-2.0-or-later`.
fn gnu(name: &str) -> Option<String> {
    let (family, version) = name.split_once('-')?;
    if !GNU.contains(&family) {
        return None;
    }
    let (version, suffix) = match version.strip_suffix('+') {
        Some(version) => (version, "or-later"),
        None => (version, "only"),
    };
    let version = if version.len() == 1 { format!("{version}.0") } else { version.to_owned() };
    let known = match family {
        "AGPL" => &["1.0", "3.0"][..],
        "GFDL" => &["1.1", "1.2", "1.3"],
        "GPL" => &["1.0", "2.0", "3.0"],
        _ => &["2.0", "2.1", "3.0"],
    };
    known.contains(&version.as_str()).then(|| format!("{family}-{version}-{suffix}"))
}

/// The SPDX expression of a `License` field: short names with `and`, `or` and commas, where every name has one.
///
/// The format lets `and` bind tighter than `or`, as SPDX does, and a comma bind loosest, which SPDX cannot say
/// without brackets: a field with a comma has no certain expression.
pub(super) fn expression(field: &str) -> Option<String> {
    if field.contains(',') {
        return None;
    }
    let mut words = Vec::new();
    for word in field.split_ascii_whitespace() {
        match word {
            "and" => words.push("AND".to_owned()),
            "or" => words.push("OR".to_owned()),
            name => words.push(spdx(name)?),
        }
    }
    let alternates =
        words.iter().enumerate().all(|(at, word)| matches!(word.as_str(), "AND" | "OR") == (at % 2 == 1));
    (alternates && words.len() % 2 == 1).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_the_format_says() {
        assert!(EXACT.is_sorted_by(|one, other| one.0 < other.0));
        for (field, spdx) in [
            ("GPL-2+", Some("GPL-2.0-or-later")),
            ("LGPL-2.1", Some("LGPL-2.1-only")),
            ("GFDL-1.3", Some("GFDL-1.3-only")),
            ("Expat", Some("MIT")),
            ("BSD-3-clause", Some("BSD-3-Clause")),
            ("GPL-1+ or Artistic", None),
            ("GPL-3+ and BSD-4-clause-UC", Some("GPL-3.0-or-later AND BSD-4-Clause-UC")),
            ("GPL-2+ or Expat and ISC", Some("GPL-2.0-or-later OR MIT AND ISC")),
            ("GPL-2+ and", None),
            ("GPL-2+ with OpenSSL exception", None),
            ("GPL-2, or ISC", None),
            ("GPL", None),
            ("GPL-9", None),
            ("public-domain", None),
            ("", None),
        ] {
            assert_eq!(expression(field).as_deref(), spdx, "{field}");
        }
    }
}
