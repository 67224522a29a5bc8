//! Parameters of triggers: what they are called, what they hold, and their values in a rule.

mod read;

use globset::GlobSet;
use regex::bytes::RegexSet;

use crate::range::Range;
use crate::wildcard::Wildcard;

pub(crate) use read::{glob_matches, read};

/// A parameter a trigger takes. The parser, the JSON Schema and the documentation are made from it.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Name, snake case.
    pub name: &'static str,
    /// What it holds.
    pub kind: ParamKind,
    /// Whether a rule must give it.
    pub required: bool,
    /// One sentence for a person: what it does, and what holds without it.
    pub summary: &'static str,
    /// A valid value, as YAML on one line.
    pub example: &'static str,
}

/// What a parameter holds. Where a list is meant, a single item may stand for a list of one.
#[derive(Clone, Copy, Debug)]
pub enum ParamKind {
    /// `true` or `false`.
    Bool,
    /// A whole number from 0.
    Integer,
    /// A number from 0 to this.
    Number(f64),
    /// Bytes: a whole number, or one with a unit (`500MB`, `2 GiB`).
    Size,
    /// A text.
    Text,
    /// Texts.
    Texts,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Some of these.
    Choices(&'static [&'static str]),
    /// Texts in which `*` stands for anything.
    Wildcards,
    /// Path globs: `*` stays within a directory, `**` does not.
    Globs,
    /// Regular expressions (the syntax of Rust's `regex`), unanchored.
    Regexes,
    /// Ranges of versions: `< 2.17.1`, or `>= 2.0, < 2.3.1`.
    Ranges,
    /// SHA-256 digests, 64 hex digits each, with or without `sha256:`.
    Digests,
}

/// The parameters one rule gives.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<(&'static str, Value)>);

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Bool(bool),
    Integer(u64),
    Number(f64),
    Texts(Vec<String>),
    Choices(Vec<&'static str>),
    Wildcards(Vec<Wildcard>),
    Globs(GlobSet),
    Regexes(RegexSet),
    Ranges(Vec<Range>),
    Digests(Vec<[u8; 32]>),
}

/// One accessor per kind of value: `None` if the rule does not give the parameter.
macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident: $variant:ident -> $type:ty;)*) => {
        $($(#[$doc])* pub(crate) fn $name(&self, param: &Param) -> Option<$type> {
            match self.get(param.name) {
                Some(Value::$variant(value)) => Some(value.clone()),
                _ => None,
            }
        })*
    };
}

impl Values {
    pub(crate) fn set(&mut self, param: &Param, value: Value) {
        self.0.push((param.name, value));
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(given, _)| *given == name).map(|(_, value)| value)
    }

    /// Whether the rule gives the parameter with this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    accessors! {
        /// Of kind `Bool`.
        bool: Bool -> bool;
        /// Of kind `Integer` or `Size`.
        integer: Integer -> u64;
        /// Of kind `Number`.
        number: Number -> f64;
        /// Of kind `Text` or `Texts`.
        texts: Texts -> Vec<String>;
        /// Of kind `Choice` or `Choices`.
        choices: Choices -> Vec<&'static str>;
        /// Of kind `Wildcards`.
        wildcards: Wildcards -> Vec<Wildcard>;
        /// Of kind `Globs`.
        globs: Globs -> GlobSet;
        /// Of kind `Regexes`.
        regexes: Regexes -> RegexSet;
        /// Of kind `Ranges`.
        ranges: Ranges -> Vec<Range>;
        /// Of kind `Digests`.
        digests: Digests -> Vec<[u8; 32]>;
    }

    /// Of kind `Choice`: the one chosen.
    pub(crate) fn choice(&self, param: &Param) -> Option<&'static str> {
        self.choices(param).and_then(|choices| choices.first().copied())
    }
}
