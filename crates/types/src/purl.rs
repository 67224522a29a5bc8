//! Package URLs (ECMA-427, package-url specification).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A package URL. [`fmt::Display`] writes the canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purl {
    /// Type, lower case.
    pub purl_type: String,
    /// Namespace, segments joined by `/`, decoded.
    pub namespace: Option<String>,
    /// Name, decoded.
    pub name: String,
    /// Version, decoded.
    pub version: Option<String>,
    /// Qualifiers, decoded; empty values are dropped.
    pub qualifiers: BTreeMap<String, String>,
    /// Subpath, decoded.
    pub subpath: Option<String>,
}

/// Why a text is not a [`Purl`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a package URL: {why}")]
pub struct PurlError {
    text: String,
    why: &'static str,
}

impl Purl {
    /// A purl of type, namespace, name and version, with the spelling rules of its type applied.
    pub fn new(purl_type: &str, namespace: Option<&str>, name: &str, version: Option<&str>) -> Self {
        let mut purl = Self {
            purl_type: purl_type.to_ascii_lowercase(),
            namespace: namespace.filter(|namespace| !namespace.is_empty()).map(str::to_owned),
            name: name.to_owned(),
            version: version.filter(|version| !version.is_empty()).map(str::to_owned),
            qualifiers: BTreeMap::new(),
            subpath: None,
        };
        purl.normalise();
        purl
    }

    /// Adds a qualifier; an empty value adds nothing.
    pub fn with_qualifier(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.qualifiers.insert(key.to_ascii_lowercase(), value.to_owned());
        }
        self
    }

    /// The spelling rules of each type (purl-spec, types/): what is lower-cased and replaced.
    fn normalise(&mut self) {
        let lower_both = matches!(
            self.purl_type.as_str(),
            "alpm" | "apk" | "bitbucket" | "composer" | "deb" | "github" | "gitlab" | "hex" | "luarocks"
        );
        if lower_both {
            self.name = self.name.to_lowercase();
        }
        if lower_both || matches!(self.purl_type.as_str(), "rpm" | "qpkg") {
            self.namespace = self.namespace.as_ref().map(|namespace| namespace.to_lowercase());
        }
        if self.purl_type == "pypi" {
            self.name = self.name.to_lowercase().replace('_', "-");
        }
    }
}

