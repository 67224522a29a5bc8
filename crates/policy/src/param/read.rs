//! From a node of the text to the value of a parameter.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::{Param, ParamKind, Value};
use crate::fields::text;
use crate::mistake::{Mistakes, unknown};
use crate::range::Range;
use crate::wildcard::Wildcard;
use crate::yaml::{Node, Tree};

/// The most items of a list.
const MAX_ITEMS: usize = 10_000;
/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 1_000;
/// The most memory the compiled patterns of one parameter may take, and a search by them.
const MAX_COMPILED: usize = 4 << 20;

/// The value of `param`, or mistakes that say why it has none.
pub(crate) fn read(param: &Param, node: &Node, field: &str, mistakes: &mut Mistakes) -> Option<Value> {
    match param.kind {
        ParamKind::Bool => match plain(node) {
            Some("true" | "True" | "TRUE") => Some(Value::Bool(true)),
            Some("false" | "False" | "FALSE") => Some(Value::Bool(false)),
            _ => wrong(node, field, "true or false", mistakes),
        },
        ParamKind::Integer => match plain(node).and_then(|text| text.parse().ok()) {
            Some(number) => Some(Value::Integer(number)),
            None => wrong(node, field, "a whole number from 0", mistakes),
        },
        ParamKind::Number(max) => match plain(node).and_then(|text| text.parse::<f64>().ok()) {
            Some(number) if (0.0..=max).contains(&number) => Some(Value::Number(number)),
            _ => wrong(node, field, &format!("a number from 0 to {max}"), mistakes),
        },
        ParamKind::Size => match scalar(node).and_then(size) {
            Some(bytes) => Some(Value::Integer(bytes)),
            None => wrong(node, field, "a size such as 500MB, 2GiB or a number of bytes", mistakes),
        },
        ParamKind::Text => text(node, field, mistakes).map(|text| Value::Texts(vec![text.to_owned()])),
        ParamKind::Texts => each(node, field, mistakes, |text| Ok(text.to_owned())).map(Value::Texts),
        ParamKind::Choice(choices) => {
            let given = text(node, field, mistakes)?;
            let chosen = choices.iter().find(|choice| **choice == given);
            if chosen.is_none() {
                mistakes.add(node.at, field, unknown("value", given, choices.iter().copied()));
            }
            chosen.map(|choice| Value::Choices(vec![choice]))
        }
        ParamKind::Choices(choices) => each(node, field, mistakes, |given| {
            let known = choices.iter().find(|choice| **choice == given);
            known.copied().ok_or_else(|| unknown("value", given, choices.iter().copied()))
        })
        .map(Value::Choices),
        ParamKind::Wildcards => {
            each(node, field, mistakes, |text| Ok(Wildcard::new(text))).map(Value::Wildcards)
        }
        ParamKind::Globs => {
            let globs = each(node, field, mistakes, glob)?;
            let mut set = GlobSetBuilder::new();
            for glob in globs {
                set.add(glob);
            }
            or_too_large(set.build().map(Value::Globs), node, field, mistakes)
        }
        ParamKind::Regexes => {
            let patterns = each(node, field, mistakes, regex)?;
            or_too_large(compile(&patterns).map(Value::Regexes), node, field, mistakes)
        }
        ParamKind::Ranges => each(node, field, mistakes, Range::parse).map(Value::Ranges),
        ParamKind::Digests => each(node, field, mistakes, digest).map(Value::Digests),
    }
}

fn scalar(node: &Node) -> Option<&str> {
    match &node.tree {
        Tree::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

fn plain(node: &Node) -> Option<&str> {
    match &node.tree {
        Tree::Scalar { text, plain: true } => Some(text),
        _ => None,
    }
}

fn wrong(node: &Node, field: &str, expected: &str, mistakes: &mut Mistakes) -> Option<Value> {
    mistakes.add(node.at, field, format!("expected {expected}, found {}", node.describe()));
    None
}

/// Every item of a list, or the one that stands for a list; all that are wrong are named.
fn each<'n, T>(
    node: &'n Node,
    field: &str,
    mistakes: &mut Mistakes,
    item: impl Fn(&'n str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let items: Vec<(String, &Node)> = match &node.tree {
        Tree::List(items) => {
            items.iter().enumerate().map(|(at, item)| (format!("{field}[{at}]"), item)).collect()
        }
        _ => vec![(field.to_owned(), node)],
    };
    if items.is_empty() || items.len() > MAX_ITEMS {
        mistakes.add(node.at, field, format!("expected 1 to {MAX_ITEMS} items, found {}", items.len()));
        return None;
    }
    let before = mistakes.len();
    let mut values = Vec::with_capacity(items.len());
    for (field, node) in items {
        let Some(text) = text(node, &field, mistakes) else { continue };
        match item(text) {
            Ok(value) => values.push(value),
            Err(message) => mistakes.add(node.at, field, message),
        }
    }
    (mistakes.len() == before && !values.is_empty()).then_some(values)
}

fn or_too_large<E: std::fmt::Display>(
    value: Result<Value, E>,
    node: &Node,
    field: &str,
    mistakes: &mut Mistakes,
) -> Option<Value> {
    value
        .map_err(|error| {
            mistakes.add(node.at, field, format!("these patterns together are too large: {error}"));
        })
        .ok()
}

/// Decimal and binary units, as `500MB` and `2 GiB`.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn bounded(pattern: &str) -> Result<&str, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!("the pattern has {} bytes; the limit is {MAX_PATTERN}", pattern.len()));
    }
    Ok(pattern)
}

