//! Licences as metadata states them, and the SPDX expression they mean where that is certain.

use plimsoll_types::{LicenseClaim, PathBytes};

/// Longer than any expression; what is longer is a licence text in a field meant for a name.
const LENGTH_LIMIT: usize = 256;

/// Names and addresses that mean exactly one licence. Names that stand for a family ("BSD License", "Apache
/// Software License") are left out. Lower case, addresses without scheme, `www.`, extension and final slash.
const EXACT: &[(&str, &str)] = &[
    ("apache 2", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"),
    ("apache license v2.0", "Apache-2.0"),
    ("apache license, version 2.0", "Apache-2.0"),
    ("apache software license 2.0", "Apache-2.0"),
    ("apache-2", "Apache-2.0"),
    ("apache.org/licenses/license-2.0", "Apache-2.0"),
    ("boost software license 1.0 (bsl-1.0)", "BSL-1.0"),
    ("bsd 2-clause license", "BSD-2-Clause"),
    ("bsd 3-clause license", "BSD-3-Clause"),
    ("bsd-2-clause license", "BSD-2-Clause"),
    ("bsd-3-clause license", "BSD-3-Clause"),
    ("eclipse public license 1.0", "EPL-1.0"),
    ("eclipse public license 2.0 (epl-2.0)", "EPL-2.0"),
    ("eclipse public license, version 1.0", "EPL-1.0"),
    ("eclipse.org/legal/epl-2.0", "EPL-2.0"),
    ("eclipse.org/legal/epl-v10", "EPL-1.0"),
    ("eclipse.org/legal/epl-v20", "EPL-2.0"),
    ("gnu affero general public license v3", "AGPL-3.0-only"),
    ("gnu affero general public license v3 or later (agplv3+)", "AGPL-3.0-or-later"),
    ("gnu general public license v2 (gplv2)", "GPL-2.0-only"),
    ("gnu general public license v2 or later (gplv2+)", "GPL-2.0-or-later"),
    ("gnu general public license v3 (gplv3)", "GPL-3.0-only"),
    ("gnu general public license v3 or later (gplv3+)", "GPL-3.0-or-later"),
    ("gnu lesser general public license v2 (lgplv2)", "LGPL-2.0-only"),
    ("gnu lesser general public license v2 or later (lgplv2+)", "LGPL-2.0-or-later"),
    ("gnu lesser general public license v3 (lgplv3)", "LGPL-3.0-only"),
    ("gnu lesser general public license v3 or later (lgplv3+)", "LGPL-3.0-or-later"),
    ("isc license (iscl)", "ISC"),
    ("mit license", "MIT"),
    ("mozilla public license 1.1 (mpl 1.1)", "MPL-1.1"),
    ("mozilla public license 2.0 (mpl 2.0)", "MPL-2.0"),
    ("mozilla.org/mpl/2.0", "MPL-2.0"),
    ("opensource.org/licenses/apache-2.0", "Apache-2.0"),
    ("opensource.org/licenses/bsd-2-clause", "BSD-2-Clause"),
    ("opensource.org/licenses/bsd-3-clause", "BSD-3-Clause"),
    ("opensource.org/licenses/mit", "MIT"),
    ("opensource.org/licenses/mit-license", "MIT"),
    ("the apache license, version 2.0", "Apache-2.0"),
    ("the apache software license, version 2.0", "Apache-2.0"),
    ("the mit license", "MIT"),
    ("the unlicense (unlicense)", "Unlicense"),
    ("universal permissive license (upl)", "UPL-1.0"),
];

/// What `stated_in` says of a licence; none if it says nothing. Of a licence text, its first line.
pub(crate) fn claim(value: &str, stated_in: &PathBytes) -> Option<LicenseClaim> {
    let line = value.lines().map(str::trim).find(|line| !line.is_empty())?;
    let whole = value.trim().len() == line.len();
    let value: String = line.chars().take(LENGTH_LIMIT).collect();
    let spdx = if whole && value.len() == line.len() { spdx(line) } else { None };
    Some(LicenseClaim { value, spdx, source: stated_in.to_string() })
}

/// The SPDX expression `value` means, if there is no doubt: it is one, or one of a few well-known spellings.
pub(crate) fn spdx(value: &str) -> Option<String> {
    const STATED: spdx::ParseMode = spdx::ParseMode {
        allow_slash_as_or_operator: false,
        allow_imprecise_license_names: false,
        allow_postfix_plus_on_gpl: true,
        allow_deprecated: true,
        allow_unknown: false,
    };
    let value = value.trim();
    if value.is_empty() || value.len() > LENGTH_LIMIT {
        return None;
    }
    if spdx::Expression::parse_mode(value, STATED).is_ok() {
        return Some(value.to_owned());
    }
    let lower = value.to_ascii_lowercase();
    let key = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).unwrap_or(&lower);
    let key = key.strip_prefix("www.").unwrap_or(key);
    let key = key.trim_end_matches('/').trim_end_matches(".txt").trim_end_matches(".html");
    let found = EXACT.binary_search_by_key(&key, |(name, _)| name).ok()?;
    Some(EXACT[found].1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_means_licences() {
        assert!(EXACT.is_sorted_by(|a, b| a.0 < b.0));
        for (name, id) in EXACT {
            assert!(spdx::license_id(id).is_some(), "{id}");
            assert_eq!(spdx(name).as_deref(), Some(*id));
        }
    }

    #[test]
    fn only_what_is_certain_has_an_expression() {
        for (value, expression) in [
            ("MIT", Some("MIT")),
            ("(MIT OR Apache-2.0)", Some("(MIT OR Apache-2.0)")),
            ("GPL-2.0", Some("GPL-2.0")),
            ("GPL-2.0+", Some("GPL-2.0+")),
            ("MIT License", Some("MIT")),
            ("https://www.apache.org/licenses/LICENSE-2.0.txt", Some("Apache-2.0")),
            ("BSD", None),
            ("SEE LICENSE IN LICENSE", None),
            ("UNLICENSED", None),
            ("", None),
        ] {
            assert_eq!(spdx(value).as_deref(), expression, "{value}");
        }
    }

    #[test]
    fn a_licence_text_is_cut_to_its_first_line() {
        let stated_in = PathBytes::from("a/METADATA");
        let text = claim("\n MIT \n\nPermission is hereby granted", &stated_in).unwrap();
        assert_eq!((text.value.as_str(), text.spdx, text.source.as_str()), ("MIT", None, "/a/METADATA"));
        assert_eq!(claim(" \n", &stated_in), None);
    }
}
