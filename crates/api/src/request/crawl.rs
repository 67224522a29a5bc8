//! Messages about crawls and tags.

use plimsoll_proto::v1;
use plimsoll_state::{HistoryCursor, HistoryPage, TagSpan};
use plimsoll_trigger::crawl::Filter;
use plimsoll_types::{CrawlId, CrawlRequest, Reference, Tenant};
use tonic::Status;

use super::{MAX_PAGE, PAGE, Violations};
use crate::status;

/// A hundred years.
const LONGEST_AGE: u64 = 100 * 366 * 24 * 3600;

/// The crawl of `message`, as `tenant` asks for it.
pub(crate) fn crawl_request(message: v1::StartCrawlRequest, tenant: Tenant) -> Result<CrawlRequest, Status> {
    let mut violations = Violations::default();
    let filter = message.filter.unwrap_or_default();
    let request = CrawlRequest {
        tenant,
        registry: violations.check("registry", registry(&message.registry)),
        repositories: filter.repositories,
        include: filter.include,
        exclude: filter.exclude,
        newest: some(filter.newest),
        max_age: violations.check("filter.max_age_seconds", age(filter.max_age_seconds)),
        max_tags: some(filter.max_tags),
        plan_only: message.plan_only,
        rate: some(message.rate),
        credential: Some(message.credential).filter(|text| !text.is_empty()),
        plain_http: message.plain_http,
        idempotency_key: Some(message.idempotency_key).filter(|text| !text.is_empty()),
    };
    if violations.0.is_empty() {
        // Bounds first: what is too long is not looked at one by one.
        if let Err(error) = request.check() {
            violations.add("request", error.to_string());
        } else {
            names(&request, &mut violations);
        }
    }
    violations.finish(request)
}

fn names(request: &CrawlRequest, violations: &mut Violations) {
    if let Err(error) = Filter::new(&request.include, &request.exclude) {
        violations.add("filter", error.to_string());
    }
    for (place, name) in request.repositories.iter().enumerate() {
        let reference = format!("{}/{name}:x", request.registry).parse::<Reference>();
        let is_itself =
            reference.as_ref().is_ok_and(|it| it.registry == request.registry && it.repository == *name);
        if !is_itself {
            let why = match reference {
                Ok(full) => format!("is written {} in full", full.repository),
                Err(error) => error.to_string(),
            };
            violations.add(format!("filter.repositories[{place}]"), why);
            break;
        }
    }
}

/// A registry alone, as references have it.
fn registry(text: &str) -> Result<String, String> {
    let wrong = "is not HOST[:PORT], without a scheme and without a path";
    if text.is_empty() {
        return Err("is missing".to_owned());
    }
    let reference: Reference = format!("{text}/x:x").parse().map_err(|_| wrong.to_owned())?;
    // What has neither dot nor port reads as a repository of Docker Hub.
    if reference.repository == "x" || reference.repository == "library/x" && text.contains("docker.io") {
        Ok(reference.registry)
    } else {
        Err(wrong.to_owned())
    }
}

fn age(seconds: u64) -> Result<Option<i64>, String> {
    match seconds {
        0 => Ok(None),
        seconds if seconds <= LONGEST_AGE => Ok(Some((seconds * 1000).cast_signed())),
        _ => Err(format!("is more than {LONGEST_AGE}, a hundred years")),
    }
}

fn some(number: u32) -> Option<u32> {
    Some(number).filter(|number| *number > 0)
}

/// The id of a crawl.
pub(crate) fn crawl_id(text: &str) -> Result<CrawlId, Status> {
    text.parse().map_err(|error: plimsoll_types::CrawlIdError| status::invalid_field("id", error.to_string()))
}

/// Where a page of crawls starts, and how long it is.
pub(crate) fn crawl_page(message: &v1::ListCrawlsRequest) -> Result<(Option<CrawlId>, u32), Status> {
    let mut violations = Violations::default();
    let after = match message.page_token.as_str() {
        "" => None,
        token => violations.check("page_token", token.parse().map(Some).map_err(|_| TOKEN)),
    };
    let size = violations.check("page_size", size(message.page_size));
    violations.finish((after, size))
}

const TOKEN: &str = "is no token of this list; take next_page_token, or none";

fn size(asked: u32) -> Result<u32, String> {
    match asked {
        0 => Ok(PAGE),
        size if size > MAX_PAGE => Err(format!("is {size}; {MAX_PAGE} is the most")),
        size => Ok(size),
    }
}

/// What history is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HistoryRequest {
    pub(crate) registry: String,
    pub(crate) repository: String,
    pub(crate) tag: Option<String>,
    pub(crate) page: HistoryPage,
}

