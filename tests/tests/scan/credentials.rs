//! Credentials come from Docker's config.json, and go to nobody but the registry they are for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plimsoll_tests::registry::{Auth, Fault, Misdeed, Registry};
use serde_json::json;

use crate::workshop::{AMD64, Workshop, image, installs};

const USER: &str = "docker";
const PASSWORD: &str = "not the secret of anybody";

/// Writes what `docker login` writes.
fn log_in(workshop: &Workshop, password: &str) {
    let auth = STANDARD.encode(format!("{USER}:{password}"));
    let config = json!({"auths": {workshop.registry.host(): {"auth": auth}}});
    workshop.write(".docker/config.json", config.to_string());
}

fn pushed(workshop: &Workshop) -> String {
    workshop.registry.push("app", "1", &image(&[installs("quay", "1.0")]))
}

#[test]
fn basic_and_bearer_registries_are_logged_in_to() {
    for auth in [
        Auth::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() },
        Auth::Bearer { user: Some((USER.to_owned(), PASSWORD.to_owned())) },
    ] {
        let workshop = Workshop::new();
        let reference = pushed(&workshop);
        workshop.registry.require(auth);
        log_in(&workshop, PASSWORD);
        workshop.scan(&reference, AMD64).expect(0);
    }
}

#[test]
fn an_anonymous_token_needs_no_login() {
    let workshop = Workshop::new();
    let reference = pushed(&workshop);
    workshop.registry.require(Auth::Bearer { user: None });
    workshop.scan(&reference, AMD64).expect(0);
}

#[test]
fn a_wrong_password_is_said_and_never_shown() {
    let workshop = Workshop::new();
    let reference = pushed(&workshop);
    workshop.registry.require(Auth::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() });
    workshop.scan(&reference, AMD64).expect_error("unauthorized");

    log_in(&workshop, "a wrong one");
    let line = workshop.scan(&reference, AMD64).expect_error("unauthorized");
    assert!(
        !line.contains("a wrong one") && !line.contains(&STANDARD.encode("docker:a wrong one")),
        "{line}"
    );
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let workshop = Workshop::new();
    let reference = pushed(&workshop);
    let elsewhere = Registry::start().unwrap();
    elsewhere.push("app", "1", &image(&[installs("quay", "1.0")]));
    workshop.registry.require(Auth::Basic { user: USER.to_owned(), password: PASSWORD.to_owned() });
    workshop.registry.fault(Fault::always("/blobs/", Misdeed::RedirectTo(elsewhere.host())));
    log_in(&workshop, PASSWORD);

    workshop.scan(&reference, AMD64).expect(0);
    let requests = elsewhere.requests();
    assert!(!requests.is_empty(), "the blobs came from elsewhere");
    assert!(requests.iter().all(|request| request.authorization.is_none()), "{requests:?}");
}
