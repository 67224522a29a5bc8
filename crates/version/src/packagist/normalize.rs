//! `Composer\Semver\VersionParser::normalize`.

use crate::cursor::Cursor;

/// What Composer makes of a version text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Normalized {
    /// `dev-` and a branch name.
    Branch(String),
    /// Four numbers (or a date) and, behind a hyphen, a stability.
    Version(String),
    /// Composer refuses it; without what it would have stripped.
    Unknown(String),
}

pub(super) fn normalize(text: &str) -> Normalized {
    let version = strip_alias_and_flag(text.trim_ascii());
    if matches!(version, "master" | "trunk" | "default") {
        return Normalized::Branch(format!("dev-{version}"));
    }
    if version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("dev-")) {
        return Normalized::Branch(format!("dev-{}", &version[4..]));
    }
    let version = strip_metadata(version);
    let found = classical(version).or_else(|| date(version)).or_else(|| numeric_branch(version));
    match found {
        Some(found) => Normalized::Version(found),
        None => Normalized::Unknown(version.strip_prefix(['v', 'V']).unwrap_or(version).to_owned()),
    }
}

/// `1.0 as 2.0` is 1.0, and so is `1.0@beta`.
fn strip_alias_and_flag(version: &str) -> &str {
    let plain = |text: &str| !text.is_empty() && !text.contains([',', ' ', '\t', '\n']);
    let version = match version.split_once(" as ") {
        Some((name, alias)) if plain(name.trim_end_matches(' ')) && plain(alias.trim_start_matches(' ')) => {
            name.trim_end_matches(' ')
        }
        _ => version,
    };
    match version.rsplit_once('@') {
        Some((before, flag))
            if ["stable", "rc", "beta", "alpha", "dev"]
                .iter()
                .any(|word| word.eq_ignore_ascii_case(flag)) =>
        {
            before
        }
        _ => version,
    }
}

fn strip_metadata(version: &str) -> &str {
    match version.split_once('+') {
        Some((before, metadata))
            if !before.is_empty()
                && !metadata.is_empty()
                && !before.contains(',')
                && !version.contains(|byte: char| byte.is_ascii_whitespace()) =>
        {
            before
        }
        _ => version,
    }
}

/// One to four numbers, the first of at most five digits, and a stability.
fn classical(version: &str) -> Option<String> {
    let mut cursor = Cursor::trimmed(version);
    cursor.eat_any(b"vV");
    let first = cursor.digits().of(version);
    if first.is_empty() || first.len() > 5 {
        return None;
    }
    let mut out = String::with_capacity(version.len() + 8);
    push(&mut out, first);
    for _ in 0..3 {
        let mut ahead = cursor;
        let number = if ahead.eat_any(b".") { ahead.digits().of(version) } else { b"" };
        out.push('.');
        if number.is_empty() {
            out.push('0');
        } else {
            push(&mut out, number);
            cursor = ahead;
        }
    }
    push_stability(&mut out, &mut cursor, version)?;
    Some(out)
}

/// A date and perhaps a time, which may be written without separators.
fn date(version: &str) -> Option<String> {
    let start = usize::from(version.starts_with(['v', 'V']));
    let bytes = version.as_bytes().get(start..)?;
    let year = bytes.get(..4)?;
    if !year.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Where each way to read the pairs of digits behind the year ends.
    let mut ends = Vec::with_capacity(6);
    let mut at = 4;
    while ends.len() < 6 {
        let Some(next) = digits_behind(bytes, at, 2) else { break };
        ends.push(next);
        at = next;
    }
    for end in ends.iter().rev() {
        // Up to two more groups of one to three digits, the longest reading first.
        let one = (1..=3).rev().filter_map(|count| digits_behind(bytes, *end, count));
        let two = one
            .clone()
            .flat_map(|end| (1..=3).rev().filter_map(move |count| digits_behind(bytes, end, count)));
        for last in two.chain(one).chain([*end]) {
            let mut out = String::with_capacity(version.len() + 8);
            out.extend(
                bytes[..last].iter().map(|byte| if byte.is_ascii_digit() { *byte as char } else { '.' }),
            );
            let rest = &version[start + last..];
            if push_stability(&mut out, &mut Cursor::trimmed(rest), rest).is_some() {
                return Some(out);
            }
        }
    }
    None
}

