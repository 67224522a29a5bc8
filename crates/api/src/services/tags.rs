//! `plimsoll.v1.TagService`.

use std::sync::Arc;

use plimsoll_proto::v1;
use plimsoll_proto::v1::tag_service_server::TagService;
use plimsoll_state::{Role, State};
use tonic::{Request, Response, Status};

use crate::call::{Call, Door};
use crate::request::HistoryRequest;
use crate::{convert, request, status};

/// What tags named.
pub(crate) struct TagApi {
    pub(crate) door: Arc<Door>,
    pub(crate) state: Arc<dyn State>,
}

#[tonic::async_trait]
impl TagService for TagApi {
    async fn list_tag_history(
        &self,
        request: Request<v1::ListTagHistoryRequest>,
    ) -> Result<Response<v1::ListTagHistoryResponse>, Status> {
        let list = async |call: Call<v1::ListTagHistoryRequest>| {
            let HistoryRequest { registry, repository, tag, page } = request::history(&call.message)?;
            let spans = self
                .state
                .history(&call.caller.tenant, &registry, &repository, tag.as_deref(), &page)
                .await
                .map_err(|error| status::of_state(&error))?;
            let full = spans.len() == page.limit as usize;
            let last = spans.last().filter(|_| full).map(request::history_token);
            Ok(v1::ListTagHistoryResponse {
                spans: spans.iter().map(convert::tag_span).collect(),
                next_page_token: last.unwrap_or_default(),
            })
        };
        self.door.enter("ListTagHistory", Role::Read, request, list).await
    }
}
