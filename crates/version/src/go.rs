//! Go: `golang.org/x/mod/semver` for modules, and the toolchain's own releases.
//!
//! Module versions are semantic versions; pseudo-versions order as pre-releases, and `+incompatible` is build
//! metadata. The standard library is versioned by the toolchain: binaries say `go1.21rc2`, the Go vulnerability
//! database says `1.21.0-rc.2`. Here both are one version, as in `govulncheck`.

use crate::cursor::{Cursor, Span};
use crate::semver::{Key, end, identifiers, numbers};

pub(crate) fn parse(text: &str) -> Result<Key, &'static str> {
    let mut cursor = Cursor::trimmed(text);
    let toolchain = cursor.eat_word("go");
    if !toolchain {
        cursor.eat_any(b"v");
    }
    let mut key = Key { numbers: numbers(&mut cursor)?, ..Key::default() };
    if let Some((pre, number)) = toolchain_pre_release(&mut cursor) {
        (key.pre, key.pre_number) = (pre, number);
        return Ok(key);
    }
    if toolchain {
        // `go1.21.3-custom` and `go1.21.3 X:boringcrypto` are builds of go1.21.3.
        return match cursor.peek() {
            None | Some(b'-' | b' ' | b'+') => Ok(key),
            Some(_) => Err("beta or rc and a number, a suffix or the end is expected behind a Go release"),
        };
    }
    if cursor.eat_any(b"-") {
        key.pre = identifiers(&mut cursor)?;
    }
    end(&mut cursor)?;
    Ok(key)
}

/// `beta1` or `rc2` right behind the numbers.
fn toolchain_pre_release(cursor: &mut Cursor<'_>) -> Option<(Span, Span)> {
    let mut ahead = *cursor;
    let pre = ahead.take_while(|byte| byte.is_ascii_lowercase());
    let number = ahead.digits();
    let word = &cursor.rest()[..ahead.at() - cursor.at()];
    let known = word.starts_with(b"beta") || word.starts_with(b"rc") || word.starts_with(b"alpha");
    let found = known && !number.is_empty() && matches!(ahead.peek(), None | Some(b'-' | b' ' | b'+'));
    if found {
        *cursor = ahead;
    }
    found.then_some((pre, number))
}

#[cfg(test)]
mod tests {
    use crate::{Scheme, Version};

    #[test]
    fn builds_without_a_release_are_refused() {
        for text in ["(devel)", "devel go1.23-abcdef", "go", "v", "go1.x", "1.21foo2"] {
            assert!(Version::parse(Scheme::Go, text).is_err(), "{text}");
        }
    }
}