/// The history of `message`.
pub(crate) fn history(message: &v1::ListTagHistoryRequest) -> Result<HistoryRequest, Status> {
    let mut violations = Violations::default();
    let (registry, repository) = violations.check("repository", repository(&message.repository));
    let tag = Some(message.tag.clone()).filter(|tag| !tag.is_empty());
    if tag.as_ref().is_some_and(|tag| format!("a:{tag}").parse::<Reference>().is_err()) {
        violations.add("tag", "is no tag");
    }
    let after = match message.page_token.as_str() {
        "" => None,
        token => violations.check("page_token", history_cursor(token).map(Some).ok_or(TOKEN)),
    };
    let limit = violations.check("page_size", size(message.page_size));
    violations.finish(HistoryRequest { registry, repository, tag, page: HistoryPage { after, limit } })
}

fn repository(text: &str) -> Result<(String, String), String> {
    let reference: Reference =
        text.parse().map_err(|error: plimsoll_types::ReferenceError| error.to_string())?;
    let named = text.rsplit('/').next().unwrap_or_default();
    if named.contains([':', '@']) {
        return Err("names a tag or digest too; set tag".to_owned());
    }
    Ok((reference.registry, reference.repository))
}

/// The place after `span`, as a token: `FIRST_SEEN/DIGEST/TAG`.
pub(crate) fn history_token(span: &TagSpan) -> String {
    format!("{}/{}/{}", span.first_seen, span.digest, span.tag)
}

fn history_cursor(token: &str) -> Option<HistoryCursor> {
    let mut parts = token.splitn(3, '/');
    let (first_seen, digest, tag) = (parts.next()?, parts.next()?, parts.next()?);
    Some(HistoryCursor {
        first_seen: first_seen.parse().ok()?,
        digest: digest.parse().ok()?,
        tag: tag.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use plimsoll_types::Digest;

    use super::*;

    fn read(registry: &str, filter: v1::CrawlFilter) -> Result<CrawlRequest, Status> {
        let message =
            v1::StartCrawlRequest { registry: registry.into(), filter: Some(filter), ..Default::default() };
        crawl_request(message, Tenant::default())
    }

    #[test]
    fn a_registry_is_a_host_and_nothing_else() {
        for good in ["127.0.0.1:5000", "registry.example", "localhost:5000", "[::1]:5000", "docker.io"] {
            assert_eq!(read(good, v1::CrawlFilter::default()).unwrap().registry, good);
        }
        for bad in ["", "https://registry.example", "registry.example/a", "just-a-word", "a b.example"] {
            let status = read(bad, v1::CrawlFilter::default()).unwrap_err();
            assert!(status.message().contains("registry: "), "{bad}: {status}");
        }
    }

    #[test]
    fn what_makes_no_sense_in_a_filter_is_named() {
        let filter = v1::CrawlFilter {
            repositories: vec!["a".into(), "Not A Name".into()],
            include: vec!["b[".into()],
            ..Default::default()
        };
        let status = read("r.example", filter).unwrap_err();
        assert!(status.message().contains("filter.repositories[1]"), "{status}");
        assert!(status.message().contains("\"b[\" is no pattern"), "{status}");
        let many = v1::CrawlFilter { include: vec![String::new(); 65], ..Default::default() };
        assert!(read("r.example", many).unwrap_err().message().contains("64 is the most"));
        let short = v1::CrawlFilter { repositories: vec!["nginx".into()], ..Default::default() };
        let status = read("docker.io", short).unwrap_err();
        assert!(status.message().contains("library/nginx in full"), "{status}");
        let old = v1::CrawlFilter { max_age_seconds: u64::MAX, ..Default::default() };
        assert!(read("r.example", old).is_err());
    }

    #[test]
    fn a_history_is_asked_for_by_repository_and_tag() {
        let ask = |repository: &str, tag: &str| {
            history(&v1::ListTagHistoryRequest {
                repository: repository.into(),
                tag: tag.into(),
                ..Default::default()
            })
        };
        let asked = ask("127.0.0.1:5000/a/b", "1").unwrap();
        assert_eq!((asked.registry.as_str(), asked.repository.as_str()), ("127.0.0.1:5000", "a/b"));
        assert_eq!((asked.tag.as_deref(), asked.page.limit), (Some("1"), PAGE));
        assert_eq!(ask("nginx", "").unwrap().repository, "library/nginx");
        for (repository, tag) in [("", ""), ("a:1", ""), ("a", "-"), ("a b", "")] {
            assert!(ask(repository, tag).is_err(), "{repository} {tag}");
        }
    }

    #[test]
    fn a_place_in_a_history_survives_being_a_token() {
        let span = TagSpan {
            tag: "v1".into(),
            digest: Digest::from_bytes([7; 32]),
            first_seen: 1_700_000_000_000,
            last_seen: 0,
            gone_at: None,
        };
        assert_eq!(history_cursor(&history_token(&span)), Some(span.cursor()));
        for bad in ["1", "1/2/3", "x/y/z", "1/sha256:ab/c"] {
            assert_eq!(history_cursor(bad), None, "{bad}");
        }
    }
}
