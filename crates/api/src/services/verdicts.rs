//! `plimsoll.v1.VerdictService`.

use std::sync::Arc;

use plimsoll_proto::v1;
use plimsoll_proto::v1::verdict_service_server::VerdictService;
use plimsoll_state::{HistoryPage, ImageVerdict, Role, State};
use plimsoll_store::Store;
use plimsoll_types::{Reference, Tenant};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::verdict_stream::{self, Reader};
use super::{Messages, documents};
use crate::call::{Call, Door};
use crate::request::{self, Image};
use crate::watches::Watches;
use crate::{convert, status};

/// Reading verdicts.
pub(crate) struct VerdictApi {
    pub(crate) door: Arc<Door>,
    pub(crate) state: Arc<dyn State>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) watches: Watches,
    pub(crate) shutdown: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl VerdictService for VerdictApi {
    async fn get_verdict(
        &self,
        request: Request<v1::GetVerdictRequest>,
    ) -> Result<Response<v1::GetVerdictResponse>, Status> {
        let get = async |call: Call<_>| self.get(&call.caller.tenant, call.message).await;
        self.door.enter("GetVerdict", Role::Read, request, get).await
    }

    type WatchVerdictsStream = Messages<v1::WatchVerdictsResponse>;

    async fn watch_verdicts(
        &self,
        request: Request<v1::WatchVerdictsRequest>,
    ) -> Result<Response<Self::WatchVerdictsStream>, Status> {
        let watch = async |call: Call<v1::WatchVerdictsRequest>| {
            let reader = Reader {
                _admission: self.watches.admit(&call.caller.tenant, &self.door.metrics)?,
                state: Arc::clone(&self.state),
                caller: call.caller,
                shutdown: self.shutdown.clone(),
                deadline: call.deadline,
            };
            let messages: Self::WatchVerdictsStream =
                Box::pin(verdict_stream::read(reader, call.message.cursor).await?);
            Ok(messages)
        };
        self.door.enter("WatchVerdicts", Role::Read, request, watch).await
    }
}

impl VerdictApi {
    async fn get(
        &self,
        tenant: &Tenant,
        message: v1::GetVerdictRequest,
    ) -> Result<v1::GetVerdictResponse, Status> {
        let image = request::image(&message)?;
        let known = match &image {
            Image::Reference(reference) => self.by_reference(tenant, reference).await,
            Image::Digest(digest, policy) => self.state.by_image(tenant, *digest, *policy).await,
        };
        let known = known.map_err(|error| status::of_state(&error))?.ok_or_else(|| no_verdict(&image))?;
        let mut verdicts: Vec<_> = known.verdicts.iter().map(convert::verdict).collect();
        if message.include_document {
            self.add_documents(&known, &mut verdicts).await?;
        }
        Ok(v1::GetVerdictResponse { status: convert::status(known.status).into(), verdicts })
    }

    /// The newest of what was asked for by this reference and of what its tag was seen to name last: what was pushed is asked
    /// for by digest.
    async fn by_reference(
        &self,
        tenant: &Tenant,
        reference: &str,
    ) -> Result<Option<ImageVerdict>, plimsoll_state::Error> {
        let asked = self.state.by_reference(tenant, reference).await?;
        let tagged = match reference.parse() {
            Ok(reference) => self.by_tag(tenant, &reference).await?,
            Err(_) => None,
        };
        Ok([asked, tagged].into_iter().flatten().max_by_key(judged_at))
    }

    async fn by_tag(
        &self,
        tenant: &Tenant,
        reference: &Reference,
    ) -> Result<Option<ImageVerdict>, plimsoll_state::Error> {
        let (Some(tag), None) = (&reference.tag, reference.digest) else { return Ok(None) };
        let Reference { registry, repository, .. } = reference;
        let last = HistoryPage { after: None, limit: 1 };
        let spans = self.state.history(tenant, registry, repository, Some(tag), &last).await?;
        match spans.first().filter(|span| span.gone_at.is_none()) {
            Some(span) => self.state.by_image(tenant, span.digest, None).await,
            None => Ok(None),
        }
    }

    /// Together they have to fit into one message.
    async fn add_documents(&self, known: &ImageVerdict, verdicts: &mut [v1::Verdict]) -> Result<(), Status> {
        let mut room = documents::MAX;
        for (known, verdict) in known.verdicts.iter().zip(verdicts) {
            verdict.document = documents::read(&*self.store, known.verdict.document, room).await?;
            room -= verdict.document.len() as u64;
        }
        Ok(())
    }
}

fn judged_at(known: &ImageVerdict) -> Option<i64> {
    known.verdicts.iter().map(|verdict| verdict.judged_at).max()
}

fn no_verdict(image: &Image) -> Status {
    let (name, ask) = match image {
        Image::Reference(reference) => (reference.clone(), format!("`plimsoll submit --wait {reference}`")),
        Image::Digest(digest, _) => {
            (digest.to_string(), format!("`plimsoll submit --wait REPOSITORY@{digest}`"))
        }
    };
    let message = format!("no verdict about {name} is known here; ask for one: SubmitScan, or {ask}");
    status::not_found("NO_VERDICT", "plimsoll.v1.Verdict", &name, message)
}
