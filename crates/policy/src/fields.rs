//! Reading a mapping field by field.

use crate::mistake::{At, Mistakes, unknown};
use crate::yaml::{Entry, Node, Tree};

/// The fields of one mapping. Duplicates and fields nobody knows are mistakes when it is made.
pub(crate) struct Fields<'n> {
    at: At,
    path: String,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// The fields of `node`, which must be a mapping of no other than the `known` fields.
    pub(crate) fn of<'k>(
        node: &'n Node,
        path: &str,
        what: &str,
        known: &(impl IntoIterator<Item = &'k str> + Clone),
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let Tree::Map(entries) = &node.tree else {
            mistakes.add(node.at, path, format!("expected a mapping, found {}", node.describe()));
            return None;
        };
        let fields = Self { at: node.at, path: path.to_owned(), entries };
        let mut first = std::collections::HashMap::new();
        for entry in entries {
            if mistakes.are_full() {
                break;
            }
            let field = fields.field(&entry.key);
            if !known.clone().into_iter().any(|name| name == entry.key) {
                mistakes.add(entry.at, field, unknown(what, &entry.key, known.clone()));
            } else if let Some(line) = first.insert(entry.key.as_str(), entry.at.line) {
                mistakes.add(entry.at, field, format!("duplicate field, first given on line {line}"));
            }
        }
        Some(fields)
    }

    /// The path of a field, for mistakes.
    pub(crate) fn field(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => crate::mistake::shorten(name),
            path => format!("{path}.{}", crate::mistake::shorten(name)),
        }
    }

    /// Where the mapping begins.
    pub(crate) fn at(&self) -> At {
        self.at
    }

    /// A field, if it is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value).filter(|n| !n.is_null())
    }

    /// A field that must be there.
    pub(crate) fn require(&self, name: &str, mistakes: &mut Mistakes) -> Option<&'n Node> {
        let node = self.get(name);
        if node.is_none() {
            mistakes.add(self.at, self.field(name), "this field is required");
        }
        node
    }

    /// A text that must be there.
    pub(crate) fn require_text(&self, name: &str, mistakes: &mut Mistakes) -> Option<&'n str> {
        let node = self.require(name, mistakes)?;
        text(node, &self.field(name), mistakes)
    }

    /// A text that may be there.
    pub(crate) fn text(&self, name: &str, mistakes: &mut Mistakes) -> Option<&'n str> {
        text(self.get(name)?, &self.field(name), mistakes)
    }

    /// Checks the field `schema`, which names the format and its version.
    pub(crate) fn require_schema(&self, schema: &str, mistakes: &mut Mistakes) {
        if let Some(given) = self.require_text("schema", mistakes)
            && given != schema
            && let Some(node) = self.get("schema")
        {
            let message = format!("expected {schema}, found {:?}", crate::mistake::shorten(given));
            mistakes.add(node.at, self.field("schema"), message);
        }
    }

    /// The items of a list of at most `max`, with their paths; a missing list is empty.
    pub(crate) fn list(&self, name: &str, max: usize, mistakes: &mut Mistakes) -> Vec<(String, &'n Node)> {
        let Some(node) = self.get(name) else { return Vec::new() };
        let field = self.field(name);
        let Tree::List(items) = &node.tree else {
            mistakes.add(node.at, field, format!("expected a list, found {}", node.describe()));
            return Vec::new();
        };
        if items.len() > max {
            mistakes.add(node.at, field, format!("{} items; the limit is {max}", items.len()));
            return Vec::new();
        }
        items.iter().enumerate().map(|(index, item)| (format!("{field}[{index}]"), item)).collect()
    }
}

/// A scalar as text.
pub(crate) fn text<'n>(node: &'n Node, field: &str, mistakes: &mut Mistakes) -> Option<&'n str> {
    match &node.tree {
        Tree::Scalar { text, .. } if !node.is_null() && !text.trim().is_empty() => Some(text),
        Tree::Scalar { plain: false, .. } => {
            mistakes.add(node.at, field, "this text is empty; fill it in, or leave the field out");
            None
        }
        _ => {
            mistakes.add(node.at, field, format!("expected a text, found {}", node.describe()));
            None
        }
    }
}
