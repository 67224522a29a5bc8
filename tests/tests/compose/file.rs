//! A compose file, as much of it as these tests look at.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

/// The folder the file is in, from which its paths count.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docker"))
}

/// A file of the repository, by its path from the top.
pub(crate) fn text_of(path: &str) -> String {
    let path = folder().join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads YAML.
pub(crate) fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A compose file.
pub(crate) struct Compose {
    document: Value,
}

impl Compose {
    /// The one of this repository.
    pub(crate) fn ours() -> Self {
        Self::of(&text_of("docker/compose.yml"))
    }

    /// Ours with one text in the place of another, which it must have.
    #[track_caller]
    pub(crate) fn with(text: &str, instead: &str) -> Self {
        let ours = text_of("docker/compose.yml");
        assert!(ours.contains(text), "compose.yml has no {text:?}");
        Self::of(&ours.replace(text, instead))
    }

    fn of(text: &str) -> Self {
        Self { document: yaml(text) }
    }

    /// Every service.
    pub(crate) fn services(&self) -> impl Iterator<Item = Service<'_>> {
        let services = self.document["services"].as_object().expect("services");
        services.iter().map(|(name, body)| Service { name, body })
    }

    /// One service.
    pub(crate) fn service(&self, name: &str) -> Option<Service<'_>> {
        self.services().find(|service| service.name == name)
    }

    /// What is declared under `volumes` or `configs`.
    pub(crate) fn declared(&self, kind: &str) -> Option<&Map<String, Value>> {
        self.document[kind].as_object()
    }

    /// Every text in the file, with the keys that lead to it.
    pub(crate) fn texts(&self) -> Vec<(Vec<String>, &str)> {
        let mut found = Vec::new();
        collect(&self.document, &mut Vec::new(), &mut found);
        found
    }
}

fn collect<'a>(value: &'a Value, keys: &mut Vec<String>, found: &mut Vec<(Vec<String>, &'a str)>) {
    match value {
        Value::String(text) => found.push((keys.clone(), text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys, found)),
        Value::Object(members) => {
            for (key, member) in members {
                keys.push(key.clone());
                collect(member, keys, found);
                keys.pop();
            }
        }
        _ => {}
    }
}

/// One of its services.
#[derive(Clone, Copy)]
pub(crate) struct Service<'a> {
    pub(crate) name: &'a str,
    body: &'a Value,
}

impl<'a> Service<'a> {
    pub(crate) fn get(&self, key: &str) -> &'a Value {
        &self.body[key]
    }

    pub(crate) fn image(&self) -> &'a str {
        self.body["image"].as_str().unwrap_or_default()
    }

    /// Whether it runs the image of this repository.
    pub(crate) fn is_ours(&self) -> bool {
        self.image().starts_with("plimsoll:")
    }

    /// Whether it does something and ends.
    pub(crate) fn is_one_shot(&self) -> bool {
        self.body["restart"] == "no"
    }

    /// The texts of a list.
    pub(crate) fn list(&self, key: &str) -> Vec<&'a str> {
        self.body[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn environment(&self) -> BTreeMap<&'a str, &'a str> {
        let variables = self.body["environment"].as_object().into_iter().flatten();
        variables.map(|(name, value)| (name.as_str(), value.as_str().expect("a text"))).collect()
    }

    /// Whom it waits for, and until when.
    pub(crate) fn depends_on(&self) -> BTreeMap<&'a str, &'a str> {
        let others = self.body["depends_on"].as_object().into_iter().flatten();
        others.map(|(name, how)| (name.as_str(), how["condition"].as_str().unwrap_or_default())).collect()
    }

    /// What is mounted: from where, and at which path. Volumes without a name come from nowhere.
    pub(crate) fn mounts(&self) -> Vec<(String, String)> {
        let mounts = self.list("volumes").into_iter().map(|mount| {
            let mount = defaults(mount);
            let mut parts = mount.split(':').map(str::to_owned);
            match (parts.next(), parts.next()) {
                (Some(from), Some(to)) => (from, to),
                (from, _) => (String::new(), from.unwrap_or_default()),
            }
        });
        mounts.collect()
    }
}

/// A text in which variables have their defaults (`${NAME:-default}`), or the name of what has none, in small letters.
pub(crate) fn defaults(text: &str) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, after) = after.split_once('}').expect("a variable that ends");
        let name = variable.split_once(":?").map(|(name, _)| name.to_lowercase());
        let default = variable.split_once(":-").map(|(_, default)| default.to_owned());
        done.push_str(before);
        done.push_str(&name.or(default).unwrap_or_else(|| panic!("${{{variable}}} may be empty")));
        rest = after;
    }
    done.push_str(rest);
    done
}

#[test]
fn variables_have_their_defaults() {
    assert_eq!(defaults("a ${B:-c} d ${E_F:?say so}."), "a c d e_f.");
    assert_eq!(defaults("plain"), "plain");
}
