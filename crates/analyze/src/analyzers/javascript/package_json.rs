//! Installed Node packages: `package.json`.

use std::{borrow::Cow, fmt};

use plimsoll_types::{LicenseClaim, PackageRecord, PackageType, PathBytes, Payload, Record, Section};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::{Analyzer, Content, FileMeta, Interest, ReadError, Scratch, license};

/// Real ones have kilobytes.
const SIZE_LIMIT: u64 = 8 << 20;
/// Longer names and versions than any registry takes.
const TEXT_LIMIT: usize = 1024;

/// See the module documentation.
pub(crate) struct PackageJson;

impl Analyzer for PackageJson {
    fn id(&self) -> &'static str {
        "javascript/package_json"
    }

    fn version(&self) -> u32 {
        2
    }

    fn wants(&self, file: &FileMeta<'_>) -> Interest {
        if file.path.file_name() == b"package.json" { Interest::Stream } else { Interest::None }
    }

    fn read(
        &self,
        file: &FileMeta<'_>,
        content: &mut Content<'_>,
        section: &mut Section,
        _: &mut Scratch,
    ) -> Result<(), ReadError> {
        let bytes = content.bytes(SIZE_LIMIT)?;
        match package(&bytes, file.path) {
            Ok(package) => {
                let payload = Payload::Package(Box::new(package));
                section.records.push(Record { path: file.path.clone(), payload });
                Ok(())
            }
            Err(why) if is_installed(file.path) => Err(ReadError::Malformed(why)),
            Err(_) => Ok(()),
        }
    }
}

/// Whether a package manager put the file there: below directories of modules and nothing else. Packages ship broken
/// files in their own tests, also with a `node_modules` around them; nobody loads those.
fn is_installed(path: &PathBytes) -> bool {
    let mut rest = path.components().skip_while(|name| *name != b"node_modules");
    let mut within = false;
    loop {
        match rest.next() {
            Some(b"node_modules") => {}
            Some(name) => return within && name == b"package.json" && rest.next().is_none(),
            None => return false,
        }
        let Some(module) = rest.next() else { return false };
        // A scope holds modules, and so does the place where pnpm and Yarn keep them by version.
        let holds_modules = module.starts_with(b"@") || matches!(module, b".pnpm" | b".store");
        if holds_modules && rest.next().is_none() {
            return false;
        }
        within = true;
    }
}

/// The package the file describes, or why it describes none.
fn package(bytes: &[u8], path: &PathBytes) -> Result<PackageRecord, String> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let mut json = serde_json::Deserializer::from_str(&text);
    let fields = Fields::deserialize(&mut json).map_err(|error| format!("it is no JSON object: {error}"))?;
    let name = text_of(&fields.name).ok_or("it names no package")?;
    let version = stated_version(&fields.version).ok_or("its version is no text")?;
    let mut package = PackageRecord::new(PackageType::Npm, name, version);
    let person = person(&fields.author).or_else(|| match &fields.maintainers {
        Value::Array(people) => people.iter().find_map(person),
        single => person(single),
    });
    package.maintainer = person;
    package.licenses = licenses(&fields, path);
    if let Some(homepage) = text_of(&fields.homepage) {
        package.extra.push(("homepage".to_owned(), homepage.to_owned()));
    }
    Ok(package)
}

/// The fields that are used, of whatever type they are: nothing checks a `package.json` before npm packs it.
#[derive(Default)]
struct Fields {
    name: Value,
    version: Value,
    author: Value,
    maintainers: Value,
    license: Value,
    licenses: Value,
    homepage: Value,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    // By hand, because of a key given twice the last counts, where derived code fails.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let field = match key.as_ref() {
                "name" => &mut fields.name,
                "version" => &mut fields.version,
                "author" => &mut fields.author,
                "maintainers" => &mut fields.maintainers,
                "license" => &mut fields.license,
                "licenses" => &mut fields.licenses,
                "homepage" => &mut fields.homepage,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = map.next_value()?;
        }
        Ok(fields)
    }
}

/// Directories with an entry point of their own have a `package.json` without a version. None is stated then, which
/// is not the same as one that is no text.
fn stated_version(value: &Value) -> Option<&str> {
    match value {
        Value::Null => Some(""),
        Value::String(text) if text.trim().is_empty() => Some(""),
        other => text_of(other),
    }
}

fn text_of(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty() && text.len() <= TEXT_LIMIT)
}

