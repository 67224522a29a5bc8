//! Crawls, and what tags named.

use plimsoll_proto::v1;
use plimsoll_state::{CrawlStep, FoundImage, FoundKind, Role, Sighting};
use plimsoll_types::{CrawlState, Tenant};
use tonic::Code;

use crate::harness::{HOLDER, digest, now, start};
use crate::scans::refused;

fn request() -> v1::StartCrawlRequest {
    v1::StartCrawlRequest {
        registry: "registry.example".into(),
        filter: Some(v1::CrawlFilter { include: vec!["team-a/**".into()], newest: 3, ..Default::default() }),
        idempotency_key: "k".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_crawl_is_started_followed_and_listed() {
    let server = start().await;
    let client = server.client("a", Role::Submit).await;
    let crawl = client.start_crawl(request()).await.unwrap();
    assert_eq!(crawl.state(), v1::CrawlState::Running);
    assert_eq!((&crawl.registry, &crawl.filter), (&"registry.example".to_owned(), &request().filter));
    assert_eq!(client.start_crawl(request()).await.unwrap().id, crawl.id, "the same key");

    let claimed = server.state().claim_crawls(HOLDER, 60_000, 9, now()).await.unwrap().remove(0);
    let image = FoundImage {
        repository: "team-a/app".into(),
        tag: "1".into(),
        digest: digest("app"),
        kind: FoundKind::Image,
        layers: vec![(digest("layer"), 1000)],
    };
    assert!(server.state().found(claimed.id, HOLDER, &[image]).await.unwrap());
    let step = CrawlStep { cursor: "x".into(), repositories: 1, tags: 1, ..CrawlStep::default() };
    assert!(server.state().advance(claimed.id, HOLDER, &step, now() + 60_000).await.unwrap());
    assert!(server.state().end_crawl(claimed.id, HOLDER, CrawlState::Done, None, now()).await.unwrap());
    let crawl = client.crawl(&crawl.id).await.unwrap();
    assert_eq!((crawl.state(), crawl.repositories, crawl.tags), (v1::CrawlState::Done, 1, 1));
    let progress = crawl.progress.clone().unwrap();
    assert_eq!((progress.images, progress.planned.map(|plan| plan.bytes)), (1, Some(1000)));

    let second = v1::StartCrawlRequest { idempotency_key: "l".into(), ..request() };
    client.start_crawl(second).await.unwrap();
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = client.crawls(v1::ListCrawlsRequest { page_size: 1, page_token }).await.unwrap();
        listed.extend(page.crawls);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[1].id, &listed[1].progress), (&crawl.id, &None), "the newest first");
    server.stop().await;
}

#[tokio::test]
async fn a_crawl_ends_when_somebody_says_so_and_is_nobody_elses() {
    let server = start().await;
    let (a, b) = (server.client("a", Role::Submit).await, server.client("b", Role::Admin).await);
    let crawl = a.start_crawl(request()).await.unwrap();
    let nobodys = (Code::NotFound, "NO_SUCH_CRAWL".to_owned());
    assert_eq!(refused(b.crawl(&crawl.id).await.unwrap_err()), nobodys);
    assert_eq!(refused(b.cancel_crawl(&crawl.id).await.unwrap_err()), nobodys);
    assert_eq!(b.crawls(v1::ListCrawlsRequest::default()).await.unwrap().crawls, []);
    assert_eq!(a.cancel_crawl(&crawl.id).await.unwrap().state(), v1::CrawlState::Cancelled);
    assert_eq!(a.cancel_crawl(&crawl.id).await.unwrap().state(), v1::CrawlState::Cancelled);
    let wrong = v1::StartCrawlRequest { registry: "https://registry.example".into(), ..request() };
    assert_eq!(refused(a.start_crawl(wrong).await.unwrap_err()).0, Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test]
async fn the_history_of_tags_is_read_in_pages() {
    let server = start().await;
    let client = server.client("a", Role::Read).await;
    let sighting = |tag: &str, named: &str| Sighting {
        tenant: "a".parse::<Tenant>().unwrap(),
        registry: "registry.example".into(),
        repository: "app".into(),
        tag: tag.into(),
        digest: digest(named),
    };
    for (at, tag, named) in [(1000, "1", "x"), (2000, "latest", "x"), (3000, "latest", "y")] {
        server.state().seen(&[sighting(tag, named)], at).await.unwrap();
    }
    let mut asked = v1::ListTagHistoryRequest {
        repository: "registry.example/app".into(),
        page_size: 2,
        ..Default::default()
    };
    let first = client.history(asked.clone()).await.unwrap();
    asked.page_token.clone_from(&first.next_page_token);
    let second = client.history(asked.clone()).await.unwrap();
    let tags: Vec<_> = first.spans.iter().chain(&second.spans).map(|span| span.tag.as_str()).collect();
    assert_eq!((tags, second.next_page_token.as_str()), (vec!["latest", "latest", "1"], ""));
    assert_eq!(first.spans[1].gone_at.map(|at| at.seconds), Some(3));
    assert_eq!(first.spans[0].gone_at, None);
    asked = v1::ListTagHistoryRequest { tag: "1".into(), page_token: String::new(), ..asked };
    assert_eq!(client.history(asked.clone()).await.unwrap().spans.len(), 1);
    let other = server.client("b", Role::Read).await;
    assert_eq!(other.history(asked).await.unwrap().spans, []);
    server.stop().await;
}
