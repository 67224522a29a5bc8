//! Webhooks of Harbor, in both of its formats ("Configure Webhook Notifications" in its documentation).

use serde::Deserialize;

use super::Source;
use crate::event::{Named, filled, instant};
use crate::{Change, Event, Malformed, Reading};

/// Webhooks of Harbor.
#[derive(Debug)]
pub struct Harbor;

/// More than any event has.
const MAX_RESOURCES: usize = 1000;

/// What an event is, by its name in the default format and in that of CloudEvents; the last column is what is done.
const TYPES: &[(&str, &str, Option<Change>)] = &[
    ("PUSH_ARTIFACT", "harbor.artifact.pushed", Some(Change::Pushed)),
    ("DELETE_ARTIFACT", "harbor.artifact.deleted", Some(Change::Deleted)),
    ("PULL_ARTIFACT", "harbor.artifact.pulled", None),
    ("SCANNING_COMPLETED", "harbor.scan.completed", None),
    ("SCANNING_STOPPED", "harbor.scan.stopped", None),
    ("SCANNING_FAILED", "harbor.scan.failed", None),
    ("QUOTA_EXCEED", "harbor.quota.exceeded", None),
    ("QUOTA_WARNING", "harbor.quota.warned", None),
    ("REPLICATION", "harbor.replication.status.changed", None),
    ("TAG_RETENTION", "harbor.tag_retention.finished", None),
];

/// Either format: one has the particulars in `event_data`, the other one in `data`.
#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    #[serde(default)]
    occur_at: Option<i64>,
    #[serde(default)]
    event_data: Option<serde_json::Value>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    data: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Particulars {
    resources: Vec<Resource>,
    repository: Repository,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    repo_full_name: String,
}

impl Source for Harbor {
    fn name(&self) -> &'static str {
        "harbor"
    }

    fn read(&self, body: &[u8], registry: &str) -> Result<Vec<Reading>, Malformed> {
        let envelope: Envelope = serde_json::from_slice(body)?;
        let kind = TYPES.iter().find(|(own, cloud, _)| [*own, *cloud].contains(&envelope.r#type.as_str()));
        let Some((_, _, change)) = kind else {
            return Err(Malformed::new(format!("there is no event type {:?}", envelope.r#type)));
        };
        let Some(change) = *change else { return Ok(vec![Reading::Other]) };
        let seconds = envelope.occur_at.map(|seconds| seconds.saturating_mul(1000));
        let at = seconds.or_else(|| instant(envelope.time.as_deref()?));
        // The default format has no id. What happened, to what and when is one, since the image is part of it.
        let id = envelope.id.clone().or_else(|| at.map(|at| at.to_string())).unwrap_or_default();
        let particulars = envelope.event_data.or(envelope.data).unwrap_or_default();
        let Particulars { resources, repository } = serde_json::from_value(particulars)?;
        if resources.len() > MAX_RESOURCES {
            return Err(Malformed::new(format!("more than {MAX_RESOURCES} resources at once")));
        }
        let event = |resource: &Resource| {
            let image = Named {
                registry,
                repository: &repository.repo_full_name,
                // An artifact without a tag is shown with its digest for one.
                tag: filled(resource.tag.as_ref()).filter(|tag| Some(*tag) != resource.digest.as_deref()),
                digest: filled(resource.digest.as_ref()),
            };
            Ok(Reading::Event(Event { id: id.clone(), change, image: image.image(change)?, at }))
        };
        resources.iter().map(event).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn particulars(resources: Value) -> Value {
        let mut all = json!({"repository": {"name": "app", "namespace": "harbour", "repo_full_name": "harbour/app",
                                            "repo_type": "private"}});
        all["resources"] = resources;
        all
    }

    fn pushed() -> Value {
        json!([{"digest": DIGEST, "tag": "1", "resource_url": "evil.example/harbour/app:1"}])
    }

    fn read(body: &Value) -> Result<Vec<Reading>, Malformed> {
        Harbor.read(body.to_string().as_bytes(), "harbor.internal")
    }

    #[test]
    fn a_push_is_read_from_either_format() {
        let own = json!({"type": "PUSH_ARTIFACT", "occur_at": 1_772_352_000, "operator": "robot",
                         "event_data": particulars(pushed())});
        let cloud = json!({"specversion": "1.0", "id": "c-1", "type": "harbor.artifact.pushed",
                           "source": "/projects/1/webhook/policies/1", "time": "2026-03-01T08:00:00Z",
                           "data": particulars(pushed())});
        for (body, id) in [(own, "1772352000000"), (cloud, "c-1")] {
            let readings = read(&body).unwrap();
            let [Reading::Event(event)] = readings.as_slice() else { panic!("{readings:?}") };
            assert_eq!(event.image.to_string(), format!("harbor.internal/harbour/app:1@{DIGEST}"));
            assert_eq!((event.id.as_str(), event.at), (id, Some(1_772_352_000_000)));
        }
    }

    #[test]
    fn an_artifact_without_a_tag_has_none() {
        let body = json!({"type": "PUSH_ARTIFACT", "occur_at": 1,
                          "event_data": particulars(json!([{"digest": DIGEST, "tag": DIGEST}, {"digest": DIGEST}]))});
        let readings = read(&body).unwrap();
        assert!(readings.iter().all(|it| matches!(it, Reading::Event(event) if event.image.tag.is_none())));
        assert_eq!(readings.len(), 2);
    }

    #[test]
    fn a_deletion_marks_what_it_names() {
        let body = json!({"type": "DELETE_ARTIFACT", "occur_at": 1, "event_data": particulars(pushed())});
        assert!(matches!(&read(&body).unwrap()[0], Reading::Event(event) if event.change == Change::Deleted));
    }

    #[test]
    fn other_types_are_known_and_made_up_ones_are_not() {
        for name in
            TYPES.iter().filter(|(.., change)| change.is_none()).flat_map(|(own, cloud, _)| [own, cloud])
        {
            assert_eq!(read(&json!({"type": name})), Ok(vec![Reading::Other]), "{name}");
        }
        assert!(read(&json!({"type": "EXPLODE"})).unwrap_err().to_string().contains("EXPLODE"));
    }

    #[test]
    fn what_is_broken_says_where() {
        let push = |data: Value| json!({"type": "PUSH_ARTIFACT", "occur_at": i64::MAX, "event_data": data});
        for (body, part) in [
            (json!({}), "type"),
            (json!({"type": "PUSH_ARTIFACT"}), "JSON"),
            (push(json!({"resources": []})), "repository"),
            (push(particulars(json!([{"tag": "1"}]))), "without a digest"),
            (push(particulars(json!([{"digest": "sha256:00", "tag": "1"}]))), "digest"),
            (push(particulars(json!(vec![json!({"digest": DIGEST}); MAX_RESOURCES + 1]))), "resources"),
        ] {
            let why = read(&body).unwrap_err().to_string();
            assert!(why.contains(part), "{why}");
        }
        assert_eq!(read(&push(particulars(pushed()))).map(|all| all.len()), Ok(1));
    }
}