/// `"A <a@example.org> (https://example.org)"` or an object with the same parts.
fn person(value: &Value) -> Option<String> {
    let part = |key: &str| value.get(key).and_then(text_of);
    match (text_of(value), part("name"), part("email")) {
        (Some(text), ..) => Some(text.to_owned()),
        (None, Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (None, name, email) => name.or(email).map(str::to_owned),
    }
}

/// `license` is an expression; before, it was an object, and `licenses` a list of them.
fn licenses(fields: &Fields, path: &PathBytes) -> Vec<LicenseClaim> {
    let named = |value: &Value| {
        let value =
            value.get("type").or_else(|| value.get("name")).or_else(|| value.get("url")).unwrap_or(value);
        license::claim(text_of(value)?, path)
    };
    let claims = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(named).collect::<Vec<_>>(),
        single => named(single).into_iter().collect(),
    };
    let current = claims(&fields.license);
    if current.is_empty() { claims(&fields.licenses) } else { current }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    fn read(bytes: &[u8]) -> Option<PackageRecord> {
        let mut section = analyze(&PackageJson, &[("app/node_modules/a/package.json", bytes)]);
        match section.records.pop().map(|record| record.payload) {
            Some(Payload::Package(package)) => Some(*package),
            Some(Payload::Unreadable { .. }) | None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_missing_version_is_empty() {
        for json in [&br#"{"name": "a"}"#[..], br#"{"name": "a", "version": ""}"#] {
            assert_eq!(read(json).map(|package| package.version).as_deref(), Some(""));
        }
    }

    #[test]
    fn name_and_version_make_a_package() {
        let package = read(br#"{"name": "@types/node", "version": "20.1.0", "license": "MIT"}"#).unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("@types/node", "20.1.0"));
        assert_eq!(package.licenses[0].spdx.as_deref(), Some("MIT"));
    }

    #[test]
    fn anything_less_is_none() {
        for json in [
            &br#"{"name": "", "version": "1"}"#[..],
            br#"{"version": "1"}"#,
            br#"{"name": 1, "version": "1"}"#,
            br#"{"name": "a", "version": ["1"]}"#,
            b"[]",
            b"",
            b"{",
            b"not json",
        ] {
            assert_eq!(read(json), None, "{}", json.escape_ascii());
        }
    }

    #[test]
    fn a_broken_file_of_an_installed_module_is_unreadable_and_any_other_nothing() {
        let unreadable = |path: &str, json: &[u8]| -> Vec<String> {
            let records = analyze(&PackageJson, &[(path, json)]).records.into_iter();
            records
                .map(|record| match record.payload {
                    Payload::Unreadable { limit: false, message } => message,
                    other => panic!("{path}: {other:?}"),
                })
                .collect()
        };
        for path in [
            "app/node_modules/a/package.json",
            "app/node_modules/@types/a/package.json",
            "app/node_modules/a/node_modules/b/package.json",
            "app/node_modules/@s/a/node_modules/b/package.json",
            "app/node_modules/.pnpm/a@1.0.0/node_modules/a/package.json",
        ] {
            for (json, why) in [
                (&b"{"[..], "no JSON object"),
                (b"[]", "no JSON object"),
                (b"{\"version\": \"1\"}", "names no package"),
                (b"{\"name\": \"a\", \"version\": 1}", "version is no text"),
            ] {
                let found = unreadable(path, json);
                assert!(found.len() == 1 && found[0].contains(why), "{path}: {found:?}");
            }
        }
        for path in [
            "package.json",
            "app/package.json",
            "node_modules/package.json",
            "node_modules/@types/package.json",
            "node_modules/a/test/package.json",
            "node_modules/a/test/fixtures/broken/package.json",
            "node_modules/a/test/fixtures/node_modules/b/package.json",
            "node_modules/.cache/a/b/package.json",
        ] {
            assert!(unreadable(path, b"{").is_empty(), "{path}");
        }
    }

    #[test]
    fn odd_files_are_tolerated() {
        for json in [
            &b"\xef\xbb\xbf{\"name\": \"a\", \"version\": \"1\"}"[..],
            b"{\"name\": \"a\", \"version\": \"1\", \"author\": [1, {}], \"license\": {\"type\": 3}}",
            b"{\"name\": \"b\", \"name\": \"a\", \"version\": \"1\", \"x\": \"\\ud800 \xff\"}",
            b"{\"name\": \"a\", \"version\": \"1\"} trailing",
        ] {
            assert_eq!(
                read(json).map(|package| package.name).as_deref(),
                Some("a"),
                "{}",
                json.escape_ascii()
            );
        }
    }

    #[test]
    fn old_forms_of_people_and_licences_are_read() {
        let package = read(
            br#"{"name": "a", "version": "1", "author": {"name": "A", "email": "a@example.org"},
            "licenses": [{"type": "MIT", "url": "x"}, "ISC", {"url": "https://opensource.org/licenses/MIT"}]}"#,
        )
        .unwrap();
        assert_eq!(package.maintainer.as_deref(), Some("A <a@example.org>"));
        let values: Vec<_> = package.licenses.iter().map(|claim| claim.spdx.as_deref().unwrap()).collect();
        assert_eq!(values, ["MIT", "ISC", "MIT"]);
    }

    #[test]
    fn deep_nesting_does_not_exhaust_the_stack() {
        let deep = [&b"{\"x\": "[..], &vec![b'['; 1 << 20], b", \"name\": \"a\"}"].concat();
        assert_eq!(read(&deep), None);
        let deep = [&b"{\"license\": "[..], &vec![b'['; 1 << 20]].concat();
        assert_eq!(read(&deep), None);
    }

    #[test]
    fn only_files_of_that_name_are_read() {
        let bytes = br#"{"name": "a", "version": "1"}"#;
        assert!(
            analyze(&PackageJson, &[("a/xpackage.json", bytes), ("package.json/a", bytes)])
                .records
                .is_empty()
        );
    }
}
