//! The names in a page, while its bytes arrive.
//!
//! A page is a JSON object with one list of strings that matters. It is read byte by byte and never held: nothing but
//! the name under way is kept, so a page may be as long as it likes. What is not that list is passed over, whatever it is.

/// The longest name, quotes and escapes included; no repository or tag comes near it.
const MAX_NAME: usize = 2048;

/// The deepest nesting that is passed over.
const MAX_DEPTH: u32 = 64;

/// Reads one page.
pub(super) struct Scanner {
    list: &'static str,
    depth: u32,
    text: Option<Text>,
    /// In the outer object: what comes next is a key.
    before_key: bool,
    /// The last key of the outer object is that of the list.
    is_list: bool,
    /// Within the list.
    inside: bool,
    found: bool,
    over: bool,
}

/// A string under way.
#[derive(Default)]
struct Text {
    /// With its quotes; empty if nobody wants it.
    raw: Vec<u8>,
    wanted: bool,
    escaped: bool,
}

impl Scanner {
    /// A scanner for the names under the key `list`.
    pub(super) fn new(list: &'static str) -> Self {
        Self {
            list,
            depth: 0,
            text: None,
            before_key: false,
            is_list: false,
            inside: false,
            found: false,
            over: false,
        }
    }

    /// Takes in bytes, and gives each name that is complete to `give`.
    pub(super) fn push(&mut self, bytes: &[u8], give: &mut impl FnMut(String)) -> Result<(), &'static str> {
        for byte in bytes {
            match self.text.take() {
                Some(text) => self.within(text, *byte, give)?,
                None => self.between(*byte)?,
            }
        }
        Ok(())
    }

    /// Says whether what came was a whole page with the list in it.
    pub(super) fn finish(&self) -> Result<(), &'static str> {
        match (self.over, self.found) {
            (false, _) => Err("the page ends in the middle"),
            (true, false) => Err("the page has no list of names"),
            (true, true) => Ok(()),
        }
    }

    fn within(
        &mut self,
        mut text: Text,
        byte: u8,
        give: &mut impl FnMut(String),
    ) -> Result<(), &'static str> {
        if text.wanted {
            if text.raw.len() >= MAX_NAME {
                return Err("it holds a name of more than 2,048 bytes");
            }
            text.raw.push(byte);
        }
        match byte {
            _ if text.escaped => text.escaped = false,
            b'\\' => text.escaped = true,
            b'"' => return self.end_of(&text, give),
            _ => {}
        }
        self.text = Some(text);
        Ok(())
    }

    fn end_of(&mut self, text: &Text, give: &mut impl FnMut(String)) -> Result<(), &'static str> {
        if !text.wanted {
            return Ok(());
        }
        let name: String = serde_json::from_slice(&text.raw).map_err(|_| "it holds a broken text")?;
        if self.inside {
            give(name);
        } else {
            self.is_list = name == self.list;
            self.found |= self.is_list;
        }
        Ok(())
    }

    fn between(&mut self, byte: u8) -> Result<(), &'static str> {
        if byte.is_ascii_whitespace() {
            return Ok(());
        }
        if self.over || (self.depth == 0 && byte != b'{') {
            return Err("the page is not one JSON object");
        }
        match byte {
            b'"' => {
                let wanted = (self.depth == 1 && self.before_key) || (self.inside && self.depth == 2);
                let raw = if wanted { vec![b'"'] } else { Vec::new() };
                self.text = Some(Text { raw, wanted, escaped: false });
            }
            b'{' | b'[' => {
                self.depth += 1;
                self.before_key |= self.depth == 1;
                self.inside |= self.depth == 2 && byte == b'[' && self.is_list && !self.before_key;
                if self.depth > MAX_DEPTH {
                    return Err("the page is nested too deeply");
                }
            }
            b'}' | b']' => {
                self.depth -= 1;
                self.inside &= self.depth >= 2;
                self.over = self.depth == 0;
            }
            b':' if self.depth == 1 => self.before_key = false,
            b',' if self.depth == 1 => (self.before_key, self.is_list) = (true, false),
            b',' | b':' => {}
            _ if self.inside && self.depth == 2 => return Err("its list holds something that is no text"),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The names in a page that arrives `piece` bytes at a time.
    fn names(page: &[u8], piece: usize) -> Result<Vec<String>, &'static str> {
        let mut scanner = Scanner::new("tags");
        let mut names = Vec::new();
        for chunk in page.chunks(piece) {
            scanner.push(chunk, &mut |name| names.push(name))?;
        }
        scanner.finish().map(|()| names)
    }

    #[test]
    fn names_are_found_however_the_page_arrives() {
        for page in [
            r#"{"name":"app","tags":["1","a\u00e9\"b"]}"#,
            r#" { "tags" : [ "1" , "a\u00e9\"b" ] , "name" : "tags" , "x":{"tags":["no"]} } "#,
            r#"{"x":[["tags"],{"tags":["no"]},1.5e3,null,true],"tags":["1","aé\"b"],"tags2":["no"]}"#,
        ] {
            for piece in [1, 2, 7, 1000] {
                assert_eq!(names(page.as_bytes(), piece).unwrap(), ["1", "aé\"b"], "{page}");
            }
        }
        for empty in [r#"{"tags":[]}"#, r#"{"name":"a","tags":null}"#] {
            assert_eq!(names(empty.as_bytes(), 3).unwrap(), [""; 0]);
        }
    }

    #[test]
    fn what_is_no_list_of_names_says_why() {
        for (page, why) in [
            ("", "in the middle"),
            (r#"{"tags":["1""#, "in the middle"),
            (r#"{"tags":["1"]"#, "in the middle"),
            (r#"{"errors":[]}"#, "no list"),
            ("{}", "no list"),
            ("<html>", "not one JSON object"),
            (r#"["1"]"#, "not one JSON object"),
            (r#"{"tags":["1"]}{"tags":["2"]}"#, "not one JSON object"),
            (r#"{"tags":[1]}"#, "no text"),
            (r#"{"tags":["\x"]}"#, "broken text"),
            ("{\"tags\":[\"\u{1}\"]}", "broken text"),
        ] {
            let error = names(page.as_bytes(), 5).unwrap_err();
            assert!(error.contains(why), "{page}: {error}");
        }
    }

    #[test]
    fn nothing_grows_with_what_is_sent() {
        let long = |len: usize| format!(r#"{{"tags":["{}"]}}"#, "x".repeat(len));
        assert_eq!(names(long(MAX_NAME - 2).as_bytes(), 100).unwrap().len(), 1);
        assert!(names(long(MAX_NAME - 1).as_bytes(), 100).unwrap_err().contains("2,048"));
        let passed_over = format!(r#"{{"x":"{}","tags":["1"]}}"#, "x".repeat(100_000));
        assert_eq!(names(passed_over.as_bytes(), 100).unwrap(), ["1"]);
        let deep = |depth: usize| format!(r#"{{"x":{}{},"tags":[]}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(names(deep(MAX_DEPTH as usize - 1).as_bytes(), 9).is_ok());
        assert!(names(deep(MAX_DEPTH as usize).as_bytes(), 9).unwrap_err().contains("deeply"));
    }

    proptest! {
        #[test]
        fn any_list_is_read_as_it_was_written(list: Vec<String>, name: String, piece in 1_usize..50) {
            let page = serde_json::json!({ "name": name, "tags": list, "more": { "tags": ["no"] } });
            prop_assert_eq!(names(page.to_string().as_bytes(), piece), Ok(list));
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, piece in 1_usize..9) {
            let _read_or_not = names(&bytes, piece);
        }
    }
}
