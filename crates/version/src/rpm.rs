//! rpm: `rpmio/rpmvercmp.c` for one part, `rpmio/rpmver.c` for `epoch:version-release`.

use std::cmp::Ordering;

use crate::cursor::Span;
use crate::number;

#[derive(Clone, Copy)]
pub(crate) struct Key {
    epoch: Span,
    version: Span,
    /// rpm tells a missing release (less than any) from an empty one.
    release: Option<Span>,
}

impl Key {
    pub(crate) fn parse(text: &str) -> Self {
        let bytes = text.as_bytes();
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (epoch, from) = match bytes.get(digits) {
            Some(b':') => (Span::new(0, digits), digits + 1),
            _ => (Span::default(), 0),
        };
        let hyphen = bytes.iter().skip(from).rposition(|byte| *byte == b'-').map(|at| at + from);
        let version = Span::new(from, hyphen.unwrap_or(bytes.len()));
        Self { epoch, version, release: hyphen.map(|at| Span::new(at + 1, bytes.len())) }
    }

    pub(crate) fn compare(&self, text: &str, other: &Self, other_text: &str) -> Ordering {
        let epochs = number::compare(self.epoch.of(text), other.epoch.of(other_text));
        epochs.then_with(|| compare_part(self.version.of(text), other.version.of(other_text))).then_with(
            || match (self.release, other.release) {
                (Some(a), Some(b)) => compare_part(a.of(text), b.of(other_text)),
                (a, b) => a.is_some().cmp(&b.is_some()),
            },
        )
    }
}

/// Passes over what neither is a part nor has a meaning of its own.
fn skip_separators(text: &[u8]) -> &[u8] {
    let skipped =
        text.iter().take_while(|byte| !byte.is_ascii_alphanumeric() && !b"~^".contains(byte)).count();
    text.get(skipped..).unwrap_or_default()
}

/// rpm's `rpmvercmp`. At each step `~` is less than the end, which is less than `^`, then letters, then digits.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        a = skip_separators(a);
        b = skip_separators(b);
        let order = rank(a).cmp(&rank(b));
        if order.is_ne() {
            return order;
        }
        let Some(first) = a.first() else { return Ordering::Equal };
        if b"~^".contains(first) {
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
            continue;
        }
        let numeric = first.is_ascii_digit();
        let (a_run, a_rest) = split_run(a, numeric);
        let (b_run, b_rest) = split_run(b, numeric);
        let order = if numeric { number::compare(a_run, b_run) } else { a_run.cmp(b_run) };
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
}

/// How what comes next sorts against anything else that may come next.
fn rank(text: &[u8]) -> u8 {
    match text.first() {
        Some(b'~') => 0,
        None => 1,
        Some(b'^') => 2,
        Some(byte) if byte.is_ascii_digit() => 4,
        Some(_) => 3,
    }
}

fn split_run(text: &[u8], numeric: bool) -> (&[u8], &[u8]) {
    let in_run = |byte: &&u8| if numeric { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    text.split_at(text.iter().take_while(in_run).count())
}
