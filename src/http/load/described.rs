//! What the description says of a busy service.

use utoipa::IntoResponses;
use utoipa::openapi::path::Paths;
use utoipa::openapi::{RefOr, Response};

use crate::http::error::Problem;

/// What may be answered in place of a handler.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum Refusals {
    /// Too much is asked for at once, or the answer takes too long
    #[response(status = SERVICE_UNAVAILABLE, content_type = "application/problem+json",
        headers(("Retry-After" = u32, description = "Seconds to wait")))]
    Overloaded(Problem),
}

/// The paths with the refusals of a busy service.
pub(super) fn with_refusals(mut paths: Paths) -> Paths {
    let operations = paths.paths.values_mut().flat_map(|path| [&mut path.get, &mut path.post]);
    for operation in operations.flatten() {
        for (status, refusal) in Refusals::responses() {
            let RefOr::T(Response { description: reason, .. }) = &refusal else { continue };
            let reason = reason.clone();
            match operation.responses.responses.entry(status) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(refusal);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    if let RefOr::T(known) = entry.get_mut() {
                        known.description = format!("{}. {reason}", known.description);
                    }
                }
            }
        }
    }
    paths
}
