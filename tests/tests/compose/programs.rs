//! Every service of our image is given what the binary takes: the command as it is, and each variable by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::file::{Compose, Service, defaults, text_of};

/// What a command of the binary says about itself.
struct Help {
    text: String,
}

impl Help {
    /// The help that comes at the end of `command`: the binary has then read all that stands before. What it objects to
    /// instead, if it does.
    fn after(command: &[String]) -> Result<Self, String> {
        let binary = plimsoll_tests::binary::plimsoll().expect("the binary to test");
        let output =
            Command::new(binary).env_clear().args(command).arg("--help").output().expect("plimsoll runs");
        let said =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ");
        if output.status.success() {
            Ok(Self { text: said(&output.stdout) })
        } else {
            Err(said(&output.stderr))
        }
    }

    /// Which option each variable stands for.
    fn variables(&self) -> BTreeMap<&str, &str> {
        let mut found = BTreeMap::new();
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once("[env: ") {
            let option = before.split(' ').rfind(|word| word.starts_with("--")).expect("an option");
            let variable = after.split([']', '=']).next().unwrap_or_default();
            found.insert(variable, option);
            rest = after;
        }
        found
    }

    /// The options without which there is nothing to do.
    fn required(&self) -> BTreeSet<&str> {
        let (_, usage) = self.text.split_once("Usage: ").expect("a usage");
        let usage = usage.split(" Options: ").next().unwrap_or_default();
        let usage = usage.split(" Arguments: ").next().unwrap_or_default();
        usage.split(' ').filter(|word| word.starts_with("--")).collect()
    }
}

/// Variables that are no option's. Each is what it is elsewhere, too: AWS's tools, and the OpenTelemetry specification.
const OTHERS: &[&str] = &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// What every process of Plimsoll reads, as the README of telemetry lists it.
fn is_telemetry(variable: &str) -> bool {
    let listed = text_of("crates/telemetry/README.md");
    listed.lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{variable}`")))
}

/// Which roles send spans and lines; the other commands do not read those variables.
const ROLES: &[&str] = &["coordinator", "worker", "aggregator"];

/// Says of each of our services what it is given and does not take, or needs and is not given.
fn complaints(compose: &Compose) -> Vec<String> {
    let mut all: Vec<_> = compose.services().filter(Service::is_ours).flat_map(complaints_about).collect();
    all.sort();
    all
}

fn complaints_about(service: Service) -> Vec<String> {
    let command: Vec<String> = service.list("command").into_iter().map(defaults).collect();
    let help = match Help::after(&command) {
        Ok(help) => help,
        Err(why) => return vec![format!("{}: {why}", service.name)],
    };
    let options = help.variables();
    let mut complaints = Vec::new();
    let mut given: BTreeSet<&str> = command.iter().filter_map(|word| word.split('=').next()).collect();
    let reads = |variable: &&str| {
        let tells = ROLES.contains(&command[0].as_str());
        OTHERS.contains(variable) || (tells && is_telemetry(variable))
    };
    for variable in service.environment().into_keys() {
        if let Some(option) = options.get(variable) {
            given.insert(option);
        } else if !reads(&variable) {
            complaints.push(format!("{}: nothing reads {variable}", service.name));
        }
    }
    let lacking = help.required().into_iter().filter(|option| !given.contains(option));
    complaints.extend(lacking.map(|option| format!("{}: lacks {option}", service.name)));
    complaints
}

#[test]
fn every_service_of_ours_is_given_what_the_binary_takes_and_nothing_else() {
    let compose = Compose::ours();
    assert_eq!(complaints(&compose), Vec::<String>::new());
    for role in ROLES {
        assert_eq!(compose.service(role).expect("a role").list("command")[0], *role);
    }
}

#[test]
fn what_the_binary_does_not_take_is_found() {
    assert_eq!(
        complaints(&Compose::with("PLIMSOLL_DB: ", "PLIMSOLL_DATABASE: ")),
        ["aggregator: nothing reads PLIMSOLL_DATABASE"]
    );
    assert_eq!(
        complaints(&Compose::with("PLIMSOLL_LISTEN: 0.0.0.0:7465", "PLIMSOLL_SLOTS: \"4\"")),
        ["coordinator: nothing reads PLIMSOLL_SLOTS"]
    );
    let lacking = complaints(&Compose::with("PLIMSOLL_QUEUE: ", "OTEL_SERVICE_NAME: "));
    assert_eq!(lacking, ["aggregator: lacks --queue", "coordinator: lacks --queue", "worker: lacks --queue"]);
    let misspelt = complaints(&Compose::with("--token-in-the-clear", "--token-in-clear"));
    assert!(misspelt.len() == 1 && misspelt[0].starts_with("judge: "), "{misspelt:?}");
    let senseless = complaints(&Compose::with("${PLIMSOLL_SUBNET:-172.31.250.0/24}", "everywhere"));
    assert_eq!(senseless.len(), 2, "{senseless:?}");
}

#[test]
fn the_health_check_of_an_image_without_a_shell_is_the_binary_too() {
    let compose = Compose::ours();
    let check = compose.service("worker").expect("a worker");
    let check = check.get("healthcheck")["test"].as_array().expect("a list");
    let words: Vec<String> =
        check.iter().skip(2).map(|word| word.as_str().expect("a text").to_owned()).collect();
    assert!(check[..2] == ["CMD", "/usr/bin/plimsoll"] && Help::after(&words).is_ok(), "{words:?}");
}
