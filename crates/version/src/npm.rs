//! npm: node-semver in loose mode, which is how npm itself reads the versions of installed packages.

use crate::cursor::{Cursor, Span};
use crate::semver::{Key, identifiers, numbers};

/// Any of `v`, `=` and white space may stand in front, and the hyphen before a pre-release may be left out.
/// Missing numbers are zero, where node-semver would refuse, since advisories write `1.2`.
pub(crate) fn parse(text: &str) -> Result<Key, &'static str> {
    let mut cursor = Cursor::trimmed(text);
    cursor.take_while(|byte| byte == b'v' || byte == b'=' || byte.is_ascii_whitespace());
    let numbers = numbers(&mut cursor)?;
    match tail(cursor) {
        Ok(pre) => Ok(Key { numbers, pre, ..Key::default() }),
        // node-semver's expression backtracks into the third number: `1.2.34.5` is 1.2.3 with pre-release 4.5.
        Err(problem) => match numbers[2].split_last() {
            Some((shorter, at)) => {
                let pre = tail(cursor.back_at(at)).map_err(|_| problem)?;
                Ok(Key { numbers: [numbers[0], numbers[1], shorter], pre, ..Key::default() })
            }
            None => Err(problem),
        },
    }
}

/// The pre-release behind the numbers, build metadata and the end.
fn tail(mut cursor: Cursor<'_>) -> Result<Span, &'static str> {
    let mut pre = Span::default();
    match cursor.rest() {
        [] | [b'+', ..] => {}
        // A lone hyphen is an identifier, not a separator.
        [b'-', behind, ..] if !b"+.".contains(behind) => {
            cursor.eat_any(b"-");
            pre = identifiers(&mut cursor)?;
        }
        _ => pre = identifiers(&mut cursor)?,
    }
    if cursor.eat_any(b"+") {
        identifiers(&mut cursor)?;
    }
    if cursor.is_done() { Ok(pre) } else { Err("a plus or the end is expected behind the pre-release") }
}

#[cfg(test)]
mod tests {
    use crate::{Scheme, Version};

    #[test]
    fn a_fourth_number_is_refused() {
        assert!(Version::parse(Scheme::Npm, "1.2.3.4").is_err());
        assert!(Version::parse(Scheme::Npm, "1.2.x").is_err());
        assert!(Version::parse(Scheme::Npm, "1.2.3 beta").is_err());
    }
}
