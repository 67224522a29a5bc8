//! The visit of one repository: its tags, a few at a time.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use plimsoll_oci::{Place, Repository};
use plimsoll_state::CrawlStep;
use plimsoll_types::{Digest, Failure};

use super::inspect::{Asker, Described, Inspector};
use super::newest::Newest;
use super::record::{Findings, Recorder};
use super::trouble::{Stop, failure};
use super::walk::Walk;

/// Tags looked at between two steps.
const CHUNK: usize = 50;

/// Tags of one repository, unless somebody wants otherwise. What has more is told as a failure, not passed over in silence.
const MAX_TAGS: u64 = 100_000;

/// So many failures in a row, and there is nothing to be had.
const HOPELESS: u32 = 500;

/// Digests of one repository that are remembered as recorded.
const REMEMBERED: usize = 50_000;

/// What some tags name, in order.
type Named = Vec<(String, Result<Digest, Failure>)>;

/// The repository under way.
struct Visit<'a> {
    inspector: Inspector<'a>,
    name: String,
    /// What was recorded of it.
    recorded: HashSet<Digest>,
}

impl Walk {
    /// Looks at the tags of the repository under way.
    pub(super) async fn visit(&mut self) -> Result<(), Stop> {
        let Some(under_way) = self.cursor.repository.clone() else { return Ok(()) };
        let (crawler, pacer) = (Arc::clone(&self.crawler), Arc::clone(&self.pacer));
        let (tenant, registry) = (self.crawl.request.tenant.clone(), self.crawl.request.registry.clone());
        let name = under_way.name.clone();
        let repository = match Repository::new(&registry, &name, &self.options) {
            Ok(repository) => repository,
            Err(error) => return self.leave(name, Some(failure(&error))).await,
        };
        let inspector = Inspector {
            asker: Asker { pacer: &pacer, clock: &crawler.clock },
            repository: &repository,
            name: format!("{registry}/{name}"),
            tenant: &tenant,
            state: &*crawler.state,
        };
        let mut visit = Visit { inspector, name, recorded: HashSet::new() };
        let mut tags = repository.tags(&under_way.tags());
        let mut newest = Newest::new(self.crawl.request.newest);
        let mut looked_at = under_way.looked_at;
        loop {
            let what = format!("the tags of {}", visit.inspector.name);
            let chunk = match visit.inspector.asker.ask(&what, tags.next(CHUNK)).await {
                Ok(chunk) => chunk,
                Err(trouble) => {
                    let why = self.pass_over(trouble)?;
                    return self.leave(visit.name, Some(why)).await;
                }
            };
            if chunk.is_empty() {
                break;
            }
            looked_at += chunk.len() as u64;
            if let Some(why) = self.too_many(looked_at) {
                self.record_newest(&mut visit, newest).await?;
                return self.leave(visit.name, Some(why)).await;
            }
            match &mut newest {
                Some(newest) => self.weigh(&visit, newest, chunk).await?,
                None => self.look_at(&mut visit, chunk, &tags.place()).await?,
            }
        }
        self.record_newest(&mut visit, newest).await?;
        self.leave(visit.name, None).await
    }

    /// Looks at some tags, and records what came of it up to the first that could not be looked at now.
    async fn look_at(&mut self, visit: &mut Visit<'_>, chunk: Vec<String>, end: &Place) -> Result<(), Stop> {
        let began = (self.crawler.clock)();
        let all = chunk.len();
        let wanted = |tag: &String| self.filter.has_tag(&visit.name, tag);
        let (digests, mut stop) =
            self.heads(&visit.inspector, chunk.iter().filter(|tag| wanted(tag)).cloned().collect()).await;
        let unknown: BTreeSet<Digest> = digests
            .iter()
            .filter_map(|(_, digest)| digest.as_ref().ok().copied())
            .filter(|digest| !visit.recorded.contains(digest))
            .collect();
        let (described, stopped) = self.describe(&visit.inspector, unknown).await;
        stop = stop.or(stopped);
        let is_known = |digest: &Digest| described.contains_key(digest) || visit.recorded.contains(digest);
        let complete =
            |(_, digest): &&(String, Result<Digest, Failure>)| digest.as_ref().map_or(true, is_known);
        let tags: Vec<_> = digests.iter().take_while(complete).cloned().collect();
        // Those that are not wanted count as looked at when all that is wanted before them was.
        let done = match digests.get(tags.len()).map(|(tag, _)| tag) {
            Some(first_left) => chunk.iter().position(|tag| tag == first_left).unwrap_or(all),
            None if stop.is_some() => {
                let looked: HashSet<&String> = digests.iter().map(|(tag, _)| tag).collect();
                chunk.iter().position(|tag| wanted(tag) && !looked.contains(tag)).unwrap_or(all)
            }
            None => all,
        };
        let findings = Findings { repository: visit.name.clone(), seen_at: began, tags, described };
        let after = Place { read: end.read - (all - done) as u64, ..end.clone() };
        if done > 0 {
            self.record(visit, &findings, Some((after, done))).await?;
        }
        stop.map_or(Ok(()), Err)
    }

    /// What tags name, in order, up to the first where the walk has to stop.
    async fn heads(&self, inspector: &Inspector<'_>, tags: Vec<String>) -> (Named, Option<Stop>) {
        let asked = stream::iter(tags).map(|tag| async move {
            let digest = inspector.digest(&tag).await;
            (tag, digest)
        });
        let mut asked = std::pin::pin!(asked.buffered(self.crawler.config.at_once));
        let mut digests = Vec::new();
        while let Some((tag, digest)) = asked.next().await {
            let digest = match digest.map_err(|trouble| self.pass_over(trouble)) {
                Ok(digest) => Ok(digest),
                Err(Ok(why)) => Err(why),
                Err(Err(stop)) => return (digests, Some(stop)),
            };
            digests.push((tag, digest));
        }
        (digests, None)
    }

