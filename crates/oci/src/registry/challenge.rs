//! `WWW-Authenticate` (RFC 9110, section 11; the token protocol of the distribution project).

use std::collections::BTreeMap;

/// One way in, as the registry offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

/// The best of the challenges in `headers`: Bearer before Basic, for with Bearer the registry itself never
/// sees the password. `None` if it offers nothing we know.
pub(super) fn best<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Challenge> {
    let all: Vec<Challenge> = headers.into_iter().flat_map(parse).collect();
    let bearer = all.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. }));
    bearer.or_else(|| all.first()).cloned()
}

/// All challenges of one header line: `Bearer realm="…",scope="a,b", Basic realm="x"`.
fn parse(header: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    for item in split_unquoted(header) {
        let item = item.trim();
        // A scheme is a word before its first parameter, or a word alone.
        let (scheme, parameter) = match item.split_once([' ', '\t']) {
            Some((scheme, rest)) if !scheme.contains('=') => (Some(scheme), rest.trim()),
            _ if !item.contains('=') => (Some(item), ""),
            _ => (None, item),
        };
        if let Some(scheme) = scheme.filter(|scheme| !scheme.is_empty()) {
            found.push((scheme.to_ascii_lowercase(), BTreeMap::new()));
        }
        if let (Some((_, parameters)), Some((key, value))) = (found.last_mut(), parameter.split_once('=')) {
            parameters.insert(key.trim().to_ascii_lowercase(), unquote(value.trim()));
        }
    }
    found
        .into_iter()
        .filter_map(|(scheme, mut parameters)| match scheme.as_str() {
            "basic" => Some(Challenge::Basic),
            "bearer" => Some(Challenge::Bearer {
                realm: parameters.remove("realm")?,
                service: parameters.remove("service"),
                scope: parameters.remove("scope"),
            }),
            _ => None,
        })
        .collect()
}

/// The pieces between commas that stand outside quotes.
fn split_unquoted(text: &str) -> Vec<&str> {
    let (mut pieces, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let (mut text, mut escaped) = (String::new(), false);
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            text.push(c);
            escaped = false;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer { realm: realm.into(), service: owned(service), scope: owned(scope) }
    }

    #[test]
    fn challenges_of_real_registries_are_read() {
        for (headers, expected) in [
            (
                vec![
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull""#,
                ],
                Some(bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:library/nginx:pull"),
                )),
            ),
            (
                vec![r#"Bearer realm="https://r/t", service="s", scope="repository:a:pull,push""#],
                Some(bearer("https://r/t", Some("s"), Some("repository:a:pull,push"))),
            ),
            (vec![r#"Basic realm="Registry Realm""#], Some(Challenge::Basic)),
            (vec!["basic"], Some(Challenge::Basic)),
            (
                vec![r#"Basic realm="x, y", Bearer realm="https://r/t""#],
                Some(bearer("https://r/t", None, None)),
            ),
            (
                vec![r#"Basic realm="x""#, r"BEARER realm=https://r/t"],
                Some(bearer("https://r/t", None, None)),
            ),
            (vec![r#"Bearer realm="a\"b""#], Some(bearer("a\"b", None, None))),
            (vec![r#"Bearer service="s""#], None),
            (vec!["Negotiate, NTLM"], None),
            (vec![""], None),
            (vec![], None),
        ] {
            assert_eq!(best(headers.clone()), expected, "{headers:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_panics(header: String) {
            let _ = best([header.as_str()]);
        }
    }
}
