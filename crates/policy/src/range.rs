//! Ranges of versions as a policy writes them: `>= 2.0, < 2.3.1`.

use std::cmp::Ordering;

use plimsoll_types::{Package, PackageType};
use plimsoll_version::{Scheme, Version};

use crate::mistake::shorten;

/// Comparisons that must all hold. Unlike the ranges of advisories it belongs to no ecosystem: each package is
/// compared in the order of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range(Vec<(Comparison, String)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Two-letter signs first, so that `<=` is not read as `<` and `= 1`.
const SIGNS: [(&str, Comparison); 6] = [
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
    ("=", Comparison::Equal),
];

impl Range {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| Self::comparison(part.trim(), text)).collect::<Result<_, _>>().map(Self)
    }

    fn comparison(part: &str, text: &str) -> Result<(Comparison, String), String> {
        let found = SIGNS.iter().find_map(|(sign, comparison)| Some((*comparison, part.strip_prefix(sign)?)));
        match found {
            Some((comparison, version)) if is_one_word(version.trim()) => {
                Ok((comparison, version.trim().to_owned()))
            }
            _ => Err(format!(
                "{:?} is not a range of versions; write one of = != < <= > >= before each version, for \
                 example \">= 2.0, < 2.3.1\"",
                shorten(text)
            )),
        }
    }

    /// Whether the package's version is in the range; `None` if either text has no order in its ecosystem.
    pub(crate) fn contains(&self, package: &Package) -> Option<bool> {
        let scheme = Scheme::of_purl_type(package.package_type.as_str())?;
        let version = match package.epoch {
            Some(epoch) if package.package_type == PackageType::Rpm => format!("{epoch}:{}", package.version),
            _ => package.version.clone(),
        };
        let version = Version::parse(scheme, &version).ok()?;
        let mut holds = true;
        for (comparison, than) in &self.0 {
            let order = version.compare(&Version::parse(scheme, than).ok()?);
            holds &= comparison.holds(order);
        }
        Some(holds)
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

fn is_one_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_must_begin_with_a_sign() {
        assert_eq!(Range::parse(">=1.0,<2").unwrap(), Range::parse(" >= 1.0 , < 2 ").unwrap());
        for bad in ["", "1.0", "~> 1.0", "< 1, 2", "<", "< 1 2", ",", "=< 1,"] {
            assert!(Range::parse(bad).unwrap_err().contains("is not a range of versions"), "{bad:?}");
        }
    }

    #[test]
    fn each_sign_means_what_it_says() {
        use Ordering::{Equal, Greater, Less};
        for (sign, holds) in [
            ("=", [false, true, false]),
            ("!=", [true, false, true]),
            ("<", [true, false, false]),
            ("<=", [true, true, false]),
            (">", [false, false, true]),
            (">=", [false, true, true]),
        ] {
            let Range(parts) = Range::parse(&format!("{sign} 1")).unwrap();
            assert_eq!([Less, Equal, Greater].map(|order| parts[0].0.holds(order)), holds, "{sign}");
        }
    }
}