    /// What manifests are, up to where the walk has to stop.
    async fn describe(
        &self,
        inspector: &Inspector<'_>,
        digests: BTreeSet<Digest>,
    ) -> (BTreeMap<Digest, Result<Described, Failure>>, Option<Stop>) {
        let oldest = self.crawl.request.max_age.map(|age| (self.crawler.clock)().saturating_sub(age));
        let asked = stream::iter(digests).map(|digest| async move {
            let described = async {
                if let Some(oldest) = oldest
                    && inspector.created(digest).await?.is_some_and(|created| created < oldest)
                {
                    return Ok(None);
                }
                inspector.describe(digest).await.map(Some)
            };
            (digest, described.await)
        });
        let mut asked = std::pin::pin!(asked.buffer_unordered(self.crawler.config.at_once));
        let (mut known, mut stop) = (BTreeMap::new(), None);
        while let Some((digest, described)) = asked.next().await {
            match described.map_err(|trouble| self.pass_over(trouble)) {
                Ok(Some(described)) => drop(known.insert(digest, Ok(described))),
                // Too old to be meant.
                Ok(None) => drop(known.insert(digest, Err(Failure::lasting("too_old", "")))),
                Err(Ok(why)) => drop(known.insert(digest, Err(why))),
                Err(Err(stopped)) => {
                    stop = Some(stopped);
                    break;
                }
            }
        }
        (known, stop)
    }

    /// Records findings, and that the walk is past them.
    async fn record(
        &mut self,
        visit: &mut Visit<'_>,
        findings: &Findings,
        past: Option<(Place, usize)>,
    ) -> Result<(), Stop> {
        let crawler = Arc::clone(&self.crawler);
        let mut step = CrawlStep::default();
        let recorder = Recorder {
            crawl: &self.crawl,
            holder: &crawler.config.holder,
            state: &*crawler.state,
            now: (crawler.clock)(),
        };
        recorder.record(findings, &mut step).await?;
        step.failures.retain(|(_, _, why)| why.kind != "too_old");
        if visit.recorded.len() > REMEMBERED {
            visit.recorded.clear();
        }
        visit.recorded.extend(findings.described.keys());
        let failed = findings.tags.iter().filter(|(_, digest)| digest.is_err()).count();
        let passed_over = step.failures.iter().filter(|(_, _, why)| why.retryable).count() as u32;
        self.cursor.passed_over = self.cursor.passed_over.saturating_add(passed_over);
        self.cursor.in_a_row = match failed {
            0 => 0,
            _ if failed == findings.tags.len() => self.cursor.in_a_row.saturating_add(failed as u32),
            _ => 0,
        };
        if let Some(repository) = &mut self.cursor.repository {
            repository.whole &= failed == 0;
            if let Some((after, count)) = past {
                repository.advance(after, count);
            }
        }
        self.keep(step).await?;
        if self.cursor.in_a_row > HOPELESS {
            let message = format!("{HOPELESS} tags in a row could not be looked at; is the registry well?");
            return Err(Stop::Failed(Failure::lasting("hopeless", message)));
        }
        Ok(())
    }

    /// Notes which of some tags are among the newest so far.
    async fn weigh(
        &mut self,
        visit: &Visit<'_>,
        newest: &mut Newest,
        chunk: Vec<String>,
    ) -> Result<(), Stop> {
        let wanted = chunk.into_iter().filter(|tag| self.filter.has_tag(&visit.name, tag)).collect();
        let (digests, stop) = self.heads(&visit.inspector, wanted).await;
        if let Some(stop) = stop {
            return Err(stop);
        }
        for (tag, digest) in digests {
            let created = match &digest {
                Ok(digest) => match visit.inspector.created(*digest).await {
                    Ok(created) => created,
                    Err(trouble) => self.pass_over(trouble).map(|_| None)?,
                },
                Err(_) => None,
            };
            newest.add(created, tag, digest);
        }
        // Only the claim is prolonged: which are the newest is known in the end.
        self.keep(CrawlStep::default()).await
    }

    /// Records the newest of a repository.
    async fn record_newest(&mut self, visit: &mut Visit<'_>, newest: Option<Newest>) -> Result<(), Stop> {
        let Some(newest) = newest else { return Ok(()) };
        let seen_at = (self.crawler.clock)();
        let tags = newest.into_tags();
        for tags in tags.chunks(CHUNK) {
            let unknown = tags.iter().filter_map(|(_, digest)| digest.as_ref().ok().copied());
            let unknown = unknown.filter(|digest| !visit.recorded.contains(digest)).collect();
            let (described, stop) = self.describe(&visit.inspector, unknown).await;
            if let Some(stop) = stop {
                return Err(stop);
            }
            let repository = visit.name.clone();
            let findings = Findings { repository, seen_at, tags: tags.to_vec(), described };
            self.record(visit, &findings, None).await?;
        }
        Ok(())
    }

    /// Whether a repository has more tags than are looked at.
    fn too_many(&self, looked_at: u64) -> Option<Failure> {
        let most = self.crawl.request.max_tags.map_or(MAX_TAGS, u64::from);
        (looked_at > most).then(|| {
            let message = format!(
                "it has more than {most} tags, and the rest was not looked at; raise the bound, or name the tags that matter"
            );
            Failure::lasting("too_many_tags", message)
        })
    }
}
