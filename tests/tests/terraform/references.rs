//! What is referred to is there, and what is there is referred to.

use std::collections::BTreeSet;

use hcl::expr::Expression;
use hcl::structure::Block;

use crate::configuration::{Module, attribute};

/// Names that mean something by themselves.
const BUILT_IN: &[&str] = &["count", "each", "path", "self", "terraform"];

/// Arguments of a `module` block that are Terraform's.
const META: &[&str] = &["count", "depends_on", "for_each", "providers", "source", "version"];

#[test]
fn every_reference_leads_somewhere() {
    for module in Module::all() {
        for block in &module.blocks {
            for reference in Module::references(block) {
                let path: Vec<&str> = reference.iter().map(String::as_str).collect();
                assert!(leads(&module, &path), "{}: {} leads nowhere", module.name(), path.join("."));
            }
        }
    }
}

fn leads(module: &Module, path: &[&str]) -> bool {
    let is = |block: &Block, labels: &[&str]| {
        block.labels().iter().map(hcl::BlockLabel::as_str).eq(labels.iter().copied())
    };
    match *path {
        ["var", name, ..] => module.names("variable").contains(name),
        ["local", name, ..] => module.locals().contains_key(name),
        // A whole module may be handed on: its outputs are then the attributes of an object.
        ["module", name] => module.names("module").contains(name),
        ["module", name, output, ..] => {
            module.names("module").contains(name)
                && module.called(module.block("module", &[name])).names("output").contains(output)
        }
        ["data", kind, name, ..] => module.of("data").any(|block| is(block, &[kind, name])),
        ["ephemeral", kind, name, ..] => module.of("ephemeral").any(|block| is(block, &[kind, name])),
        // The provider of another account, as handed to a module.
        ["aws", alias] => module.of("provider").any(
            |block| matches!(attribute(block, "alias"), Some(Expression::String(text)) if text == alias),
        ),
        [kind, name, ..] if kind.starts_with("aws_") => {
            module.of("resource").any(|block| is(block, &[kind, name]))
        }
        [root, ..] => BUILT_IN.contains(&root),
        [] => false,
    }
}

#[test]
fn nothing_is_declared_that_nobody_uses() {
    for module in Module::all() {
        let used: Vec<_> = module.blocks.iter().flat_map(Module::references).collect();
        let names = |kind: &str| -> BTreeSet<&str> {
            used.iter()
                .filter(|path| path[0] == kind)
                .filter_map(|path| path.get(1))
                .map(String::as_str)
                .collect()
        };
        for name in module.names("variable") {
            assert!(names("var").contains(&*name), "{}: var.{name} is used nowhere", module.name());
        }
        for name in module.locals().keys() {
            assert!(names("local").contains(&**name), "{}: local.{name} is used nowhere", module.name());
        }
        for block in module.of("data") {
            let (kind, name) = (block.labels()[0].as_str(), block.labels()[1].as_str());
            let found =
                used.iter().any(|path| path.iter().map(String::as_str).take(3).eq(["data", kind, name]));
            assert!(found, "{}: data.{kind}.{name} is used nowhere", module.name());
        }
    }
}

#[test]
fn modules_are_given_what_they_ask_for_and_nothing_else() {
    let mut calls = 0;
    for module in Module::all() {
        for call in module.of("module") {
            calls += 1;
            let called = module.called(call);
            let given: BTreeSet<String> =
                call.body().attributes().map(|given| given.key().to_owned()).collect();
            for name in given.iter().filter(|name| !META.contains(&&***name)) {
                assert!(
                    called.names("variable").contains(name),
                    "{}: {} has no input {name}",
                    module.name(),
                    called.name()
                );
            }
            for wanted in called.of("variable").filter(|variable| attribute(variable, "default").is_none()) {
                let name = wanted.labels()[0].as_str();
                assert!(given.contains(name), "{}: {} wants {name}", module.name(), called.name());
            }
        }
    }
    assert!(calls >= 10, "only {calls} calls are found");
}

#[test]
fn every_module_is_part_of_an_example() {
    let mut called = BTreeSet::new();
    let (mut waiting, modules): (Vec<_>, Vec<_>) =
        Module::all().into_iter().partition(|module| module.name().starts_with("examples/"));
    while let Some(module) = waiting.pop() {
        let calls = module.of("module").map(|call| module.called(call));
        waiting.extend(calls.filter(|inner| called.insert(inner.name())));
    }
    let all: BTreeSet<String> = modules.iter().map(Module::name).collect();
    assert_eq!(called, all);
}

#[test]
fn inputs_and_outputs_are_described_and_inputs_have_types() {
    for module in Module::all() {
        for kind in ["variable", "output"] {
            for block in module.of(kind) {
                let name = block.labels()[0].as_str();
                let text = match attribute(block, "description") {
                    Some(Expression::String(text)) => text.clone(),
                    other => panic!("{}: {kind} {name} is described by {other:?}", module.name()),
                };
                assert!(
                    text.len() > 7 && text.ends_with('.'),
                    "{}: {kind} {name}: {text:?} is no sentence",
                    module.name()
                );
                assert!(
                    kind == "output" || attribute(block, "type").is_some(),
                    "{}: {name} has no type",
                    module.name()
                );
            }
        }
    }
}

#[test]
fn every_directory_says_what_it_is_for() {
    for module in Module::all() {
        let readme = std::fs::read_to_string(module.path.join("README.md"));
        let readme = readme.unwrap_or_else(|error| panic!("{}: README.md: {error}", module.name()));
        assert!(
            readme.starts_with("# ") && readme.lines().count() > 5,
            "{}: README.md says nothing",
            module.name()
        );
    }
}
