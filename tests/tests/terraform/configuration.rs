//! Directories of Terraform, as blocks and what they refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hcl::expr::{Expression, ObjectKey, Operation, TraversalOperator};
use hcl::structure::{Block, Body};
use hcl::template::{Directive, Element, Template};

/// One directory with its `.tf` files.
pub(crate) struct Module {
    pub(crate) path: PathBuf,
    pub(crate) blocks: Vec<Block>,
}

/// A name and what follows it: `var.a.b` is `["var", "a", "b"]`. What comes after an index or a splat is left out.
pub(crate) type Reference = Vec<String>;

/// Where all of it is.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../terraform")
}

impl Module {
    /// The module at a path below `terraform/`.
    pub(crate) fn at(path: &str) -> Self {
        Self::read(&root().join(path))
    }

    /// Every module and every example.
    pub(crate) fn all() -> Vec<Self> {
        let (mut found, mut waiting) = (Vec::new(), vec![root()]);
        while let Some(directory) = waiting.pop() {
            let entries: Vec<PathBuf> = fs::read_dir(&directory)
                .expect("it is read")
                .map(|entry| entry.expect("an entry").path())
                .collect();
            let hidden =
                |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
            waiting.extend(entries.iter().filter(|path| path.is_dir() && !hidden(path)).cloned());
            if entries.iter().any(|path| path.extension().is_some_and(|end| end == "tf")) {
                found.push(Self::read(&directory));
            }
        }
        assert!(found.len() >= 10, "only {} directories with .tf files are found", found.len());
        found
    }

    fn read(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut files: Vec<PathBuf> =
            fs::read_dir(&path).expect("it is read").map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "tf"));
        files.sort();
        let mut blocks = Vec::new();
        for file in files {
            let body: Body = hcl::parse(&fs::read_to_string(&file).expect("it is read"))
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_eq!(body.attributes().count(), 0, "{}: only blocks are at the top", file.display());
            blocks.extend(body.into_blocks());
        }
        Self { path, blocks }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> String {
        let root = root().canonicalize().expect("terraform/");
        self.path.strip_prefix(root).unwrap_or(&self.path).display().to_string()
    }

    /// The blocks of a kind, such as `variable`.
    pub(crate) fn of<'m>(&'m self, kind: &'m str) -> impl Iterator<Item = &'m Block> {
        self.blocks.iter().filter(move |block| block.identifier() == kind)
    }

    /// The one block of a kind with these labels.
    pub(crate) fn block(&self, kind: &str, labels: &[&str]) -> &Block {
        let is = |block: &&Block| {
            let of = block.labels().iter().map(hcl::BlockLabel::as_str);
            block.identifier() == kind && of.eq(labels.iter().copied())
        };
        let found = self.blocks.iter().find(is);
        found.unwrap_or_else(|| panic!("{}: there is no {kind} {labels:?}", self.name()))
    }

    /// The first labels of the blocks of a kind.
    pub(crate) fn names(&self, kind: &str) -> BTreeSet<String> {
        self.of(kind).map(|block| block.labels()[0].as_str().to_owned()).collect()
    }

    /// Every local value.
    pub(crate) fn locals(&self) -> BTreeMap<String, Expression> {
        let attributes = self.of("locals").flat_map(|block| block.body().attributes());
        attributes.map(|attribute| (attribute.key().to_owned(), attribute.expr().clone())).collect()
    }

    /// The module that a `module` block calls.
    pub(crate) fn called(&self, call: &Block) -> Self {
        let Some(Expression::String(source)) = attribute(call, "source") else {
            panic!("{}: {:?} says no source", self.name(), call.labels())
        };
        assert!(source.starts_with('.'), "{}: {source} is not in this repository", self.name());
        Self::read(&self.path.join(source))
    }

    /// Everything the expressions of a block refer to.
    pub(crate) fn references(block: &Block) -> Vec<Reference> {
        let mut found = Vec::new();
        of_block(block, &BTreeSet::new(), &mut found);
        found
    }
}

/// An attribute of a block.
pub(crate) fn attribute<'b>(block: &'b Block, name: &str) -> Option<&'b Expression> {
    block.body().attributes().find(|attribute| attribute.key() == name).map(hcl::Attribute::expr)
}