/// Paths of an image are absolute, so a glob is too; a leading slash may be left out.
fn glob(pattern: &str) -> Result<globset::Glob, String> {
    GlobBuilder::new(bounded(pattern)?.trim_start_matches('/'))
        .literal_separator(true)
        .backslash_escape(true)
        // `/{,usr/}bin` is /bin and /usr/bin, as in a shell.
        .empty_alternates(true)
        .build()
        .map_err(|error| format!("not a glob: {}", error.kind()))
}

/// Each pattern alone first, so that the mistake names the one that is wrong.
fn regex(pattern: &str) -> Result<&str, String> {
    let pattern = bounded(pattern)?;
    compile(&[pattern]).map(|_| pattern).map_err(|error| match error {
        regex::Error::Syntax(message) => {
            // The last line says what is wrong; the ones above draw an arrow at it.
            let what = message.lines().last().unwrap_or_default();
            format!("not a regular expression: {}", what.trim_start_matches("error: "))
        }
        error => format!("not a usable regular expression: {error}"),
    })
}

fn compile(patterns: &[&str]) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .nest_limit(50)
        .build()
}

fn digest(text: &str) -> Result<[u8; 32], String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    let digest = format!("sha256:{hex}").parse::<plimsoll_types::Digest>();
    digest.map(|digest| *digest.as_bytes()).map_err(|error| error.to_string())
}

/// True if any glob of `set` fits a path of an image.
pub(crate) fn glob_matches(set: &GlobSet, path: &plimsoll_types::PathBytes) -> bool {
    set.is_match_candidate(&globset::Candidate::from_bytes(path.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: ParamKind, yaml: &str) -> Result<Value, String> {
        let param = Param { name: "p", kind, required: false, summary: "", example: "" };
        let mut mistakes = Mistakes::default();
        let node = crate::yaml::parse(yaml, &mut mistakes).unwrap();
        let value = read(&param, &node, "p", &mut mistakes);
        mistakes.or(value).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn sizes_have_units_and_do_not_overflow() {
        for (text, bytes) in [("12", 12), ("500MB", 500_000_000), ("2 GiB", 2 << 30), ("1kb", 1000)] {
            assert!(matches!(value(ParamKind::Size, text), Ok(Value::Integer(n)) if n == bytes), "{text}");
        }
        for bad in ["-1", "1.5GB", "MB", "18446744073709551615kB", "1 TB", "[1]"] {
            assert!(value(ParamKind::Size, bad).unwrap_err().contains("expected a size"), "{bad}");
        }
    }

    #[test]
    fn a_quoted_boolean_or_number_is_text() {
        assert!(matches!(value(ParamKind::Bool, "true"), Ok(Value::Bool(true))));
        assert_eq!(
            value(ParamKind::Bool, "\"true\"").unwrap_err(),
            "line 1, column 1: p: expected true or false, found \"true\""
        );
        assert!(value(ParamKind::Bool, "yes").is_err());
        assert!(value(ParamKind::Integer, "-3").is_err());
        assert!(value(ParamKind::Number(10.0), "NaN").is_err());
        assert!(value(ParamKind::Number(10.0), "10.1").is_err());
    }

    #[test]
    fn every_wrong_item_of_a_list_is_named() {
        assert_eq!(
            value(ParamKind::Choices(&["deb", "rpm"]), "[deb, rmp, {}]").unwrap_err(),
            "line 1, column 7: p[1]: unknown value \"rmp\"; did you mean \"rpm\"?\n\
             line 1, column 12: p[2]: expected a text, found a mapping"
        );
        assert!(value(ParamKind::Texts, "[]").unwrap_err().contains("expected 1 to 10000 items, found 0"));
    }

    #[test]
    fn patterns_are_bounded_and_say_what_is_wrong() {
        assert!(value(ParamKind::Regexes, "'a('").unwrap_err().contains("unclosed group"));
        assert!(value(ParamKind::Regexes, "'(a{500}){500}'").unwrap_err().contains("size limit"));
        assert!(value(ParamKind::Globs, "'{a'").unwrap_err().contains("not a glob"));
        assert!(value(ParamKind::Globs, &"a".repeat(1001)).unwrap_err().contains("the limit is 1000"));
    }

    #[test]
    fn globs_are_absolute_and_a_single_star_stays_in_its_directory() {
        let Ok(Value::Globs(set)) = value(ParamKind::Globs, "[/usr/bin/*, '/opt/**', '/{,local/}etc']")
        else {
            panic!()
        };
        for (path, expected) in [
            ("/usr/bin/su", true),
            ("/usr/bin/a/b", false),
            ("/opt/a/b", true),
            ("/x/usr/bin/su", false),
            ("/etc", true),
            ("/local/etc", true),
        ] {
            assert_eq!(glob_matches(&set, &plimsoll_types::PathBytes::from(path)), expected, "{path}");
        }
    }
}
