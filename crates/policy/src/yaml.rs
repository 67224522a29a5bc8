//! YAML as a tree in which every node knows its line and column.
//!
//! The tree is what lets the parser name all mistakes at once, each by its place; a deserialiser would stop at
//! the first. Scalars stay text until a field says what it wants, so `version: 1.10` is not 1.1 and the
//! country `no` is not false. Anchors, aliases and tags are refused: a policy needs none, and without aliases
//! the tree is never larger than the text.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::mistake::{At, Mistakes, shorten};

/// The most bytes of a policy or allowlist; the largest allowlists seen have some hundred KiB.
const MAX_BYTES: usize = 4 << 20;
/// The most mappings and lists inside one another; the format itself needs six.
const MAX_DEPTH: usize = 32;

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) tree: Tree,
}

#[derive(Debug)]
pub(crate) enum Tree {
    /// `plain` is false for quoted and block scalars, which are always text.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) at: At,
    pub(crate) key: String,
    pub(crate) value: Node,
}

impl Node {
    /// True for nothing, `~` and `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.tree, Tree::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What it is, for mistakes about what it should have been.
    pub(crate) fn describe(&self) -> String {
        match &self.tree {
            _ if self.is_null() => "nothing".to_owned(),
            Tree::Scalar { text, .. } => format!("{:?}", shorten(text)),
            Tree::List(_) => "a list".to_owned(),
            Tree::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// A mapping or list that has begun and not ended.
struct Open {
    at: At,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    /// The entries so far, and a key that waits for its value.
    Map(Vec<Entry>, Option<(String, At)>),
}

/// The one document of `text`; `None` (with a mistake) if there is none to go on with.
pub(crate) fn parse(text: &str, mistakes: &mut Mistakes) -> Option<Node> {
    let start = At { line: 1, column: 1 };
    if text.len() > MAX_BYTES {
        mistakes.add(start, "", format!("the text has {} bytes; the limit is {MAX_BYTES}", text.len()));
        return None;
    }
    let mut parser = Parser::new_from_str(text.trim_start_matches('\u{feff}'));
    let mut builder = Builder { open: Vec::new(), root: None, documents: 0 };
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let marker = error.marker();
                let at = At { line: marker.line(), column: marker.col() + 1 };
                mistakes.add(at, "", format!("this is not YAML: {}", error.info()));
                return None;
            }
        };
        builder.take(event, span, mistakes)?;
    }
    if builder.root.is_none() {
        mistakes.add(start, "", "the text is empty");
    }
    builder.root
}

struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Builder {
    /// One event; `None` ends the reading.
    fn take(&mut self, event: Event<'_>, span: Span, mistakes: &mut Mistakes) -> Option<()> {
        let at = At { line: span.start.line(), column: span.start.col() + 1 };
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    mistakes.add(at, "", "a second document begins here; only one is read");
                    return None;
                }
            }
            Event::Alias(_) => {
                mistakes.add(at, "", "aliases (*name) are not supported; write the value out");
                return None;
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_extras(at, anchor, tag.is_some(), mistakes)?;
                let plain = style == ScalarStyle::Plain;
                self.value(at, Tree::Scalar { text: text.into_owned(), plain }, mistakes)?;
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_extras(at, anchor, tag.is_some(), mistakes)?;
                self.begin(at, OpenKind::List(Vec::new()), mistakes)?;
            }
            Event::MappingStart(anchor, tag) => {
                refuse_extras(at, anchor, tag.is_some(), mistakes)?;
                self.begin(at, OpenKind::Map(Vec::new(), None), mistakes)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop()?;
                let tree = match open.kind {
                    OpenKind::List(nodes) => Tree::List(nodes),
                    OpenKind::Map(entries, _) => Tree::Map(entries),
                };
                self.value(open.at, tree, mistakes)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Some(())
    }

    fn begin(&mut self, at: At, kind: OpenKind, mistakes: &mut Mistakes) -> Option<()> {
        if self.open.len() == MAX_DEPTH {
            mistakes.add(at, "", format!("more than {MAX_DEPTH} mappings and lists inside one another"));
            return None;
        }
        if let Some(Open { kind: OpenKind::Map(_, None), .. }) = self.open.last() {
            mistakes.add(at, "", "a key must be a plain text, not a mapping or a list");
            return None;
        }
        self.open.push(Open { at, kind });
        Some(())
    }

    /// A finished node goes where it belongs: into the list, as key or value into the mapping, or to the top.
    fn value(&mut self, at: At, tree: Tree, mistakes: &mut Mistakes) -> Option<()> {
        let node = Node { at, tree };
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(OpenKind::List(nodes)) => nodes.push(node),
            Some(OpenKind::Map(entries, key)) => match (key.take(), node.tree) {
                (Some((key, at)), tree) => entries.push(Entry { at, key, value: Node { at: node.at, tree } }),
                (None, Tree::Scalar { text, .. }) => *key = Some((text, at)),
                (None, _) => {
                    mistakes.add(at, "", "a key must be a plain text, not a mapping or a list");
                    return None;
                }
            },
        }
        Some(())
    }
}

