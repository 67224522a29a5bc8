//! Asking a server: what the command line does, and any Rust program can.
//!
//! Calls are repeated while a server says UNAVAILABLE or cannot be reached, a few times and with growing pauses, where
//! that can do no harm: reading, cancelling, and submitting with an idempotency key.

mod connect;
mod error;
mod retry;
mod watch;

use std::time::Duration;

use plimsoll_proto::v1;
use plimsoll_proto::v1::crawl_service_client::CrawlServiceClient;
use plimsoll_proto::v1::scan_service_client::ScanServiceClient;
use plimsoll_proto::v1::tag_service_client::TagServiceClient;
use plimsoll_proto::v1::verdict_service_client::VerdictServiceClient;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::services::MAX_DOCUMENTS;

pub use connect::Options;
pub use error::Error;
/// Messages and enums of the API.
pub use plimsoll_proto::v1 as messages;

/// What a message may weigh beyond the documents it carries.
const ENVELOPE: usize = 1 << 20;

/// A connection to a server, made when it is first used. Clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    scans: ScanServiceClient<InterceptedService<Channel, connect::Bearer>>,
    verdicts: VerdictServiceClient<InterceptedService<Channel, connect::Bearer>>,
    crawls: CrawlServiceClient<InterceptedService<Channel, connect::Bearer>>,
    tags: TagServiceClient<InterceptedService<Channel, connect::Bearer>>,
    server: String,
    timeout: Duration,
}

impl Client {
    /// A client. Must be called in a Tokio runtime; nothing is sent yet.
    pub fn new(options: Options) -> Result<Self, Error> {
        let channel = connect::channel(&options)?;
        let bearer = connect::Bearer::new(options.token.as_deref())?;
        let verdicts = VerdictServiceClient::with_interceptor(channel.clone(), bearer.clone());
        Ok(Self {
            crawls: CrawlServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            tags: TagServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            scans: ScanServiceClient::with_interceptor(channel, bearer),
            verdicts: verdicts.max_decoding_message_size(MAX_DOCUMENTS as usize + ENVELOPE),
            server: options.server,
            timeout: options.timeout,
        })
    }

    /// Asks for a verdict. Without an idempotency key it is asked once; see [`random_key`].
    pub async fn submit(&self, request: v1::SubmitScanRequest) -> Result<v1::SubmitScanResponse, Error> {
        let attempts = if request.idempotency_key.is_empty() { 1 } else { retry::ATTEMPTS };
        self.call(attempts, request, async |client, request| client.scans.submit_scan(request).await).await
    }

    /// How far a scan is.
    pub async fn scan(&self, id: &str) -> Result<v1::Scan, Error> {
        let request = v1::GetScanRequest { id: id.to_owned() };
        let get = async |client: &mut Self, request| client.scans.get_scan(request).await;
        Ok(self.call(retry::ATTEMPTS, request, get).await?.scan.unwrap_or_default())
    }

    /// Scans of the tenant, the newest first.
    pub async fn list(&self, request: v1::ListScansRequest) -> Result<v1::ListScansResponse, Error> {
        self.call(retry::ATTEMPTS, request, async |client, request| client.scans.list_scans(request).await)
            .await
    }

    /// Ends a scan, unless it has ended: the scan as it is then.
    pub async fn cancel(&self, id: &str) -> Result<v1::Scan, Error> {
        let request = v1::CancelScanRequest { id: id.to_owned() };
        let cancel = async |client: &mut Self, request| client.scans.cancel_scan(request).await;
        Ok(self.call(retry::ATTEMPTS, request, cancel).await?.scan.unwrap_or_default())
    }

    /// The newest verdict about an image.
    pub async fn verdict(&self, request: v1::GetVerdictRequest) -> Result<v1::GetVerdictResponse, Error> {
        self.call(retry::ATTEMPTS, request, async |client, request| {
            client.verdicts.get_verdict(request).await
        })
        .await
    }

    /// Starts a crawl. Without an idempotency key it is asked once; see [`random_key`].
    pub async fn start_crawl(&self, request: v1::StartCrawlRequest) -> Result<v1::Crawl, Error> {
        let attempts = if request.idempotency_key.is_empty() { 1 } else { retry::ATTEMPTS };
        let start = async |client: &mut Self, request| client.crawls.start_crawl(request).await;
        Ok(self.call(attempts, request, start).await?.crawl.unwrap_or_default())
    }

    /// How far a crawl is.
    pub async fn crawl(&self, id: &str) -> Result<v1::Crawl, Error> {
        let request = v1::GetCrawlRequest { id: id.to_owned() };
        let get = async |client: &mut Self, request| client.crawls.get_crawl(request).await;
        Ok(self.call(retry::ATTEMPTS, request, get).await?.crawl.unwrap_or_default())
    }

    /// Crawls of the tenant, the newest first.
    pub async fn crawls(&self, request: v1::ListCrawlsRequest) -> Result<v1::ListCrawlsResponse, Error> {
        let list = async |client: &mut Self, request| client.crawls.list_crawls(request).await;
        self.call(retry::ATTEMPTS, request, list).await
    }

    /// Ends a crawl, unless it has ended: the crawl as it is then.
    pub async fn cancel_crawl(&self, id: &str) -> Result<v1::Crawl, Error> {
        let request = v1::CancelCrawlRequest { id: id.to_owned() };
        let cancel = async |client: &mut Self, request| client.crawls.cancel_crawl(request).await;
        Ok(self.call(retry::ATTEMPTS, request, cancel).await?.crawl.unwrap_or_default())
    }

    /// What the tags of a repository named.
    pub async fn history(
        &self,
        request: v1::ListTagHistoryRequest,
    ) -> Result<v1::ListTagHistoryResponse, Error> {
        let list = async |client: &mut Self, request| client.tags.list_tag_history(request).await;
        self.call(retry::ATTEMPTS, request, list).await
    }

    /// Makes a call, again while that may help.
    async fn call<M: Clone, R>(
        &self,
        attempts: u32,
        message: M,
        call: impl AsyncFn(&mut Self, Request<M>) -> Result<tonic::Response<R>, Status>,
    ) -> Result<R, Error> {
        let mut pauses = retry::Pauses::new(attempts);
        loop {
            let mut request = Request::new(message.clone());
            request.set_timeout(self.timeout);
            let status = match call(&mut self.clone(), request).await {
                Ok(response) => return Ok(response.into_inner()),
                Err(status) => status,
            };
            let error = Error::of(&self.server, &status);
            match pauses.next(&error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }
}

/// An idempotency key nobody else has: with it, [`Client::submit`] can repeat itself.
///
/// # Errors
/// The system gives no random bytes.
pub fn random_key() -> Result<String, Error> {
    crate::token::random_text().map_err(|error| Error::Setup(format!("no random bytes: {error}")))
}
