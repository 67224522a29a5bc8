//! What a tag names, asked of the registry as seldom as can be: HEAD first, and a manifest only if nobody knows it.

use std::time::Duration;

use jiff::Timestamp;
use plimsoll_oci::{Document, Error, Repository, Source, parse_config, parse_document, select_platform};
use plimsoll_state::{FoundKind, State};
use plimsoll_types::{Digest, Failure, Manifest, Platform, Tenant};

use super::Clock;
use super::pace::Pacer;
use super::trouble::{Stop, failure, silent, wait_of};

/// The longest one answer may take, however it comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A wait that is not worth giving the crawl back for, in milliseconds.
const SHORT: i64 = 3000;

/// Images of an index that are looked at.
const MAX_PLATFORMS: usize = 64;

/// Layers of one index, all its images together. What has more is judged all the same, and planned with as many.
const MAX_LAYERS: usize = 8192;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The walk cannot go on.
    Stop(Stop),
    /// This one thing cannot be had.
    Failed(Failure),
}

impl<E: Into<Stop>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Stop(error.into())
    }
}

/// What a manifest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) kind: FoundKind,
    pub(super) layers: Vec<(Digest, u64)>,
}

/// One who asks a registry, at its pace.
pub(super) struct Asker<'a> {
    pub(super) pacer: &'a Pacer,
    pub(super) clock: &'a Clock,
}

impl Asker<'_> {
    /// The answer to one question, when it is time for it.
    pub(super) async fn ask<T>(
        &self,
        what: &str,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Trouble> {
        self.turn(what).await?;
        match tokio::time::timeout(PATIENCE, question).await {
            Ok(Ok(answer)) => {
                self.pacer.went_well().await;
                Ok(answer)
            }
            Ok(Err(error)) => match wait_of(&error, (self.clock)()) {
                Some(until) => {
                    self.pacer.refused(until).await;
                    Err(Trouble::Stop(Stop::Wait { until, why: failure(&error) }))
                }
                None => Err(Trouble::Failed(failure(&error))),
            },
            Err(_) => Err(Trouble::Failed(silent(what, PATIENCE))),
        }
    }

    async fn turn(&self, what: &str) -> Result<(), Trouble> {
        while let Err(until) = self.pacer.turn().await {
            let wait = until.saturating_sub((self.clock)());
            if wait > SHORT {
                let message = format!("{what}: the registry asked to be left alone for a while");
                let why = Failure::passing("rate_limited", message);
                return Err(Trouble::Stop(Stop::Wait { until, why }));
            }
            tokio::time::sleep(Duration::from_millis(wait.max(1).cast_unsigned())).await;
        }
        Ok(())
    }
}

/// One who looks at the tags of a repository.
pub(super) struct Inspector<'a> {
    pub(super) asker: Asker<'a>,
    pub(super) repository: &'a Repository,
    /// For people.
    pub(super) name: String,
    pub(super) tenant: &'a Tenant,
    pub(super) state: &'a dyn State,
}

impl Inspector<'_> {
    /// The digest a tag names: by a HEAD, or by the manifest itself where a registry does not tell.
    pub(super) async fn digest(&self, tag: &str) -> Result<Digest, Trouble> {
        let what = format!("{}:{tag}", self.name);
        match self.asker.ask(&what, self.repository.head(tag)).await.map(|head| head.digest) {
            Ok(Some(digest)) => return Ok(digest),
            // Some registries know no HEAD, and some tell no digest.
            Ok(None) => {}
            Err(Trouble::Failed(why)) if why.kind == "registry_error" && !why.retryable => {}
            Err(trouble) => return Err(trouble),
        }
        let fetched = self.asker.ask(&what, self.repository.fetch(tag)).await?;
        Ok(fetched.descriptor.digest)
    }

    /// What a manifest is, and its layers: as the state knows it, or else by reading it.
    pub(super) async fn describe(&self, digest: Digest) -> Result<Described, Trouble> {
        if let Some(layers) = self.state.layers_of(self.tenant, digest).await? {
            return Ok(Described { kind: FoundKind::Image, layers });
        }
        match self.document(digest).await? {
            Document::Image(manifest) => {
                Ok(Described { kind: FoundKind::Image, layers: layers_of(&manifest) })
            }
            Document::NotAnImage { .. } => Ok(Described { kind: FoundKind::NotAnImage, layers: Vec::new() }),
            Document::Index(entries) => {
                let mut layers = Vec::new();
                let platforms = platforms(&entries);
                for platform in &platforms {
                    let entry = select_platform(&entries, platform)
                        .map_err(|error| Trouble::Failed(failure(&error)))?;
                    layers.extend(self.layers(entry.descriptor.digest).await?);
                    layers.truncate(MAX_LAYERS);
                }
                let kind = if platforms.is_empty() { FoundKind::NotAnImage } else { FoundKind::Index };
                Ok(Described { kind, layers })
            }
        }
    }

    /// When an image was made, in milliseconds since the epoch, as its config says; of an index its first image.
    pub(super) async fn created(&self, digest: Digest) -> Result<Option<i64>, Trouble> {
        let manifest = match self.document(digest).await? {
            Document::Image(manifest) => manifest,
            Document::NotAnImage { .. } => return Ok(None),
            Document::Index(entries) => {
                let Some(first) = platforms(&entries).into_iter().next() else { return Ok(None) };
                let entry =
                    select_platform(&entries, &first).map_err(|error| Trouble::Failed(failure(&error)))?;
                let Document::Image(manifest) = self.document(entry.descriptor.digest).await? else {
                    return Ok(None);
                };
                manifest
            }
        };
        let what = format!("the config of {}@{digest}", self.name);
        let bytes = self.asker.ask(&what, self.source().config(&manifest.config)).await?;
        let config = parse_config(&bytes).map_err(|error| Trouble::Failed(failure(&error.about(what))))?;
        let created = config.created.and_then(|text| text.parse::<Timestamp>().ok());
        Ok(created.map(Timestamp::as_millisecond))
    }

    /// The layers of one image of an index.
    async fn layers(&self, manifest: Digest) -> Result<Vec<(Digest, u64)>, Trouble> {
        if let Some(layers) = self.state.layers_of(self.tenant, manifest).await? {
            return Ok(layers);
        }
        match self.document(manifest).await? {
            Document::Image(manifest) => Ok(layers_of(&manifest)),
            Document::Index(_) | Document::NotAnImage { .. } => Ok(Vec::new()),
        }
    }

    async fn document(&self, digest: Digest) -> Result<Document, Trouble> {
        let what = format!("{}@{digest}", self.name);
        let fetched = self.asker.ask(&what, self.source().manifest(&digest)).await?;
        let document = parse_document(&fetched.descriptor.media_type, &fetched.bytes);
        document.map_err(|error| Trouble::Failed(failure(&error.about(what))))
    }

    fn source(&self) -> &dyn Source {
        self.repository.source()
    }
}

fn layers_of(manifest: &Manifest) -> Vec<(Digest, u64)> {
    manifest.layers.iter().map(|layer| (layer.digest, layer.size)).collect()
}

/// The platforms an index offers images for, each once.
fn platforms(entries: &[plimsoll_oci::IndexEntry]) -> Vec<Platform> {
    let images = entries.iter().filter(|entry| !entry.is_attestation());
    let mut platforms: Vec<Platform> = images.filter_map(|entry| entry.platform.clone()).collect();
    platforms.sort();
    platforms.dedup();
    platforms.truncate(MAX_PLATFORMS);
    platforms
}
