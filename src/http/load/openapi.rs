//! What the description says of a busy service.

use utoipa::IntoResponses;
use utoipa::openapi::path::Paths;

use crate::http::error::Problem;
use crate::http::openapi::{add, operations};

/// What may be answered in place of a handler.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum OverloadResponses {
    /// Too much is asked for at once, or the answer takes too long
    #[response(status = SERVICE_UNAVAILABLE, content_type = "application/problem+json",
        headers(("Retry-After" = u32, description = "Seconds to wait")))]
    Overloaded(Problem),
}

/// What may be answered to a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum BodyResponses {
    /// The body is longer than 64 KiB; nobody reads one
    #[response(status = PAYLOAD_TOO_LARGE, content_type = "application/problem+json")]
    TooLarge(Problem),
}

/// The paths with the refusals of a busy service, and those of large bodies.
pub(super) fn with_responses(mut paths: Paths) -> Paths {
    for path in paths.paths.values_mut() {
        operations(path).for_each(add::<OverloadResponses>);
        path.post.iter_mut().for_each(add::<BodyResponses>);
    }
    paths
}