fn refuse_extras(at: At, anchor: usize, tagged: bool, mistakes: &mut Mistakes) -> Option<()> {
    if anchor != 0 {
        mistakes.add(at, "", "anchors (&name) are not supported; write the value out");
        return None;
    }
    if tagged {
        mistakes.add(at, "", "tags (!name) are not supported");
        return None;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mistake(text: &str) -> String {
        let mut mistakes = Mistakes::default();
        let node = parse(text, &mut mistakes);
        mistakes.or(node).unwrap_err().to_string()
    }

    #[test]
    fn nodes_know_where_they_stand() {
        let node = parse("a: 1\nb:\n  - x\n  - {c: d}\n", &mut Mistakes::default()).unwrap();
        let Tree::Map(entries) = &node.tree else { panic!("{node:?}") };
        assert_eq!(entries[1].at, At { line: 2, column: 1 });
        let Tree::List(items) = &entries[1].value.tree else { panic!("{node:?}") };
        assert_eq!(items[0].at, At { line: 3, column: 5 });
        let Tree::Map(inner) = &items[1].tree else { panic!("{node:?}") };
        assert_eq!((inner[0].at, inner[0].value.at), (At { line: 4, column: 6 }, At { line: 4, column: 9 }));
    }

    #[test]
    fn json_is_read_too_with_tabs_and_escapes() {
        let text = "{\n\t\"a\": [\"x\\u0041\\/\", null],\n\t\"b\": {}\n}\n";
        let mut mistakes = Mistakes::default();
        let node = parse(text, &mut mistakes);
        let node = mistakes.or(node).unwrap();
        let Tree::Map(entries) = &node.tree else { panic!("{node:?}") };
        let Tree::List(items) = &entries[0].value.tree else { panic!("{node:?}") };
        assert!(matches!(&items[0].tree, Tree::Scalar { text, plain: false } if text == "xA/"));
        assert!(items[1].is_null());
    }

    #[test]
    fn bombs_are_refused_by_line() {
        assert_eq!(
            mistake("a: &a [x, x]\nb: [*a, *a]\n"),
            "line 1, column 4: anchors (&name) are not supported; write the value out"
        );
        assert!(mistake(&"[".repeat(MAX_DEPTH + 1)).contains("more than 32 mappings and lists"));
        assert!(mistake(&"[".repeat(100_000)).contains("this is not YAML"));
        assert!(mistake(&"- ".repeat(10_000)).contains("more than 32 mappings and lists"));
        assert!(mistake(&"x".repeat(MAX_BYTES + 1)).contains("the limit is 4194304"));
    }

    #[test]
    fn broken_texts_say_where() {
        assert_eq!(mistake(""), "line 1, column 1: the text is empty");
        assert!(mistake("a: b\n  c: d\n").starts_with("line 2, column "));
        assert_eq!(
            mistake("a: 1\n---\nb: 2\n"),
            "line 2, column 1: a second document begins here; only one is read"
        );
        assert!(mistake("? [a]\n: b\n").contains("a key must be a plain text"));
        assert!(mistake("a: !!str b\n").contains("tags (!name) are not supported"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}:,\\-?&*!|>'\"%@` \n\ta-c0-9#]{0,200}") {
            let mut mistakes = Mistakes::default();
            let node = parse(&text, &mut mistakes);
            prop_assert!(node.is_some() != (mistakes.len() > 0));
        }
    }
}
