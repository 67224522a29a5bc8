//! What a walk found becomes rows and scans.

use std::collections::BTreeMap;

use plimsoll_oci::digest_of;
use plimsoll_state::{ClaimedCrawl, CrawlStep, Error, FoundImage, FoundKind, Sighting, State};
use plimsoll_types::{CrawlId, CrawlRequest, Digest, Failure, Reference, ScanId, ScanRequest};

use super::inspect::Described;
use super::trouble::Stop;

/// The label that says which crawl asked for a scan.
const LABEL: &str = "crawl";

/// Some tags of one repository that were looked at.
pub(super) struct Findings {
    pub(super) repository: String,
    /// When it was begun to look at them.
    pub(super) seen_at: i64,
    /// What each names, in order.
    pub(super) tags: Vec<(String, Result<Digest, Failure>)>,
    /// What those digests are that were not recorded before.
    pub(super) described: BTreeMap<Digest, Result<Described, Failure>>,
}

/// One who writes it down.
pub(super) struct Recorder<'a> {
    pub(super) crawl: &'a ClaimedCrawl,
    pub(super) holder: &'a str,
    pub(super) state: &'a dyn State,
    pub(super) now: i64,
}

impl Recorder<'_> {
    /// Records what was found, asks for the scans that are missing, and adds both to `step`. What is submitted here and not
    /// recorded, because the process dies in between, is found by its key when this is done again.
    pub(super) async fn record(&self, findings: &Findings, step: &mut CrawlStep) -> Result<(), Stop> {
        let images = images(findings);
        if !self.state.found(self.crawl.id, self.holder, &images).await? {
            return Err(Stop::Lost);
        }
        let judged: Vec<_> = images
            .iter()
            .filter(|image| image.kind != FoundKind::NotAnImage)
            .map(|image| (image.tag.clone(), image.digest))
            .collect();
        let request = &self.crawl.request;
        let asked =
            self.state.asked(&request.tenant, &request.registry, &findings.repository, &judged).await?;
        for ((tag, digest), asked) in judged.iter().zip(asked) {
            let scan = match asked {
                Some(scan) => Some(scan),
                None if request.plan_only => None,
                None => Some(self.submit(&findings.repository, tag, *digest).await?),
            };
            step.scans.extend(scan.map(|scan| (findings.repository.clone(), *digest, scan)));
        }
        step.tags += findings.tags.len() as u64;
        step.failures.extend(failures(findings));
        // After everything has been asked for: whoever is told that a tag is new must not rely on us, nor we on him.
        if request.plan_only { Ok(()) } else { self.note_tags(findings).await }
    }

    async fn submit(&self, repository: &str, tag: &str, digest: Digest) -> Result<ScanId, Stop> {
        let request = scan_request(self.crawl.id, &self.crawl.request, repository, tag, digest);
        match self.state.submit(&request, self.now).await {
            Ok(submitted) => Ok(submitted.id),
            // Submitted before, by another tag of the same digest.
            Err(Error::IdempotencyConflict { scan, .. }) => Ok(scan),
            Err(error) => Err(error.into()),
        }
    }

    async fn note_tags(&self, findings: &Findings) -> Result<(), Stop> {
        let request = &self.crawl.request;
        let (mut seen, mut gone) = (Vec::new(), Vec::new());
        for (tag, named) in &findings.tags {
            match named {
                Ok(digest) => seen.push(Sighting {
                    tenant: request.tenant.clone(),
                    registry: request.registry.clone(),
                    repository: findings.repository.clone(),
                    tag: tag.clone(),
                    digest: *digest,
                }),
                Err(why) if why.kind == "not_found" => gone.push(tag),
                Err(_) => {}
            }
        }
        self.state.seen(&seen, findings.seen_at).await?;
        for tag in gone {
            let (tenant, registry) = (&request.tenant, &request.registry);
            let repository = &findings.repository;
            self.state.tag_gone(tenant, registry, repository, Some(tag), None, findings.seen_at).await?;
        }
        Ok(())
    }
}

