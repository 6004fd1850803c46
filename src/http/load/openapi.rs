//! Load shedding in the OpenAPI description.

use utoipa::IntoResponses;
use utoipa::openapi::path::Paths;

use crate::http::error::Problem;
use crate::http::openapi::{add, operations};

/// The responses of a busy service.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum OverloadResponses {
    /// The service has too many requests, or the response takes too long
    #[response(status = SERVICE_UNAVAILABLE, content_type = "application/problem+json",
        headers(("Retry-After" = u32, description = "Seconds to wait")))]
    Overloaded(Problem),
}

/// The response to a request with a large body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum BodyResponses {
    /// The body is larger than 64 KiB; no request needs a body
    #[response(status = PAYLOAD_TOO_LARGE, content_type = "application/problem+json")]
    TooLarge(Problem),
}

/// Adds the responses of a busy service and those to large bodies to the paths.
pub(super) fn with_responses(mut paths: Paths) -> Paths {
    for path in paths.paths.values_mut() {
        operations(path).for_each(add::<OverloadResponses>);
        path.post.iter_mut().for_each(add::<BodyResponses>);
    }
    paths
}
