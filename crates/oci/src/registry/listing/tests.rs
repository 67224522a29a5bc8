use super::*;
use crate::registry::tests::server::{Answer, Hub, Seen};
use crate::{Catalog, Credentials, Options, Repository};

fn options() -> Options {
    let backoff = plimsoll_http::Backoff { first: Duration::from_millis(1), ..Default::default() };
    Options { credentials: Some(Credentials::Anonymous), backoff, ..Options::default() }
}

fn page(names: &[&str]) -> Answer {
    Answer::ok(serde_json::json!({ "name": "app", "tags": names, "repositories": names }).to_string())
}

fn linked(names: &[&str], next: &str) -> Answer {
    page(names).header("link", &format!("<{next}>; rel=\"next\""))
}

fn tags(hub: &Hub) -> Names {
    Repository::new(&hub.address().to_string(), "app", &options()).unwrap().tags(&Place::default())
}

async fn all(names: &mut Names, max: usize) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    loop {
        let some = names.next(max).await?;
        if some.is_empty() {
            return Ok(found);
        }
        assert!(some.len() <= max);
        found.extend(some);
    }
}

/// Three pages of two, the last of which has one.
async fn paged() -> Hub {
    Hub::start(|seen: &Seen| match (seen.path.as_str(), seen.query.as_str()) {
        ("/v2/app/tags/list", "n=1000") => linked(&["a", "b"], "/v2/app/tags/list?last=b&n=2"),
        ("/v2/app/tags/list", "last=b&n=2") => linked(&["c", "d"], "list?last=d&n=2"),
        ("/v2/app/tags/list", "last=d&n=2") => page(&["e"]),
        ("/v2/_catalog", "n=1000") => page(&["app", "b/c"]),
        _ => Answer::status(404),
    })
    .await
}

#[tokio::test]
async fn names_are_read_page_by_page_and_from_any_place() {
    let hub = paged().await;
    for max in [1, 2, 100] {
        assert_eq!(all(&mut tags(&hub), max).await.unwrap(), ["a", "b", "c", "d", "e"]);
    }
    let mut names = tags(&hub);
    let mut places = vec![names.place()];
    while !names.next(1).await.unwrap().is_empty() {
        places.push(names.place());
    }
    let repository = Repository::new(&hub.address().to_string(), "app", &options()).unwrap();
    for (read, place) in places.iter().enumerate() {
        let rest = all(&mut repository.tags(place), 2).await.unwrap();
        assert_eq!(rest.len(), 5 - read, "{place:?}");
    }
    let catalog = Catalog::new(&hub.address().to_string(), &options()).unwrap();
    let mut repositories = catalog.repositories(&Place::default()).unwrap();
    assert_eq!(all(&mut repositories, 9).await.unwrap(), ["app", "b/c"]);
}

