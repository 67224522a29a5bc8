//! Nothing secret is in the file: passwords come from docker/.env, which docker/secrets.sh makes and nobody commits.

use std::collections::BTreeSet;
use std::process::Command;

use crate::file::{Compose, text_of};

/// What is asked for in the environment, and must not be empty: `${NAME:?why}`.
fn asked_for(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("${")?;
    after.split_once('}')?.0.split_once(":?").map(|(name, _)| name)
}

/// Whether what is called so is nobody else's business. A file with a token may be named.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let says = ["PASSWORD", "_PASS", "SECRET", "TOKEN", "CREDENTIAL"].iter().any(|word| name.contains(word));
    says && !name.ends_with("_FILE")
}

/// Secrets that stand in the file.
fn published(compose: &Compose) -> Vec<String> {
    let mut found = Vec::new();
    for (keys, text) in compose.texts() {
        let key = keys.last().map(String::as_str).unwrap_or_default();
        if (keys.iter().any(|key| key == "environment") || keys[0].starts_with("x-")) && is_secret(key) {
            let all = text.starts_with("${") && text.ends_with('}') && asked_for(text).is_some();
            found.extend((!all).then(|| keys.join(".")));
        }
        // USER:PASSWORD@ of a URL.
        let authority = text.split_once("://").map(|(_, rest)| rest);
        if let Some((_, password)) =
            authority.and_then(|rest| rest.rsplit_once('@')).and_then(|(user, _)| user.split_once(':'))
        {
            found.extend((asked_for(password).is_none()).then(|| keys.join(".")));
        }
        // JSON of a configuration.
        for (_, after) in
            text.match_indices("\"secretKey\": \"").map(|(at, found)| text.split_at(at + found.len()))
        {
            found.extend((!after.starts_with("${")).then(|| keys.join(".")));
        }
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn nothing_secret_is_in_the_file() {
    assert_eq!(published(&Compose::ours()), Vec::<String>::new());
}

#[test]
fn a_published_secret_is_found() {
    let password = "${RABBITMQ_PASSWORD:?run docker/secrets.sh}";
    let found = published(&Compose::with(password, "guest"));
    assert!(found.contains(&"services.rabbitmq.environment.RABBITMQ_DEFAULT_PASS".to_owned()), "{found:?}");
    assert!(found.contains(&"services.worker.environment.PLIMSOLL_QUEUE".to_owned()), "{found:?}");
    let key = "${S3_SECRET_KEY:?run docker/secrets.sh}";
    let found = published(&Compose::with(key, "plimsoll-secret"));
    assert!(found.contains(&"configs.s3.content".to_owned()), "{found:?}");
    // A default is a secret that everybody knows.
    let admin = "${GRAFANA_PASSWORD:?run docker/secrets.sh}";
    let found = published(&Compose::with(admin, "${GRAFANA_PASSWORD:-admin}"));
    assert_eq!(found, ["services.grafana.environment.GF_SECURITY_ADMIN_PASSWORD"]);
}

#[test]
fn every_password_that_is_asked_for_is_made_and_none_twice() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let script = scratch.path().join("secrets.sh");
    std::fs::write(&script, text_of("docker/secrets.sh")).expect("a file");
    let run = || assert!(Command::new("sh").arg(&script).status().expect("sh runs").success());
    run();
    let env = scratch.path().join(".env");
    let made = std::fs::read_to_string(&env).expect("secrets.sh makes a file");
    let lines: Vec<(&str, &str)> = made.lines().filter_map(|line| line.split_once('=')).collect();

    let compose = Compose::ours();
    let asked: BTreeSet<&str> = compose.texts().iter().filter_map(|(_, text)| asked_for(text)).collect();
    assert_eq!(lines.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), asked);
    let values: BTreeSet<&str> = lines.iter().map(|(_, value)| *value).collect();
    assert_eq!(values.len(), lines.len());
    assert!(values.iter().all(|value| value.len() == 48), "24 random bytes each");

    // Services keep the passwords they were started with.
    run();
    assert_eq!(std::fs::read_to_string(&env).expect("it is still there"), made);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&env).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "others may read it");
    }
}

#[test]
fn the_file_with_the_passwords_is_committed_by_nobody_and_in_no_image() {
    assert!(text_of(".gitignore").lines().any(|line| line == "/docker/.env"));
    assert!(text_of(".dockerignore").lines().any(|line| line == "**/.env"));
}
