//! A registry of ECR, whose tokens come from an API and end.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::{EcrLogin, EcrTokens, RegistryMap};

const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// Tokens younger than this are not replaced.
const YOUNG: Duration = Duration::from_secs(60);

/// The credentials of a role, for whoever may have them.
const ROLE: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
    <AssumedRoleUser><AssumedRoleId>A:plimsoll</AssumedRoleId>\
    <Arn>arn:aws:sts::123456789012:assumed-role/pull/plimsoll</Arn></AssumedRoleUser>\
    <Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
    <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
    </AssumeRoleResult></AssumeRoleResponse>";

/// STS, the API of ECR and a registry that takes the newest password only, all at one address. The registry forgets it
/// after so many requests.
async fn aws(lasts: usize) -> Hub {
    Hub::start(move |seen: &Seen| {
        let asked = seen.history.iter().filter(|path| *path == "/").count();
        let signer = seen.authorization.clone().unwrap_or_default();
        if seen.path == "/" {
            return match (seen.body.contains("Action=AssumeRole"), &signer) {
                (true, signer) if signer.contains("AKIDOWN") => {
                    assert!(seen.body.contains("ExternalId=harbour") && seen.body.contains("role%2Fpull"));
                    Answer::ok(ROLE).header("content-type", "text/xml")
                }
                (false, signer) if signer.contains("AKIDROLE") && signer.contains("/eu-west-1/ecr/") => {
                    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 43_200;
                    let token = STANDARD.encode(format!("AWS:p{asked}"));
                    Answer::ok(format!(
                        r#"{{"authorizationData":[{{"authorizationToken":"{token}","expiresAt":{end}}}]}}"#
                    ))
                }
                _ => Answer::status(403).body(r#"{"__type":"AccessDeniedException","message":"not you"}"#),
            };
        }
        let newest = format!("Basic {}", STANDARD.encode(format!("AWS:p{}", asked.saturating_sub(1))));
        let served = seen.history.iter().filter(|path| path.starts_with("/v2/")).count();
        if signer == newest && served % lasts != 0 {
            return Answer::ok("{}").header("content-type", MANIFEST);
        }
        Answer::status(401).header("www-authenticate", r#"Basic realm="ecr",service="ecr.amazonaws.com""#)
    })
    .await
}

/// The options for an image in that registry, as a configuration has them.
fn configured(hub: &Hub, tokens: &EcrTokens) -> Options {
    let place = format!("http://{}", hub.address());
    let text = format!(
        "registries:\n  - host: \"*.dkr.ecr.*.amazonaws.com\"\n    endpoint: {place}\n    ecr: {{role: \
         \"arn:aws:iam::{{account}}:role/pull\", external_id: harbour, endpoint: \"{place}\", sts_endpoint: \
         \"{place}\"}}\n"
    );
    let map = RegistryMap::parse(&text).unwrap();
    let entry = map.find(HOST).unwrap();
    let account = entry.ecr_account(HOST).unwrap().unwrap();
    Options {
        endpoint: entry.endpoint.clone(),
        ecr: Some(EcrLogin { tokens: tokens.clone(), account }),
        backoff: quick(),
        ..Options::default()
    }
}

async fn image(options: &Options) -> Box<dyn Source> {
    open(&format!("{HOST}/app:1").parse().unwrap(), options).await.unwrap()
}

#[tokio::test]
async fn an_image_of_ecr_is_pulled_with_a_token_of_the_accounts_role() {
    let hub = aws(usize::MAX).await;
    let options = configured(&hub, &EcrTokens::with_keys("AKIDOWN", YOUNG).await);
    for _ in 0..2 {
        assert_eq!(&image(&options).await.resolve().await.unwrap().bytes[..], b"{}");
    }
    assert_eq!(hub.count("/"), 2, "one role and one token, for any number of images");
    assert_eq!(hub.count("/v2/app/manifests/1"), 4, "nothing is shown before it is asked for");
}

#[tokio::test]
async fn a_token_that_is_refused_while_it_is_used_is_replaced() {
    let hub = aws(3).await;
    let options = configured(&hub, &EcrTokens::with_keys("AKIDOWN", Duration::ZERO).await);
    let source = image(&options).await;
    for _ in 0..3 {
        source.resolve().await.unwrap();
    }
    assert_eq!(hub.count("/"), 4, "a second role and a second token");
}

#[tokio::test]
async fn a_new_token_that_is_refused_is_not_replaced_by_another() {
    let hub = aws(3).await;
    let options = configured(&hub, &EcrTokens::with_keys("AKIDOWN", YOUNG).await);
    let source = image(&options).await;
    source.resolve().await.unwrap();
    source.resolve().await.unwrap();
    assert_eq!(source.resolve().await.unwrap_err().kind(), "unauthorized");
    assert_eq!(hub.count("/"), 2);
}

#[tokio::test]
async fn whoever_may_not_assume_the_role_is_told_so_with_the_registry() {
    let hub = aws(usize::MAX).await;
    let options = configured(&hub, &EcrTokens::with_keys("AKIDOTHER", YOUNG).await);
    let error = image(&options).await.resolve().await.unwrap_err();
    assert_eq!(error.kind(), "ecr_token");
    assert!(error.to_string().contains(HOST) && error.to_string().contains("role"), "{error}");
}
