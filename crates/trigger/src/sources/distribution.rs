//! Notifications of the distribution registry, which many registries are made of ("Work with notifications" in its
//! documentation).

use serde::Deserialize;

use super::Source;
use crate::event::{Named, filled, instant};
use crate::{Change, Event, Malformed, Reading};

/// Notifications of a distribution registry.
#[derive(Debug)]
pub struct Distribution;

/// More than any registry puts into one envelope.
const MAX_EVENTS: usize = 1000;

#[derive(Deserialize)]
struct Envelope {
    events: Vec<Notification>,
}

/// What happened. The request in it says by which name a client called the registry, which is that client's word and not
/// read.
#[derive(Deserialize)]
struct Notification {
    #[serde(default)]
    id: String,
    #[serde(default)]
    timestamp: String,
    action: String,
    target: Target,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    media_type: Option<String>,
    digest: Option<String>,
    repository: Option<String>,
    url: Option<String>,
    tag: Option<String>,
}

impl Source for Distribution {
    fn name(&self) -> &'static str {
        "distribution"
    }

    fn read(&self, body: &[u8], registry: &str) -> Result<Vec<Reading>, Malformed> {
        let envelope: Envelope = serde_json::from_slice(body)?;
        if envelope.events.len() > MAX_EVENTS {
            return Err(Malformed::new(format!("more than {MAX_EVENTS} events at once")));
        }
        envelope.events.iter().map(|event| reading(event, registry)).collect()
    }
}

fn reading(event: &Notification, registry: &str) -> Result<Reading, Malformed> {
    let change = match event.action.as_str() {
        "push" if event.target.is_manifest() => Change::Pushed,
        // Of a blob that is deleted no tag is known, so nothing comes of it.
        "delete" => Change::Deleted,
        "push" | "pull" | "mount" => return Ok(Reading::Other),
        other => return Err(Malformed::new(format!("there is no action {other:?}"))),
    };
    let target = &event.target;
    let image = Named {
        registry,
        repository: filled(target.repository.as_ref()).unwrap_or_default(),
        tag: filled(target.tag.as_ref()),
        digest: filled(target.digest.as_ref()),
    };
    let (image, at) = (image.image(change)?, instant(&event.timestamp));
    Ok(Reading::Event(Event { id: event.id.clone(), change, image, at }))
}

impl Target {
    /// Blobs are pushed too. A manifest that did not say so would not have been taken for one by the registry.
    fn is_manifest(&self) -> bool {
        let kind = self.media_type.as_deref().unwrap_or_default();
        let by_type = kind.contains(".manifest.") || kind.contains(".image.index.");
        by_type || self.url.as_deref().is_some_and(|url| url.contains("/manifests/"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn notification(action: &str, target: Value) -> Value {
        let mut event = json!({"id": "n-1", "timestamp": "2026-03-01T09:00:00.5+01:00", "action": action,
                               "request": {"host": "evil.example"}, "actor": {}, "source": {}});
        event["target"] = target;
        event
    }

    fn manifest() -> Value {
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": DIGEST, "size": 7,
               "repository": "harbour/app", "url": "http://evil.example/v2/harbour/app/manifests/x", "tag": "1"})
    }

    fn read(events: &[Value]) -> Result<Vec<Reading>, Malformed> {
        Distribution.read(json!({"events": events}).to_string().as_bytes(), "r.io:5000")
    }

    #[test]
    fn a_pushed_manifest_is_in_the_registry_of_the_configuration() {
        let readings = read(&[notification("push", manifest())]).unwrap();
        let [Reading::Event(event)] = readings.as_slice() else { panic!("{readings:?}") };
        assert_eq!(event.image.to_string(), format!("r.io:5000/harbour/app:1@{DIGEST}"));
        assert_eq!(
            (event.id.as_str(), event.change, event.at),
            ("n-1", Change::Pushed, Some(1_772_352_000_500))
        );
    }

    #[test]
    fn blobs_and_pulls_are_nothing_to_us() {
        let blob = json!({"mediaType": "application/octet-stream", "digest": DIGEST, "repository": "app",
                          "url": "http://r.io/v2/app/blobs/x"});
        let idle = [
            notification("push", blob.clone()),
            notification("mount", blob),
            notification("pull", manifest()),
        ];
        assert_eq!(read(&idle), Ok(vec![Reading::Other; 3]));
        assert_eq!(read(&[]), Ok(vec![]));
    }

    #[test]
    fn indexes_and_untyped_manifests_count_as_manifests() {
        for target in [
            json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": DIGEST, "repository": "app"}),
            json!({"mediaType": "application/vnd.docker.distribution.manifest.list.v2+json", "digest": DIGEST,
                   "repository": "app"}),
            json!({"digest": DIGEST, "repository": "app", "url": "http://r.io/v2/app/manifests/1"}),
        ] {
            assert!(matches!(read(&[notification("push", target)]).unwrap()[0], Reading::Event(_)));
        }
    }

    #[test]
    fn a_deletion_is_of_a_tag_or_of_a_digest() {
        for target in
            [json!({"repository": "app", "tag": "1"}), json!({"repository": "app", "digest": DIGEST})]
        {
            let readings = read(&[notification("delete", target)]).unwrap();
            assert!(matches!(&readings[0], Reading::Event(event) if event.change == Change::Deleted));
        }
    }

    #[test]
    fn one_broken_event_spoils_its_envelope() {
        let good = notification("push", manifest());
        for (broken, part) in [
            (notification("explode", manifest()), "explode"),
            (
                notification("push", json!({"url": "/manifests/", "digest": "sha256:00", "repository": "a"})),
                "digest",
            ),
            (notification("push", json!({"url": "/manifests/", "repository": "a"})), "digest"),
            (notification("push", json!({"url": "/manifests/", "digest": DIGEST})), "reference"),
            (notification("delete", json!({"repository": "a"})), "neither"),
            (json!({"action": "push"}), "target"),
        ] {
            let why = read(&[good.clone(), broken]).unwrap_err().to_string();
            assert!(why.contains(part), "{why}");
        }
        for text in ["", "{}", "[]", r#"{"events":{}}"#, r#"{"target":{"digest":"x"}}"#] {
            assert!(Distribution.read(text.as_bytes(), "r.io").is_err(), "{text}");
        }
    }

    #[test]
    fn an_envelope_has_a_bound() {
        let pull = notification("pull", json!({}));
        assert_eq!(read(&vec![pull.clone(); MAX_EVENTS]).map(|all| all.len()), Ok(MAX_EVENTS));
        assert!(read(&vec![pull; MAX_EVENTS + 1]).is_err());
    }
}
