//! Elastic Container Registry, by way of EventBridge ("ECR events and EventBridge" in its user guide).

use plimsoll_oci::EcrHost;
use serde::Deserialize;
use serde_json::Value;

use super::Source;
use crate::event::{Named, filled, instant};
use crate::{Change, Event, Malformed, Reading};

/// Events of ECR.
#[derive(Debug)]
pub struct Ecr;

/// What tells of images that came and went. There are other kinds (scans, replication, referrers), and more to come.
const IMAGE_ACTION: &str = "ECR Image Action";

/// An event as EventBridge has it. What is not ours need not have what ours have.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope {
    detail_type: String,
    source: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    time: String,
    #[serde(default)]
    detail: Value,
}

/// An image action. Tag and media types are optional, the latter are the registry's word on what the manifest says of
/// itself, and nothing is decided by them.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    result: String,
    repository_name: String,
    action_type: String,
    #[serde(default)]
    image_digest: Option<String>,
    #[serde(default)]
    image_tag: Option<String>,
}

impl Source for Ecr {
    fn name(&self) -> &'static str {
        "ecr"
    }

    fn names_its_registry(&self) -> bool {
        true
    }

    fn read(&self, body: &[u8], _registry: &str) -> Result<Vec<Reading>, Malformed> {
        let envelope: Envelope = serde_json::from_slice(body)?;
        if envelope.source != "aws.ecr" || envelope.detail_type != IMAGE_ACTION {
            return Ok(vec![Reading::Other]);
        }
        let detail: Detail = serde_json::from_value(envelope.detail)?;
        if detail.result != "SUCCESS" {
            return Ok(vec![Reading::Unsuccessful]);
        }
        let change = match detail.action_type.as_str() {
            "PUSH" => Change::Pushed,
            "DELETE" => Change::Deleted,
            _ => return Ok(vec![Reading::Other]),
        };
        let host = EcrHost::new(&envelope.account, &envelope.region)
            .ok_or_else(|| Malformed::new("account and region are not those of a registry"))?;
        let image = Named {
            registry: &host.to_string(),
            repository: repository(&detail.repository_name),
            tag: filled(detail.image_tag.as_ref()),
            digest: filled(detail.image_digest.as_ref()),
        };
        let image = image.image(change)?;
        Ok(vec![Reading::Event(Event { id: envelope.id, change, image, at: instant(&envelope.time) })])
    }
}

/// The name of a repository, which may come as its ARN: `arn:aws:ecr:REGION:ACCOUNT:repository/NAME`.
fn repository(name: &str) -> &str {
    match name.strip_prefix("arn:").and_then(|arn| arn.split_once(":repository/")) {
        Some((_, name)) => name,
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// An event, with changes.
    fn event(change: impl FnOnce(&mut Value)) -> Value {
        let mut event = json!({
            "version": "0", "id": "3c5c8d5e-0000-4000-8000-5f3b7d2a9e01", "detail-type": "ECR Image Action",
            "source": "aws.ecr", "account": "123456789012", "time": "2026-03-01T08:00:00Z", "region": "eu-west-1",
            "resources": [], "detail": {
                "result": "SUCCESS", "repository-name": "harbour/app", "image-digest": DIGEST,
                "action-type": "PUSH", "image-tag": "1.2",
            },
        });
        change(&mut event);
        event
    }

    fn read(event: &Value) -> Result<Vec<Reading>, Malformed> {
        Ecr.read(event.to_string().as_bytes(), "")
    }

    fn only(event: &Value) -> Event {
        match read(event).unwrap().as_slice() {
            [Reading::Event(event)] => event.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_push_names_registry_repository_tag_and_digest() {
        let push = only(&event(|_| {}));
        let name = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/harbour/app:1.2@{DIGEST}");
        assert_eq!((push.change, push.image.to_string()), (Change::Pushed, name));
        assert_eq!(
            (push.id.as_str(), push.at),
            ("3c5c8d5e-0000-4000-8000-5f3b7d2a9e01", Some(1_772_352_000_000))
        );
    }

    #[test]
    fn tag_and_media_types_may_be_missing_or_there() {
        let untagged = only(&event(|it| drop(it["detail"].as_object_mut().unwrap().remove("image-tag"))));
        assert_eq!(untagged.image.tag, None);
        let null = only(&event(|it| it["detail"]["image-tag"] = Value::Null));
        assert_eq!(null.image.tag, None);
        let typed = only(&event(|it| {
            it["detail"]["manifest-media-type"] = "application/vnd.oci.image.manifest.v1+json".into();
            it["detail"]["artifact-media-type"] = "application/vnd.oci.image.config.v1+json".into();
        }));
        assert_eq!(typed, only(&event(|_| {})));
    }

    #[test]
    fn a_repository_may_be_named_by_its_arn() {
        let arn = "arn:aws:ecr:eu-west-1:123456789012:repository/harbour/app";
        assert_eq!(only(&event(|it| it["detail"]["repository-name"] = arn.into())), only(&event(|_| {})));
    }

    #[test]
    fn a_deletion_is_of_a_tag_or_of_an_image() {
        let gone = only(&event(|it| it["detail"]["action-type"] = "DELETE".into()));
        assert_eq!((gone.change, gone.image.tag.as_deref()), (Change::Deleted, Some("1.2")));
        let all = only(&event(|it| {
            it["detail"]["action-type"] = "DELETE".into();
            it["detail"].as_object_mut().unwrap().remove("image-tag");
        }));
        assert_eq!((all.image.tag, all.image.digest.is_some()), (None, true));
    }

    #[test]
    fn what_is_of_another_kind_is_told_from_what_is_broken() {
        for other in [
            event(|it| it["detail-type"] = "ECR Image Scan".into()),
            event(|it| it["source"] = "harbour.tests".into()),
            event(|it| it["detail"]["action-type"] = "ARCHIVE".into()),
            json!({"detail-type": "ECR Scan Resource Change", "source": "aws.ecr", "detail": {"repositories": []}}),
            json!({"detail-type": "Object Created", "source": "aws.s3", "detail": "odd"}),
        ] {
            assert_eq!(read(&other), Ok(vec![Reading::Other]), "{other}");
        }
        let failed = event(|it| it["detail"]["result"] = "FAILURE".into());
        assert_eq!(read(&failed), Ok(vec![Reading::Unsuccessful]));
    }

    #[test]
    fn what_is_broken_says_where() {
        for (broken, part) in [
            (event(|it| it["detail"]["image-digest"] = DIGEST[..67].into()), "digest"),
            (event(|it| it["detail"]["image-digest"] = format!("{DIGEST}0").into()), "digest"),
            (event(|it| it["detail"]["image-digest"] = "sha512:00".into()), "sha512"),
            (
                event(|it| drop(it["detail"].as_object_mut().unwrap().remove("image-digest"))),
                "without a digest",
            ),
            (event(|it| it["detail"]["repository-name"] = "Harbour".into()), "repository"),
            (event(|it| it["detail"]["repository-name"] = 5.into()), "JSON"),
            (event(|it| it["account"] = "team-a".into()), "account"),
            (event(|it| it["region"] = "eu-west-1.evil.example/".into()), "region"),
            (event(|it| it["detail"] = "PUSH".into()), "JSON"),
            (event(|it| drop(it.as_object_mut().unwrap().remove("detail-type"))), "detail-type"),
            (json!([]), "JSON"),
        ] {
            let why = read(&broken).unwrap_err().to_string();
            assert!(why.contains(part), "{broken}: {why}");
        }
        assert!(Ecr.read(b"", "").is_err() && Ecr.read(&b"[".repeat(100_000), "").is_err());
    }
}