/// The end of `count` digits at `at`, which a separator may precede.
fn digits_behind(bytes: &[u8], at: usize, count: usize) -> Option<usize> {
    let start = at + usize::from(bytes.get(at).is_some_and(|byte| b".:-".contains(byte)));
    let digits = bytes.get(start..start + count)?;
    digits.iter().all(u8::is_ascii_digit).then_some(start + count)
}

/// Reads `-beta2`, `RC1-dev` and the like up to the end and appends their normal form.
fn push_stability(out: &mut String, cursor: &mut Cursor<'_>, text: &str) -> Option<()> {
    const WORDS: [(&str, &str); 9] = [
        ("stable", ""),
        ("beta", "beta"),
        ("b", "beta"),
        ("rc", "RC"),
        ("alpha", "alpha"),
        ("a", "alpha"),
        ("patch", "patch"),
        ("pl", "patch"),
        ("p", "patch"),
    ];
    cursor.eat_any(b"._-");
    let mut stable = false;
    if let Some((_, name)) = WORDS.iter().find(|(word, _)| cursor.eat_word(word)) {
        let start = cursor.at();
        loop {
            let mut ahead = *cursor;
            ahead.eat_any(b".-");
            if ahead.digits().is_empty() {
                break;
            }
            *cursor = ahead;
        }
        stable = name.is_empty();
        if !stable {
            out.push('-');
            out.push_str(name);
            out.push_str(text.get(start..cursor.at())?.trim_start_matches(['.', '-']));
        }
    }
    let mut ahead = *cursor;
    ahead.eat_any(b".-");
    let dev = ahead.eat_word("dev");
    if dev {
        *cursor = ahead;
    }
    if !cursor.is_done() {
        return None;
    }
    if dev && !stable {
        out.push_str("-dev");
    }
    Some(())
}

/// `1.x-dev` is greater than all of 1.
fn numeric_branch(version: &str) -> Option<String> {
    let end = version.len().checked_sub(3)?;
    if !version.get(end..)?.eq_ignore_ascii_case("dev") {
        return None;
    }
    let name = &version[..end];
    let name = name.strip_suffix(['.', '-']).unwrap_or(name).trim_ascii();
    let name = name.strip_prefix(['v', 'V']).unwrap_or(name);
    let mut numbers = name.split('.');
    let mut out = String::new();
    for index in 0..4 {
        if index > 0 {
            out.push('.');
        }
        match numbers.next() {
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty() => {
                out.push_str(number);
            }
            Some("x" | "X" | "*") | None if index > 0 => out.push_str("9999999"),
            _ => return None,
        }
    }
    out.push_str("-dev");
    numbers.next().is_none().then_some(out)
}

fn push(out: &mut String, digits: &[u8]) {
    out.extend(digits.iter().map(|digit| *digit as char));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is what Composer 2.5 (`php -r` on its VersionParser) answers.
    #[test]
    fn normal_forms_are_composers() {
        for (text, normal) in [
            ("1", "1.0.0.0"),
            ("v1.2", "1.2.0.0"),
            ("1.0.0-beta.5+foo", "1.0.0.0-beta5"),
            ("1.0.0.RC.15-dev", "1.0.0.0-RC15-dev"),
            ("1.0-stable", "1.0.0.0"),
            ("1.0.0-p1", "1.0.0.0-patch1"),
            ("1.0b2.1", "1.0.0.0-beta2.1"),
            ("2010-01-02.5", "2010.01.02.5"),
            ("20100102-203040", "20100102.203040"),
            ("v20100102p3", "20100102-patch3"),
            ("1.x-dev", "1.9999999.9999999.9999999-dev"),
            ("2.0.*-DEV", "2.0.9999999.9999999-dev"),
            ("1.0-", "1.0.0.0"),
            ("1.0@beta", "1.0.0.0"),
            ("1.0 as 2.0", "1.0.0.0"),
        ] {
            assert_eq!(normalize(text), Normalized::Version(normal.to_owned()), "{text}");
        }
        assert_eq!(normalize("DEV-main"), Normalized::Branch("dev-main".to_owned()));
        assert_eq!(normalize("trunk"), Normalized::Branch("dev-trunk".to_owned()));
        for text in ["4.3-2RC1", "1.0.0.0.0", "1234567890.1.1.1.1", "foo", "1.0-foo"] {
            assert!(matches!(normalize(text), Normalized::Unknown(_)), "{text}");
        }
    }
}
