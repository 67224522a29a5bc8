//! Numbers of any size, compared as text: ecosystems put no bound on a version's numbers.

use std::cmp::Ordering;

/// The digits without leading zeros; nothing for zero.
pub(crate) fn strip_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

/// Compares two runs of decimal digits by value. An empty run is zero.
pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (strip_zeros(a), strip_zeros(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Whether a text is one or more decimal digits.
pub(crate) fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_decides_not_length() {
        assert_eq!(compare(b"0010", b"9"), Ordering::Greater);
        assert_eq!(compare(b"000", b""), Ordering::Equal);
        assert_eq!(compare(b"99999999999999999999998", b"99999999999999999999999"), Ordering::Less);
    }
}
