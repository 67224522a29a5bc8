//! Registries that are worked through, by the process that has a coordinator.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_fleet::Registries;
use plimsoll_oci::Options;
use plimsoll_state::State;
use plimsoll_trigger::crawl::{Config, Crawler, Doors, Filter, Schedule};
use plimsoll_types::{CrawlRequest, Reference};
use serde::Deserialize;

use super::args::CrawlArgs;
use super::parts;
use crate::failure::Failure;
use crate::inputs;

/// The shortest time from the start of one crawl of a schedule to that of the next.
const SHORTEST: Duration = Duration::from_secs(60);

/// A crawler, and the crawls that start by themselves.
pub(super) fn crawler(
    arguments: &CrawlArgs,
    registries: Registries,
    state: &Arc<dyn State>,
) -> Result<Arc<Crawler>, Failure> {
    let config = Config {
        rate: arguments.crawl_rate,
        lease: Duration::from_secs(arguments.crawl_lease),
        schedules: schedules(arguments)?,
        ..Config::new(parts::holder())
    };
    Ok(Arc::new(Crawler {
        config,
        state: Arc::clone(state),
        doors: Arc::new(Fleet(registries)),
        clock: parts::clock(),
    }))
}

/// The fleet's way to registries.
struct Fleet(Registries);

impl Doors for Fleet {
    fn options(&self, request: &CrawlRequest) -> Result<Options, plimsoll_oci::Error> {
        let whole = Reference {
            registry: request.registry.clone(),
            repository: String::new(),
            tag: None,
            digest: None,
        };
        self.0.options(&request.tenant, &whole, request.credential.as_deref(), request.plain_http)
    }
}

/// The file of `--crawls`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    crawls: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    registry: String,
    every: String,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    newest: Option<u32>,
    #[serde(default)]
    max_age: Option<String>,
    #[serde(default)]
    max_tags: Option<u32>,
    #[serde(default)]
    rate: Option<u32>,
    #[serde(default)]
    credential: Option<String>,
    #[serde(default)]
    plain_http: bool,
}

fn schedules(arguments: &CrawlArgs) -> Result<Vec<Schedule>, Failure> {
    let Some(file) = &arguments.crawls else { return Ok(Vec::new()) };
    let failed = |why: String| Failure::new("crawls", format!("--crawls {}: {why}", file.display()));
    let text = inputs::text(file).map_err(failed)?;
    read(&text).map_err(failed)
}

fn read(text: &str) -> Result<Vec<Schedule>, String> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| {
        let error = error.to_string();
        error.lines().next().unwrap_or_default().to_owned()
    })?;
    let mut schedules: Vec<Schedule> = Vec::with_capacity(file.crawls.len());
    for entry in file.crawls {
        let name = entry.name.clone();
        let schedule = schedule(entry).map_err(|why| format!("crawl {name:?}: {why}"))?;
        let same =
            |other: &Schedule| other.name == schedule.name && other.request.tenant == schedule.request.tenant;
        if schedules.iter().any(same) {
            return Err(format!("crawl {name:?}: another one of this tenant has the same name"));
        }
        schedules.push(schedule);
    }
    Ok(schedules)
}

fn schedule(entry: Entry) -> Result<Schedule, String> {
    let every = crate::gc::duration(&entry.every).map_err(|why| format!("every: {why}"))?;
    if every < SHORTEST {
        return Err(format!("every: {} is less than a minute", entry.every));
    }
    let age = entry.max_age.as_deref().map(crate::gc::duration).transpose();
    let age = age.map_err(|why| format!("max_age: {why}"))?;
    let request = CrawlRequest {
        tenant: match &entry.tenant {
            Some(tenant) => tenant.parse().map_err(|error| format!("tenant: {error}"))?,
            None => plimsoll_types::Tenant::default(),
        },
        registry: entry.registry,
        repositories: entry.repositories,
        include: entry.include,
        exclude: entry.exclude,
        newest: entry.newest,
        max_age: age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX)),
        max_tags: entry.max_tags,
        rate: entry.rate,
        credential: entry.credential,
        plain_http: entry.plain_http,
        ..CrawlRequest::default()
    };
    request.check().map_err(|error| error.to_string())?;
    Filter::new(&request.include, &request.exclude).map_err(|error| error.to_string())?;
    let whole = format!("{}/x/x:x", request.registry).parse::<Reference>();
    if !whole.is_ok_and(|whole| whole.registry == request.registry) {
        return Err(format!("registry: {:?} is not HOST[:PORT]", request.registry));
    }
    Ok(Schedule { name: entry.name, every, request })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_with_its_filters() {
        let text = "crawls:\n- name: nightly\n  registry: registry.example\n  every: 24h\n  tenant: team-a\n  \
                    include: ['team-a/**']\n  newest: 5\n  max_age: 90d\n  credential: pull\n";
        let [schedule] = &read(text).unwrap()[..] else { panic!("one") };
        assert_eq!((schedule.name.as_str(), schedule.every), ("nightly", Duration::from_secs(86_400)));
        let request = &schedule.request;
        assert_eq!((request.tenant.as_str(), request.newest), ("team-a", Some(5)));
        assert_eq!((request.max_age, request.plan_only), (Some(90 * 86_400_000), false));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let one = |more: &str| format!("crawls:\n- name: a\n  registry: r.example\n  every: 1h\n{more}");
        assert!(read(&one("")).is_ok());
        for (text, why) in [
            (one("  evrey: 2h\n"), "evrey"),
            (one("  max_age: soon\n"), "max_age"),
            (one("  include: ['b[']\n"), "no pattern"),
            (one("  tenant: 'Team A'\n"), "tenant"),
            (one("- {name: a, registry: r.example, every: 2h}\n"), "same name"),
            (one("").replace("1h", "59s"), "less than a minute"),
            (one("").replace("r.example", "https://r.example"), "HOST[:PORT]"),
            ("crawls: 7".into(), ""),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(why), "{why:?} in {error:?}");
        }
    }
}
