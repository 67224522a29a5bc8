//! Images, ports, mounts, and what our own containers may do.

use crate::file::{Compose, Service, folder};

/// Says of every image that is not one certain version why it is not.
fn unpinned(compose: &Compose) -> Vec<String> {
    let wrong = compose.services().filter_map(|service| {
        let (_, tag) = service.image().rsplit_once(':')?;
        let numbers = tag.trim_start_matches('v').split(['.', '-']);
        let numbers = numbers.take_while(|part| part.chars().all(|letter| letter.is_ascii_digit())).count();
        (numbers < 2 || tag.contains('/'))
            .then(|| format!("{}: {} is no certain version", service.name, service.image()))
    });
    let untagged = compose.services().filter(|service| !service.image().contains(':'));
    wrong.chain(untagged.map(|service| format!("{}: no version", service.name))).collect()
}

#[test]
fn every_image_is_of_a_certain_version_and_ours_of_this_one() {
    let compose = Compose::ours();
    assert_eq!(unpinned(&compose), Vec::<String>::new());
    let ours: Vec<Service> = compose.services().filter(Service::is_ours).collect();
    assert!(ours.len() >= 3);
    for service in ours {
        assert_eq!(service.image(), concat!("plimsoll:", env!("CARGO_PKG_VERSION")), "{}", service.name);
        assert_eq!(service.get("build")["target"], "plimsoll", "{}", service.name);
    }
}

#[test]
fn an_image_without_a_version_is_found() {
    for loose in ["registry", "registry:latest", "registry:2", "host:5000/registry", "registry:edge-2.8"] {
        let compose = Compose::with("image: registry:2.8.3", &format!("image: {loose}"));
        assert_eq!(unpinned(&compose).len(), 1, "{loose}");
    }
}

/// Ports that others than this machine can reach.
fn exposed(compose: &Compose) -> Vec<String> {
    let ports = compose.services().flat_map(|service| {
        let listed = service.get("ports").as_array().into_iter().flatten();
        listed.map(move |port| {
            format!("{}: {}", service.name, port.as_str().unwrap_or("not written as a text"))
        })
    });
    ports.filter(|port| !port.contains(": 127.0.0.1:")).collect()
}

#[test]
fn nothing_listens_beyond_this_machine() {
    assert_eq!(exposed(&Compose::ours()), Vec::<String>::new());
    let open = Compose::with("127.0.0.1:${GRAFANA_PORT:-3000}:3000", "3000:3000");
    assert_eq!(exposed(&open), ["grafana: 3000:3000"]);
}

/// Mounts of something that is not there.
fn unfounded(compose: &Compose) -> Vec<String> {
    let volumes = compose.declared("volumes").expect("volumes");
    let mounts = compose.services().flat_map(|service| {
        service.mounts().into_iter().map(move |(from, to)| (service.name, from, to)).collect::<Vec<_>>()
    });
    let unfounded = mounts.filter(|(_, from, _)| match from.as_str() {
        "" => false,
        path if path.starts_with('.') => !folder().join(path).exists(),
        volume => !volumes.contains_key(volume),
    });
    unfounded.map(|(service, from, to)| format!("{service}: {from} at {to}")).collect()
}

#[test]
fn what_is_mounted_is_there() {
    assert_eq!(unfounded(&Compose::ours()), Vec::<String>::new());
    let gone = Compose::with("../infra/prometheus/alerts.yml:", "../infra/prometheus/no-such.yml:");
    assert_eq!(
        unfounded(&gone),
        ["prometheus: ../infra/prometheus/no-such.yml at /etc/prometheus/alerts.yml"]
    );
    let undeclared = Compose::with("- grafana:/var/lib/grafana", "- dashboards:/var/lib/grafana");
    assert_eq!(unfounded(&undeclared), ["grafana: dashboards at /var/lib/grafana"]);
}

/// Our containers that may do more than they need.
fn too_free(compose: &Compose) -> Vec<String> {
    let free = compose.services().filter(Service::is_ours).filter(|service| {
        let confined = service.get("read_only") == true
            && service.list("cap_drop") == ["ALL"]
            && service.list("security_opt") == ["no-new-privileges:true"];
        !confined || service.get("user").is_string() || service.get("privileged").is_boolean()
    });
    free.map(|service| service.name.to_owned()).collect()
}

#[test]
fn our_containers_can_change_nothing_but_their_volumes() {
    assert_eq!(too_free(&Compose::ours()), Vec::<String>::new());
    assert!(too_free(&Compose::with("read_only: true", "read_only: false")).contains(&"worker".to_owned()));
    assert_eq!(too_free(&Compose::with("command: [aggregator]", "user: root")), ["aggregator"]);
}