/// Percent-encodes all but unreserved characters, `:` and what `also` allows.
fn encode(text: &str, also: &[u8], out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':')
            || also.contains(&byte)
        {
            out.push(byte as char);
        } else {
            use fmt::Write as _;
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = (bytes.next()? as char).to_digit(16)?;
            let low = (bytes.next()? as char).to_digit(16)?;
            out.push((high * 16 + low) as u8);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = format!("pkg:{}/", self.purl_type);
        if let Some(namespace) = &self.namespace {
            encode(namespace, b"/", &mut out);
            out.push('/');
        }
        encode(&self.name, &[], &mut out);
        if let Some(version) = &self.version {
            out.push('@');
            encode(version, &[], &mut out);
        }
        for (index, (key, value)) in self.qualifiers.iter().enumerate() {
            out.push(if index == 0 { '?' } else { '&' });
            out.push_str(key);
            out.push('=');
            encode(value, b"/", &mut out);
        }
        if let Some(subpath) = &self.subpath {
            out.push('#');
            encode(subpath, b"/", &mut out);
        }
        f.write_str(&out)
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        let error = |why| PurlError { text: text.chars().take(300).collect(), why };
        let rest = match text.get(..4) {
            Some(scheme) if scheme.eq_ignore_ascii_case("pkg:") => text[4..].trim_start_matches('/'),
            _ => return Err(error("it does not start with pkg:")),
        };
        let decoded = |part: &str| decode(part).ok_or_else(|| error("a percent code is not valid UTF-8"));
        let (rest, subpath) = match rest.rsplit_once('#') {
            Some((rest, subpath)) => (rest, Some(subpath)),
            None => (rest, None),
        };
        let (rest, qualifiers) = match rest.rsplit_once('?') {
            Some((rest, qualifiers)) => (rest, Some(qualifiers)),
            None => (rest, None),
        };
        let (purl_type, rest) = rest.split_once('/').ok_or_else(|| error("there is no type"))?;
        let type_ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
        if !purl_type.starts_with(|c: char| c.is_ascii_alphabetic()) || !purl_type.bytes().all(type_ok) {
            return Err(error("the type is not letters, digits, . and - after a letter"));
        }
        let rest = rest.trim_matches('/');
        // An @ inside a scoped namespace is not the version's: only one after the last slash is.
        let name_at = rest.rfind('/').map_or(0, |at| at + 1);
        let version_at = rest[name_at..].rfind('@').filter(|at| *at > 0).map(|at| at + name_at);
        let (path, version) = match version_at {
            Some(at) => (&rest[..at], Some(decoded(&rest[at + 1..])?)),
            None => (rest, None),
        };
        // Names may hold a slash. What is joined by slashes may not, or it would read differently when written.
        let segment = |part: &str| match decoded(part)? {
            part if part.contains('/') => Err(error("a segment has a slash in it")),
            part => Ok(part),
        };
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        let name = decoded(name)?;
        if name.is_empty() {
            return Err(error("there is no name"));
        }
        let namespace = namespace.split('/').filter(|part| !part.is_empty());
        let namespace = namespace.map(segment).collect::<Result<Vec<_>, _>>()?.join("/");
        let mut parsed_qualifiers = BTreeMap::new();
        for pair in qualifiers.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| error("a qualifier is not key=value"))?;
            let key_ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            if key.is_empty() || !key.bytes().all(key_ok) || key.as_bytes()[0].is_ascii_digit() {
                return Err(error("a qualifier key is not letters, digits, . - and _"));
            }
            if !value.is_empty()
                && parsed_qualifiers.insert(key.to_ascii_lowercase(), decoded(value)?).is_some()
            {
                return Err(error("a qualifier appears twice"));
            }
        }
        let subpath = subpath
            .map(|subpath| {
                subpath
                    .split('/')
                    .map(segment)
                    .filter(|part| !matches!(part.as_deref(), Ok("" | "." | "..")))
                    .collect::<Result<Vec<_>, _>>()
            })
            .transpose()?
            .map(|parts| parts.join("/"))
            .filter(|subpath| !subpath.is_empty());
        let mut purl = Self::new(purl_type, Some(&namespace), &name, version.as_deref());
        purl.qualifiers = parsed_qualifiers;
        purl.subpath = subpath;
        Ok(purl)
    }
}

impl Serialize for Purl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Purl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms_round_trip() {
        for text in [
            "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=debian-8",
            "pkg:npm/%40angular/animation@12.3.1",
            "pkg:golang/google.golang.org/genproto@abcdedf#googleapis/api/annotations",
            "pkg:maven/org.apache.commons/io@1.3.4",
            "pkg:deb/debian/libc6@2%2B3?upstream=glibc%402.36",
        ] {
            assert_eq!(text.parse::<Purl>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn types_have_spelling_rules() {
        assert_eq!(
            Purl::new("pypi", None, "Zope_Interface", Some("1")).to_string(),
            "pkg:pypi/zope-interface@1"
        );
        assert_eq!(Purl::new("npm", Some("@a"), "B", None).to_string(), "pkg:npm/%40a/B");
    }

    #[test]
    fn bad_ones_say_why() {
        for bad in [
            "",
            "pkg:",
            "pkg:npm",
            "npm/a",
            "pkg:npm/a?x",
            "pkg:n%pm/a",
            "pkg:npm/a?a=1&a=2",
            "pkg:npm/%zz",
            "pkg:npm/%2F/a",
            "pkg:npm/a#b%2Fc",
        ] {
            assert!(bad.parse::<Purl>().is_err(), "{bad:?}");
        }
    }
}
