//! `/readers`: the clients that read the entities.

use axum::extract::State;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::sync::NO_STORE;
use crate::http::json::Json;
use crate::http::reader_log::{LastRead, Reader};
use crate::http::state::AppState;

/// The readers of the last day.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadersView {
    /// The readers, sorted by target and agent; at most about 2000.
    readers: Vec<ReaderView>,
}

/// A client and what it requests.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reader)]
struct ReaderView {
    /// The path and the parameters that select entities.
    #[schema(example = "/entities?shard=3/64")]
    target: String,
    /// The `User-Agent`, at most 100 characters.
    #[schema(example = "node")]
    agent: String,
    /// When the last request was answered.
    #[schema(value_type = String, format = DateTime)]
    last_read_at: Timestamp,
    /// The status of the last answer: 304 if the client already had the entities.
    #[schema(example = 304)]
    status: u16,
    /// The number of requests since the first one that is recorded.
    requests: u64,
}

/// Who reads the entities
///
/// The clients that requested `/entities` or `/locations` during the last day, with their last answer, since
/// the start of the service. Refused requests count too.
#[utoipa::path(
    get,
    path = "/readers",
    tag = "sync",
    responses((status = OK, description = "The readers", body = ReadersView))
)]
pub async fn list_readers(State(state): State<AppState>) -> impl IntoResponse {
    let readers = state.readers.all();
    let readers = readers
        .iter()
        .map(|(reader, last)| ReaderView::from((&**reader, *last)));
    (
        NO_STORE,
        Json(ReadersView {
            readers: readers.collect(),
        }),
    )
}

impl From<(&Reader, LastRead)> for ReaderView {
    fn from((reader, last): (&Reader, LastRead)) -> Self {
        Self {
            target: reader.target.clone(),
            agent: reader.agent.clone(),
            last_read_at: last.at,
            status: last.status,
            requests: last.requests,
        }
    }
}
