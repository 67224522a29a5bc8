//! `plimsoll.v1.CrawlService`.

use std::sync::Arc;

use plimsoll_proto::v1;
use plimsoll_proto::v1::crawl_service_server::CrawlService;
use plimsoll_state::{Role, State};
use plimsoll_types::{CrawlId, Tenant};
use tonic::{Request, Response, Status};

use crate::call::{Call, Door};
use crate::{clock, convert, request, status};

/// Pointing at whole registries.
pub(crate) struct CrawlApi {
    pub(crate) door: Arc<Door>,
    pub(crate) state: Arc<dyn State>,
}

#[tonic::async_trait]
impl CrawlService for CrawlApi {
    async fn start_crawl(
        &self,
        request: Request<v1::StartCrawlRequest>,
    ) -> Result<Response<v1::StartCrawlResponse>, Status> {
        let start = async |call: Call<_>| {
            let tenant = call.caller.tenant;
            let request = request::crawl_request(call.message, tenant.clone())?;
            let id = self.state.start_crawl(&request, clock::now()).await;
            let id = id.map_err(|error| status::of_state(&error))?;
            Ok(v1::StartCrawlResponse { crawl: Some(self.crawl(&tenant, id).await?) })
        };
        self.door.enter("StartCrawl", Role::Submit, request, start).await
    }

    async fn get_crawl(
        &self,
        request: Request<v1::GetCrawlRequest>,
    ) -> Result<Response<v1::GetCrawlResponse>, Status> {
        let get = async |call: Call<v1::GetCrawlRequest>| {
            let id = request::crawl_id(&call.message.id)?;
            Ok(v1::GetCrawlResponse { crawl: Some(self.crawl(&call.caller.tenant, id).await?) })
        };
        self.door.enter("GetCrawl", Role::Read, request, get).await
    }

    async fn list_crawls(
        &self,
        request: Request<v1::ListCrawlsRequest>,
    ) -> Result<Response<v1::ListCrawlsResponse>, Status> {
        let list = async |call: Call<v1::ListCrawlsRequest>| {
            let (after, size) = request::crawl_page(&call.message)?;
            let crawls = self.state.list_crawls(&call.caller.tenant, after, size).await;
            let crawls = crawls.map_err(|error| status::of_state(&error))?;
            let full = crawls.len() == size as usize;
            let last = crawls.last().filter(|_| full).map(|crawl| crawl.id.to_string());
            Ok(v1::ListCrawlsResponse {
                crawls: crawls.iter().map(convert::crawl).collect(),
                next_page_token: last.unwrap_or_default(),
            })
        };
        self.door.enter("ListCrawls", Role::Read, request, list).await
    }

    async fn cancel_crawl(
        &self,
        request: Request<v1::CancelCrawlRequest>,
    ) -> Result<Response<v1::CancelCrawlResponse>, Status> {
        let cancel = async |call: Call<v1::CancelCrawlRequest>| {
            let (tenant, id) = (&call.caller.tenant, request::crawl_id(&call.message.id)?);
            let state = self.state.cancel_crawl(tenant, id, clock::now()).await;
            state
                .map_err(|error| status::of_state(&error))?
                .ok_or_else(|| status::no_such_crawl(&call.message.id))?;
            Ok(v1::CancelCrawlResponse { crawl: Some(self.crawl(tenant, id).await?) })
        };
        self.door.enter("CancelCrawl", Role::Submit, request, cancel).await
    }
}

impl CrawlApi {
    async fn crawl(&self, tenant: &Tenant, id: CrawlId) -> Result<v1::Crawl, Status> {
        let progress = self.state.crawl(tenant, id).await.map_err(|error| status::of_state(&error))?;
        let progress = progress.ok_or_else(|| status::no_such_crawl(&id.to_string()))?;
        Ok(convert::crawl_progress(&progress))
    }
}