/// The blocks of a kind in a block.
pub(crate) fn nested<'b>(block: &'b Block, kind: &'b str) -> impl Iterator<Item = &'b Block> {
    block.body().blocks().filter(move |inner| inner.identifier() == kind)
}

type Bound = BTreeSet<String>;

fn of_block(block: &Block, bound: &Bound, found: &mut Vec<Reference>) {
    let mut bound = bound.clone();
    if block.identifier() == "dynamic" {
        bound.insert(block.labels()[0].as_str().to_owned());
    }
    let kind = block.identifier();
    for attribute in block.body().attributes() {
        // Types are a language of their own, and these name attributes of the block around them.
        let other = (kind == "variable" && attribute.key() == "type")
            || (kind == "lifecycle" && attribute.key() == "ignore_changes");
        if !other {
            of_expression(attribute.expr(), &bound, found);
        }
    }
    for inner in block.body().blocks() {
        of_block(inner, &bound, found);
    }
}

fn of_expression(expression: &Expression, bound: &Bound, found: &mut Vec<Reference>) {
    match expression {
        Expression::Variable(name) => add(vec![name.to_string()], bound, found),
        Expression::Traversal(traversal) => {
            match &traversal.expr {
                Expression::Variable(name) => {
                    let attributes = traversal.operators.iter().map_while(|operator| match operator {
                        TraversalOperator::GetAttr(name) => Some(name.to_string()),
                        _ => None,
                    });
                    add([name.to_string()].into_iter().chain(attributes).collect(), bound, found);
                }
                other => of_expression(other, bound, found),
            }
            for operator in &traversal.operators {
                if let TraversalOperator::Index(index) = operator {
                    of_expression(index, bound, found);
                }
            }
        }
        Expression::Array(items) => items.iter().for_each(|item| of_expression(item, bound, found)),
        Expression::Object(pairs) => {
            for (key, value) in pairs {
                if let ObjectKey::Expression(key) = key {
                    of_expression(key, bound, found);
                }
                of_expression(value, bound, found);
            }
        }
        Expression::TemplateExpr(template) => {
            of_template(&Template::from_expr(template).expect("a template"), bound, found);
        }
        Expression::FuncCall(call) => call.args.iter().for_each(|arg| of_expression(arg, bound, found)),
        Expression::Parenthesis(inner) => of_expression(inner, bound, found),
        Expression::Conditional(choice) => {
            for part in [&choice.cond_expr, &choice.true_expr, &choice.false_expr] {
                of_expression(part, bound, found);
            }
        }
        Expression::Operation(operation) => match &**operation {
            Operation::Unary(unary) => of_expression(&unary.expr, bound, found),
            Operation::Binary(binary) => {
                of_expression(&binary.lhs_expr, bound, found);
                of_expression(&binary.rhs_expr, bound, found);
            }
        },
        Expression::ForExpr(each) => {
            of_expression(&each.collection_expr, bound, found);
            let mut bound = bound.clone();
            bound.extend(each.key_var.iter().map(ToString::to_string));
            bound.insert(each.value_var.to_string());
            for part in each.key_expr.iter().chain(&each.cond_expr).chain([&each.value_expr]) {
                of_expression(part, &bound, found);
            }
        }
        Expression::Null | Expression::Bool(_) | Expression::Number(_) | Expression::String(_) => {}
        other => panic!("{other:?} is a kind of expression this test does not know"),
    }
}

fn of_template(template: &Template, bound: &Bound, found: &mut Vec<Reference>) {
    for element in template.elements() {
        match element {
            Element::Literal(_) => {}
            Element::Interpolation(interpolation) => of_expression(&interpolation.expr, bound, found),
            Element::Directive(directive) => match &**directive {
                Directive::If(choice) => {
                    of_expression(&choice.cond_expr, bound, found);
                    of_template(&choice.true_template, bound, found);
                    choice.false_template.iter().for_each(|template| of_template(template, bound, found));
                }
                Directive::For(each) => {
                    of_expression(&each.collection_expr, bound, found);
                    let mut bound = bound.clone();
                    bound.extend(each.key_var.iter().map(ToString::to_string));
                    bound.insert(each.value_var.to_string());
                    of_template(&each.template, &bound, found);
                }
            },
        }
    }
}

fn add(reference: Reference, bound: &Bound, found: &mut Vec<Reference>) {
    if !bound.contains(&reference[0]) {
        found.push(reference);
    }
}