#[tokio::test]
async fn a_page_that_breaks_off_goes_on_where_it_broke() {
    let hub = Hub::start(|seen: &Seen| {
        let names: Vec<String> = (0..1000).map(|number| format!("tag-{number:04}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match seen.count_of("/v2/app/tags/list") {
            1 => page(&names).cut_after(4000),
            2 => page(&names).cut_after(8000),
            _ => page(&names),
        }
    })
    .await;
    let found = all(&mut tags(&hub), 10).await.unwrap();
    assert_eq!(found.len(), 1000);
    assert!(found.is_sorted() && found[999] == "tag-0999");
}

#[tokio::test]
async fn a_page_shorter_than_it_is_whole_is_an_error_in_the_end() {
    let hub = Hub::start(|_: &Seen| Answer::ok(r#"{"tags":["a","b""#)).await;
    let mut names = tags(&hub);
    assert_eq!(names.next(1).await.unwrap(), ["a"]);
    assert_eq!(names.next(9).await.unwrap_err().kind(), "interrupted");
}

#[tokio::test]
async fn what_goes_in_circles_ends() {
    for (first, second) in [
        // Itself; itself by another name; two pages that follow each other; pages without end and without names.
        (linked(&["a"], "/v2/app/tags/list?n=1000"), page(&[])),
        (linked(&["a"], "/v2/app/tags/list?x"), linked(&["a"], "/v2/app/tags/list?y")),
        (linked(&["a"], "/v2/app/tags/list?x"), linked(&["b"], "/v2/app/tags/list?n=1000")),
        (linked(&[], "/v2/app/tags/list?x"), linked(&[], "/v2/app/tags/list?n=1000")),
    ] {
        let hub = Hub::start(
            move |seen: &Seen| {
                if seen.query == "n=1000" { first.clone() } else { second.clone() }
            },
        )
        .await;
        let error = all(&mut tags(&hub), 9).await.unwrap_err();
        assert_eq!(error.kind(), "bad_listing", "{error}");
    }
    let hub = Hub::start(|seen: &Seen| {
        let there = format!("http://{}{}?n=1000", seen.host, seen.path);
        Answer::status(307).header("location", &there)
    })
    .await;
    let error = all(&mut tags(&hub), 9).await.unwrap_err();
    assert!(error.to_string().contains("redirects"), "{error}");
}

#[tokio::test]
async fn a_page_leads_to_its_own_listing_only() {
    for target in ["/v2/other/tags/list?n=1", "http://169.254.169.254/latest", "/v2/app/blobs/x", "::"] {
        let hub = Hub::start(move |_: &Seen| linked(&["a"], target)).await;
        let error = all(&mut tags(&hub), 9).await.unwrap_err();
        assert_eq!(error.kind(), "bad_listing", "{target}");
    }
    // A registry behind a proxy does not know its own name.
    let hub = Hub::start(|seen: &Seen| match seen.query.as_str() {
        "n=1000" => linked(&["a"], "https://inner.example/v2/app/tags/list?last=a"),
        _ => page(&["b"]),
    })
    .await;
    assert_eq!(all(&mut tags(&hub), 9).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_limit_of_the_rate_is_told_at_once() {
    let hub = Hub::start(|_: &Seen| Answer::status(429).header("retry-after", "7")).await;
    let options = Options {
        backoff: plimsoll_http::Backoff { patience: Duration::ZERO, ..options().backoff },
        ..options()
    };
    let mut names =
        Repository::new(&hub.address().to_string(), "app", &options).unwrap().tags(&Place::default());
    let error = names.next(9).await.unwrap_err();
    assert_eq!(error.retry(), Retry::After(Some(Duration::from_secs(7))));
}

#[tokio::test]
async fn a_head_tells_what_a_tag_names() {
    let digest = crate::digest_of(b"{}");
    let hub = Hub::start(move |seen: &Seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("HEAD", "/v2/app/manifests/1") => Answer::ok("")
            .header("docker-content-digest", &digest.to_string())
            .header("content-type", "application/vnd.oci.image.manifest.v1+json"),
        ("HEAD", "/v2/app/manifests/odd") => Answer::ok("").header("docker-content-digest", "md5:1"),
        _ => Answer::status(404),
    })
    .await;
    let repository = Repository::new(&hub.address().to_string(), "app", &options()).unwrap();
    let head = repository.head("1").await.unwrap();
    assert_eq!((head.digest, head.media_type.contains("manifest")), (Some(digest), true));
    assert_eq!(repository.head("odd").await.unwrap().digest, None);
    assert_eq!(repository.head("2").await.unwrap_err().kind(), "not_found");
}

#[test]
fn where_there_is_no_catalogue_repositories_have_to_be_named() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    for registry in ["docker.io", "123456789012.dkr.ecr.eu-central-1.amazonaws.com"] {
        let catalog = Catalog::new(registry, &options()).unwrap();
        let Err(error) = catalog.repositories(&Place::default()) else { panic!("{registry} has one") };
        assert!(error.to_string().contains("name the repositories"), "{error}");
    }
}
