//! What expressions come to, for samples of what they are made of.

use std::collections::BTreeMap;

use hcl::eval::{Context, Evaluate as _, FuncArgs, FuncDef, ParamType};
use hcl::expr::{Expression, ObjectKey};
use hcl::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::configuration::{Module, attribute};

/// Samples, as JSON, by the names of roots: `data`, `aws_s3_bucket`.
pub(crate) type Samples = BTreeMap<&'static str, serde_json::Value>;

/// What a module's expressions are evaluated with.
pub(crate) struct Scope {
    context: Context<'static>,
}

impl Scope {
    /// The defaults of a module's variables, `variables` instead of some of them and for those that have none, its locals, and
    /// `samples` of all else. Locals that are made of something without a sample are left out.
    pub(crate) fn of(module: &Module, variables: &serde_json::Value, samples: &Samples) -> Self {
        let mut context = functions();
        for (root, sample) in samples {
            context.declare_var(*root, value(sample));
        }
        context.declare_var("path", value(&serde_json::json!({ "module": module.path.to_str() })));
        context.declare_var("var", Value::Object(inputs(module, variables)));

        let (mut locals, mut known) = (module.locals(), Map::new());
        loop {
            let before = locals.len();
            context.declare_var("local", Value::Object(known.clone()));
            locals.retain(|name, expression| match expression.evaluate(&context) {
                Ok(value) => known.insert(name.clone(), value).is_some(),
                Err(_) => true,
            });
            if locals.len() == before {
                break;
            }
        }
        Self { context }
    }

    /// What an expression comes to, as JSON.
    pub(crate) fn evaluate(&self, expression: &Expression) -> serde_json::Value {
        let value = expression.evaluate(&self.context).unwrap_or_else(|error| panic!("{error}"));
        serde_json::to_value(value).expect("JSON")
    }
}

/// The variables of a module: what is given, else their defaults.
fn inputs(module: &Module, given: &serde_json::Value) -> Map<String, Value> {
    let context = functions();
    let mut inputs = Map::new();
    for variable in module.of("variable") {
        let name = variable.labels()[0].as_str();
        let default =
            attribute(variable, "default").map(|default| default.evaluate(&context).expect("a constant"));
        let mut input = match given.get(name) {
            Some(given) => value(given),
            None => default.unwrap_or_else(|| panic!("{}: there is no sample of {name}", module.name())),
        };
        if let (Some(kind), Value::Object(fields)) = (attribute(variable, "type"), &mut input) {
            complete(kind, fields, &context);
        }
        inputs.insert(name.to_owned(), input);
    }
    let unknown =
        given.as_object().expect("an object of variables").keys().find(|name| !inputs.contains_key(*name));
    assert_eq!(unknown, None, "{} has no such variable", module.name());
    inputs
}

/// `object({ a = optional(string, "b") })`: what is left out of an object has the default of its type.
fn complete(kind: &Expression, fields: &mut Map<String, Value>, context: &Context) {
    let Expression::FuncCall(object) = kind else { return };
    let ("object", Some(Expression::Object(types))) = (object.name.name.as_str(), object.args.first()) else {
        return;
    };
    for (key, kind) in types {
        let key = match key {
            ObjectKey::Identifier(name) => name.to_string(),
            other => panic!("{other:?} is no name"),
        };
        let Expression::FuncCall(optional) = kind else { continue };
        if optional.name.name.as_str() == "optional" {
            let default = optional
                .args
                .get(1)
                .map_or(Value::Null, |default| default.evaluate(context).expect("a constant"));
            fields.entry(key).or_insert(default);
        }
    }
}

fn value(json: &serde_json::Value) -> Value {
    hcl::value::to_value(json).expect("a value")
}

/// As much of Terraform's functions as what is evaluated here is made of.
fn functions() -> Context<'static> {
    let mut context = Context::new();
    let mut declare = |name: &str, function| {
        context.declare_func(
            hcl::Identifier::new(name).expect("a name"),
            FuncDef::builder().variadic_param(ParamType::Any).build(function),
        );
    };
    declare("concat", concat);
    declare("file", |arguments| match std::fs::read_to_string(text(&arguments, 0)?) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(error.to_string()),
    });
    declare("join", |arguments| {
        let parts = arguments[1].as_array().ok_or("join takes an array")?;
        let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
        Ok(parts.join(text(&arguments, 0)?).into())
    });
    declare("keys", |arguments| match &arguments[0] {
        Value::Object(object) => Ok(object.keys().cloned().collect::<Vec<String>>().into()),
        other => Err(format!("keys takes an object, not {other}")),
    });
    declare("length", |arguments| match &arguments[0] {
        Value::Array(array) => Ok(array.len().into()),
        Value::Object(object) => Ok(object.len().into()),
        other => Err(format!("{other} has no length here")),
    });
    declare("lower", |arguments| Ok(text(&arguments, 0)?.to_lowercase().into()));
    declare("merge", merge);
    declare("one", |arguments| match arguments[0].as_array().map(Vec::as_slice) {
        Some([]) => Ok(Value::Null),
        Some([one]) => Ok(one.clone()),
        _ => Err("one takes an array of one or none".to_owned()),
    });
    declare("replace", |arguments| {
        Ok(text(&arguments, 0)?.replace(text(&arguments, 1)?, text(&arguments, 2)?).into())
    });
    declare("sha256", |arguments| Ok(format!("{:x}", Sha256::digest(text(&arguments, 0)?)).into()));
    declare("substr", |arguments| {
        let at = |at: usize| arguments[at].as_u64().and_then(|at| usize::try_from(at).ok());
        let (start, length) = at(1).zip(at(2)).ok_or("substr takes numbers")?;
        Ok(text(&arguments, 0)?.chars().skip(start).take(length).collect::<String>().into())
    });
    declare("toset", |arguments| Ok(arguments[0].clone()));
    declare("tostring", |arguments| match &arguments[0] {
        Value::String(text) => Ok(text.clone().into()),
        other => Ok(other.to_string().into()),
    });
    declare("values", |arguments| match &arguments[0] {
        Value::Object(object) => Ok(object.values().cloned().collect::<Vec<Value>>().into()),
        other => Err(format!("values takes an object, not {other}")),
    });
    // All JSON is YAML.
    declare("yamlencode", |arguments| {
        serde_json::to_string(&arguments[0]).map(Value::from).map_err(|error| error.to_string())
    });
    context
}

fn text(arguments: &FuncArgs, at: usize) -> Result<&str, String> {
    arguments.get(at).and_then(Value::as_str).ok_or_else(|| format!("argument {at} is no text"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a function of HCL is")]
fn concat(arguments: FuncArgs) -> Result<Value, String> {
    let mut all = Vec::new();
    for argument in arguments.iter() {
        all.extend(argument.as_array().ok_or("concat takes arrays")?.iter().cloned());
    }
    Ok(all.into())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a function of HCL is")]
fn merge(arguments: FuncArgs) -> Result<Value, String> {
    let mut all = Map::new();
    for argument in arguments.iter() {
        let object = argument.as_object().ok_or("merge takes objects")?;
        all.extend(object.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Ok(all.into())
}
