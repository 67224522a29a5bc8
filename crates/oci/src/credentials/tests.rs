use std::os::unix::fs::PermissionsExt;

use super::*;

fn basic(username: &str, password: &str) -> Credentials {
    Credentials::Basic { username: username.into(), password: Secret::new(password) }
}

/// What `config` gives for `image`.
async fn find(config: &str, image: &str) -> Result<Credentials, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    std::fs::write(&path, config).unwrap();
    Lookup::Docker(Some(path)).find(&image.parse().unwrap()).await
}

#[test]
fn secrets_are_not_shown() {
    assert_eq!(format!("{:?}", basic("u", "geheim")), r#"Basic { username: "u", password: *** }"#);
}

#[tokio::test]
async fn stored_credentials_are_found_by_any_spelling_of_the_host() {
    // u:p
    let config =
        |key: &str| format!(r#"{{"auths":{{"{key}":{{"auth":"dTpw"}},"other.io":{{"auth":"eDp5"}}}}}}"#);
    for (key, image) in [
        ("https://index.docker.io/v1/", "nginx"),
        ("docker.io", "a/b"),
        ("r.io", "r.io/a"),
        ("https://r.io", "r.io/a"),
        ("https://r.io/v2/", "r.io/a"),
        ("r.io:5000", "r.io:5000/a"),
        ("r.io/a", "r.io/a/b:1"),
    ] {
        assert_eq!(find(&config(key), image).await.unwrap(), basic("u", "p"), "{key} {image}");
    }
    for (key, image) in
        [("r.io", "s.r.io/a"), ("r.io", "r.io:5000/a"), ("r.io/ab", "r.io/a"), ("r.io/b", "r.io/a")]
    {
        assert_eq!(find(&config(key), image).await.unwrap(), Credentials::Anonymous, "{key} {image}");
    }
}

#[tokio::test]
async fn the_longest_key_wins() {
    let config = r#"{"auths":{"r.io":{"auth":"eDp5"},"r.io/team":{"auth":"dTpw"}}}"#;
    assert_eq!(find(config, "r.io/team/app").await.unwrap(), basic("u", "p"));
    assert_eq!(find(config, "r.io/teams/app").await.unwrap(), basic("x", "y"));
}

#[tokio::test]
async fn every_form_of_credential_is_read() {
    for (auth, expected) in [
        (r#"{"username":"u","password":"p:q"}"#, basic("u", "p:q")),
        (r#"{"auth":"dTpwOnE="}"#, basic("u", "p:q")),
        (r#"{"auth":"dTpwOnE"}"#, basic("u", "p:q")),
        (r#"{"auth":"dTpw","identitytoken":"i"}"#, Credentials::IdentityToken(Secret::new("i"))),
        (r#"{"registrytoken":"r"}"#, Credentials::RegistryToken(Secret::new("r"))),
        ("{}", Credentials::Anonymous),
    ] {
        let config = format!(r#"{{"auths":{{"r.io":{auth}}},"unknown":1}}"#);
        assert_eq!(find(&config, "r.io/a").await.unwrap(), expected, "{auth}");
    }
}

#[tokio::test]
async fn a_broken_configuration_is_named_and_never_quoted() {
    for config in ["{", r#"{"auths":{"r.io":{"auth":"geheim!"}}}"#, r#"{"auths":{"r.io":{"auth":5}}}"#] {
        let error = find(config, "r.io/a").await.unwrap_err();
        assert!(error.kind() == "credentials" && error.to_string().contains("config.json"), "{error}");
        assert!(!error.to_string().contains("geheim"), "{error}");
    }
    let missing = Lookup::Docker(Some("/nonexistent/config.json".into()));
    assert_eq!(missing.find(&"r.io/a".parse().unwrap()).await.unwrap_err().kind(), "io");
}

#[tokio::test]
async fn a_helper_that_is_not_there_is_named() {
    for config in [r#"{"credsStore":"plimsoll-missing"}"#, r#"{"credHelpers":{"r.io":"plimsoll-missing"}}"#] {
        let error = find(config, "r.io/a").await.unwrap_err();
        assert!(error.to_string().contains("docker-credential-plimsoll-missing"), "{error}");
    }
    assert_eq!(
        find(r#"{"credHelpers":{"s.io":"missing"}}"#, "r.io/a").await.unwrap(),
        Credentials::Anonymous
    );
    let escape = find(r#"{"credsStore":"../../bin/sh"}"#, "r.io/a").await.unwrap_err();
    assert!(escape.to_string().contains("not the name"), "{escape}");
}

/// What a helper that runs `script` gives.
async fn ask(script: &str) -> Result<Option<Credentials>, Error> {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("docker-credential-test");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    helper::run("test", program.as_os_str(), "https://r.io").await
}

#[tokio::test]
async fn helpers_are_asked_by_their_protocol() {
    let echo =
        r#"read -r server; echo "{\"ServerURL\":\"$server\",\"Username\":\"$1\",\"Secret\":\"$server\"}""#;
    assert_eq!(ask(echo).await.unwrap(), Some(basic("get", "https://r.io")));
    let token = r#"echo '{"Username":"<token>","Secret":"i"}'"#;
    assert_eq!(ask(token).await.unwrap(), Some(Credentials::IdentityToken(Secret::new("i"))));
    let nothing = "echo credentials not found in native keychain; exit 1";
    assert_eq!(ask(nothing).await.unwrap(), None);
}

#[tokio::test]
async fn a_helper_that_fails_says_why() {
    for (script, said) in [
        ("echo no such vault >&2; exit 3", "no such vault"),
        ("echo hello", "JSON"),
        ("head -c 3000000 /dev/zero", "more than"),
    ] {
        let error = ask(script).await.unwrap_err();
        assert!(error.kind() == "credentials" && error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains("docker-credential-test"), "{error}");
    }
}