/// The images among the findings, each digest once, by its first tag.
fn images(findings: &Findings) -> Vec<FoundImage> {
    let mut taken = std::collections::BTreeSet::new();
    let mut images = Vec::new();
    for (tag, digest) in &findings.tags {
        let Ok(digest) = digest else { continue };
        if let Some(Ok(described)) = findings.described.get(digest)
            && taken.insert(*digest)
        {
            images.push(FoundImage {
                repository: findings.repository.clone(),
                tag: tag.clone(),
                digest: *digest,
                kind: described.kind,
                layers: described.layers.clone(),
            });
        }
    }
    images
}

/// What could not be looked at, by tag.
fn failures(findings: &Findings) -> impl Iterator<Item = (String, String, Failure)> {
    findings.tags.iter().filter_map(|(tag, digest)| {
        let why = match digest {
            Err(why) => why,
            Ok(digest) => findings.described.get(digest)?.as_ref().err()?,
        };
        Some((findings.repository.clone(), tag.clone(), why.clone()))
    })
}

/// The request for a verdict on an image. Its key is the crawl's, the repository's and the digest's: a crawl asks once.
fn scan_request(
    crawl: CrawlId,
    request: &CrawlRequest,
    repository: &str,
    tag: &str,
    digest: Digest,
) -> ScanRequest {
    let reference = Reference {
        registry: request.registry.clone(),
        repository: repository.to_owned(),
        tag: Some(tag.to_owned()),
        digest: Some(digest),
    };
    let image = digest_of(format!("{repository}@{digest}").as_bytes());
    ScanRequest {
        lane: CrawlRequest::LANE,
        idempotency_key: Some(format!("crawl:{crawl}:{image}")),
        labels: [(LABEL.to_owned(), crawl.to_string())].into(),
        credential: request.credential.clone(),
        plain_http: request.plain_http,
        ..ScanRequest::new(request.tenant.clone(), reference.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    #[test]
    fn an_image_is_found_once_and_its_failures_by_each_tag() {
        let image = |kind| Ok(Described { kind, layers: vec![(digest(7), 1)] });
        let broken = Failure::lasting("bad_manifest", "it is broken");
        let findings = Findings {
            repository: "app".into(),
            seen_at: 0,
            tags: vec![
                ("1".into(), Ok(digest(1))),
                ("latest".into(), Ok(digest(1))),
                ("2".into(), Ok(digest(2))),
                ("2b".into(), Ok(digest(2))),
                ("3".into(), Err(broken.clone())),
                ("old".into(), Ok(digest(9))),
            ],
            described: [(digest(1), image(FoundKind::Image)), (digest(2), Err(broken))].into(),
        };
        let found: Vec<_> = images(&findings).into_iter().map(|image| (image.tag, image.digest)).collect();
        assert_eq!(found, [("1".to_owned(), digest(1))]);
        let failed: Vec<_> = failures(&findings).map(|(_, tag, _)| tag).collect();
        assert_eq!(failed, ["2", "2b", "3"]);
    }

    #[test]
    fn a_request_is_pinned_labelled_and_within_bounds() {
        let crawl = CrawlId::new(1_700_000_000_000, [7; 10]);
        let request = CrawlRequest { registry: "r.io".into(), ..CrawlRequest::default() };
        let long = "r".repeat(255);
        let scan = scan_request(crawl, &request, &long, &"t".repeat(128), digest(1));
        assert_eq!(scan.check(), Ok(()));
        let short = scan_request(crawl, &request, "app", "1", digest(1));
        assert_eq!(short.reference, format!("r.io/app:1@{}", digest(1)));
        assert_eq!(short.labels["crawl"], crawl.to_string());
        assert_ne!(short.idempotency_key, scan.idempotency_key);
    }
}
