//! The objects of a cluster, as Kustomize builds them.

use std::process::Command;

use serde_json::Value;

use crate::yaml::{documents, list, names, path, text};

const KUBERNETES: &str = "infra/kubernetes";

/// What one directory builds.
pub(crate) struct Build {
    /// `base`, or the name of an overlay.
    pub(crate) name: String,
    pub(crate) objects: Vec<Value>,
}

/// Base and overlays. None where nothing can build them.
pub(crate) fn builds() -> Option<Vec<Build>> {
    if let Err(error) = Command::new("kubectl").args(["version", "--client"]).output() {
        println!("skipped: kubectl, which builds the manifests, does not run here: {error}");
        return None;
    }
    let overlays = names(&format!("{KUBERNETES}/overlays")).into_iter();
    let directories = overlays.map(|name| (format!("overlays/{name}"), name));
    let base = ("base".to_owned(), "base".to_owned());
    Some(std::iter::once(base).chain(directories).map(|(place, name)| build(&place, name)).collect())
}

fn build(place: &str, name: String) -> Build {
    let directory = path(KUBERNETES).join(place);
    let output = Command::new("kubectl").arg("kustomize").arg(directory).output().expect("kubectl runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{place}: {errors}");
    let objects = documents(&String::from_utf8(output.stdout).expect("UTF-8"));
    assert!(objects.len() > 10, "{place} builds {} objects", objects.len());
    Build { name, objects }
}

impl Build {
    pub(crate) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    #[track_caller]
    pub(crate) fn named(&self, kind: &'static str, name: &str) -> &Value {
        let found = self.of_kind(kind).find(|object| object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("{}: no {kind} {name}", self.name))
    }

    /// Everything that runs processes.
    pub(crate) fn workloads(&self) -> Vec<Workload<'_>> {
        let deployments = self.of_kind("Deployment").map(|object| (object, &object["spec"]["template"]));
        let jobs = self
            .of_kind("CronJob")
            .map(|object| (object, &object["spec"]["jobTemplate"]["spec"]["template"]));
        let workload = |(object, template)| Workload { build: self, object, template };
        let workloads: Vec<_> = deployments.chain(jobs).map(workload).collect();
        assert!(workloads.len() >= 3, "{}", self.name);
        workloads
    }

    #[track_caller]
    pub(crate) fn workload(&self, role: &str) -> Workload<'_> {
        let mut all = self.workloads().into_iter();
        all.find(|workload| workload.role() == role).unwrap_or_else(|| panic!("{}: no {role}", self.name))
    }
}

/// A Deployment or a CronJob. Ours have one container each.
pub(crate) struct Workload<'a> {
    build: &'a Build,
    pub(crate) object: &'a Value,
    template: &'a Value,
}

/// A variable of a container.
pub(crate) struct Variable<'a> {
    pub(crate) name: &'a str,
    /// None: it comes from a secret.
    pub(crate) value: Option<&'a str>,
}

impl<'a> Workload<'a> {
    pub(crate) fn role(&self) -> &'a str {
        text(&self.pod_labels()["app.kubernetes.io/component"])
    }

    /// For messages.
    pub(crate) fn place(&self) -> String {
        format!("{}/{}", self.build.name, self.role())
    }

    pub(crate) fn pod_labels(&self) -> &'a Value {
        &self.template["metadata"]["labels"]
    }

    pub(crate) fn pod(&self) -> &'a Value {
        &self.template["spec"]
    }

    pub(crate) fn container(&self) -> &'a Value {
        let containers = list(&self.pod()["containers"]);
        assert_eq!(containers.len(), 1, "{}", self.place());
        &containers[0]
    }

    pub(crate) fn arguments(&self) -> Vec<&'a str> {
        list(&self.container()["args"]).iter().map(text).collect()
    }

    /// Its variables, those of its config maps first.
    pub(crate) fn variables(&self) -> Vec<Variable<'a>> {
        let mut variables = Vec::new();
        for source in list(&self.container()["envFrom"]) {
            let map = self.build.named("ConfigMap", text(&source["configMapRef"]["name"]));
            let entries = map["data"].as_object().expect("a config map has data");
            variables.extend(entries.iter().map(|(name, value)| Variable { name, value: Some(text(value)) }));
        }
        for variable in list(&self.container()["env"]) {
            let value = variable["value"].as_str();
            let secret = &variable["valueFrom"]["secretKeyRef"];
            assert!(value.is_some() != secret.is_object(), "{}: {variable}", self.place());
            variables.push(Variable { name: text(&variable["name"]), value });
        }
        variables
    }

    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> u64 {
        let variable = self.variables().into_iter().find(|variable| variable.name == name);
        let value = variable.and_then(|variable| variable.value);
        let value = value.unwrap_or_else(|| panic!("{} sets {name}", self.place()));
        value.parse().unwrap_or_else(|_| panic!("{}: {name} is {value:?}", self.place()))
    }
}
