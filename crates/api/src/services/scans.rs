//! `plimsoll.v1.ScanService`.

use std::sync::Arc;

use plimsoll_proto::v1::scan_service_server::ScanService;
use plimsoll_proto::{encoded_len, v1};
use plimsoll_state::{Progress, Role, State};
use plimsoll_store::{Key, Store};
use plimsoll_telemetry::Parent;
use plimsoll_types::{Digest, ScanId, Tenant};
use tokio::sync::watch;
use tonic::{Code, Request, Response, Status};

use super::Messages;
use crate::call::{Call, Door};
use crate::watches::{self, Watches};
use crate::{clock, convert, request, status};

/// Bytes of a page of scans: clients take four million, and labels are long.
const PAGE: usize = 2 << 20;

/// Asking for verdicts.
pub(crate) struct ScanApi {
    pub(crate) door: Arc<Door>,
    pub(crate) state: Arc<dyn State>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) watches: Watches,
    pub(crate) shutdown: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl ScanService for ScanApi {
    async fn submit_scan(
        &self,
        request: Request<v1::SubmitScanRequest>,
    ) -> Result<Response<v1::SubmitScanResponse>, Status> {
        let submit = async |call: Call<_>| self.submit(call.caller.tenant, call.message).await;
        self.door.enter("SubmitScan", Role::Submit, request, submit).await
    }

    async fn get_scan(
        &self,
        request: Request<v1::GetScanRequest>,
    ) -> Result<Response<v1::GetScanResponse>, Status> {
        let get = async |call: Call<v1::GetScanRequest>| {
            let progress = self.progress(&call.caller.tenant, request::scan_id(&call.message.id)?).await?;
            Ok(v1::GetScanResponse { scan: Some(convert::progress(&progress)) })
        };
        self.door.enter("GetScan", Role::Read, request, get).await
    }

    type WatchScanStream = Messages<v1::WatchScanResponse>;

    async fn watch_scan(
        &self,
        request: Request<v1::WatchScanRequest>,
    ) -> Result<Response<Self::WatchScanStream>, Status> {
        let watch = async |call: Call<v1::WatchScanRequest>| {
            let progress = self.progress(&call.caller.tenant, request::scan_id(&call.message.id)?).await?;
            let follower = watches::Follower {
                _admission: self.watches.admit(&call.caller.tenant, &self.door.metrics)?,
                scan: self.watches.subscribe(progress),
                shutdown: self.shutdown.clone(),
                deadline: call.deadline,
            };
            let messages: Self::WatchScanStream = Box::pin(watches::follow(follower));
            Ok(messages)
        };
        self.door.enter("WatchScan", Role::Read, request, watch).await
    }

    async fn list_scans(
        &self,
        request: Request<v1::ListScansRequest>,
    ) -> Result<Response<v1::ListScansResponse>, Status> {
        let list = async |call: Call<_>| self.list(&call.caller.tenant, call.message).await;
        self.door.enter("ListScans", Role::Read, request, list).await
    }

    async fn cancel_scan(
        &self,
        request: Request<v1::CancelScanRequest>,
    ) -> Result<Response<v1::CancelScanResponse>, Status> {
        let cancel = async |call: Call<v1::CancelScanRequest>| {
            let (tenant, id) = (&call.caller.tenant, request::scan_id(&call.message.id)?);
            let state = self.state.cancel(tenant, id, clock::now()).await;
            state
                .map_err(|error| status::of_state(&error))?
                .ok_or_else(|| status::no_such_scan(&call.message.id))?;
            let progress = self.progress(tenant, id).await?;
            Ok(v1::CancelScanResponse { scan: Some(convert::progress(&progress)) })
        };
        self.door.enter("CancelScan", Role::Submit, request, cancel).await
    }
}

impl ScanApi {
    async fn submit(
        &self,
        tenant: Tenant,
        message: v1::SubmitScanRequest,
    ) -> Result<v1::SubmitScanResponse, Status> {
        let now = clock::now();
        let request = request::scan_request(message, tenant, now)?;
        if let Some(policy) = request.policy {
            self.require("policy", "NO_SUCH_POLICY", policy).await?;
        }
        for allowlist in &request.allowlists {
            self.require("allowlist", "NO_SUCH_ALLOWLIST", *allowlist).await?;
        }
        let submitted = self.state.submit(&request, now).await.map_err(|error| status::of_state(&error))?;
        // The scan goes on long after this call, in a trace of its own.
        Parent::of_trace(&submitted.id.to_string()).link(&tracing::Span::current());
        let scan = if submitted.created {
            convert::submitted(submitted.id, &request, now)
        } else {
            convert::progress(&self.progress(&request.tenant, submitted.id).await?)
        };
        Ok(v1::SubmitScanResponse { scan: Some(scan), created: submitted.created })
    }

    /// Better refused now than failed later.
    async fn require(&self, what: &str, reason: &'static str, digest: Digest) -> Result<(), Status> {
        let there = self.store.head(&Key::Policy(digest)).await.map_err(|error| status::of_store(&error))?;
        let missing = || {
            let message =
                format!("the store has no {what} {digest}; name one it has, or none for what is in force");
            status::with_reason(Code::FailedPrecondition, reason, message)
        };
        there.map(drop).ok_or_else(missing)
    }

    async fn progress(&self, tenant: &Tenant, id: ScanId) -> Result<Progress, Status> {
        let progress = self.state.get(tenant, id).await.map_err(|error| status::of_state(&error))?;
        progress.ok_or_else(|| status::no_such_scan(&id.to_string()))
    }

    async fn list(
        &self,
        tenant: &Tenant,
        message: v1::ListScansRequest,
    ) -> Result<v1::ListScansResponse, Status> {
        let (filter, after, size) = request::page(message)?;
        let scans =
            self.state.list(tenant, &filter, after, size).await.map_err(|error| status::of_state(&error))?;
        let ids: Vec<ScanId> = scans.iter().map(|scan| scan.id).collect();
        let seen = self.state.watch(&ids).await.map_err(|error| status::of_state(&error))?;
        // A scan that was forgotten between the two questions is told as the first one found it.
        let told = scans.iter().map(|scan| {
            let progress = seen.iter().find(|progress| progress.scan.id == scan.id);
            progress.map_or_else(|| convert::scan(scan), convert::progress)
        });
        let mut room = PAGE;
        let told: Vec<v1::Scan> = told.take_while(|scan| fits(&mut room, encoded_len(scan))).collect();
        let is_whole = told.len() == ids.len() && ids.len() < size as usize;
        let next_page_token =
            told.last().filter(|_| !is_whole).map(|last| last.id.clone()).unwrap_or_default();
        Ok(v1::ListScansResponse { scans: told, next_page_token })
    }
}

/// Takes so many bytes of the room there is; the first one fits whatever it takes.
fn fits(room: &mut usize, bytes: usize) -> bool {
    let is_first = *room == PAGE;
    let left = room.checked_sub(bytes);
    *room = left.unwrap_or_default();
    is_first || left.is_some()
}
