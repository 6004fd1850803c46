//! Tokens in the OpenAPI description: how to send them, which operation needs one, and the errors.

use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, OpenApi};
use utoipa::{IntoResponses, Modify};

use super::Requirement;
use crate::http::error::Problem;
use crate::http::openapi::{add, operations};

const HEADER: &str = "bearer";
const QUERY: &str = "token";

/// Adds the security schemes: the ways to send a token.
#[derive(Debug)]
pub(in crate::http) struct Schemes;

impl Modify for Schemes {
    fn modify(&self, description: &mut OpenApi) {
        let components = description.components.get_or_insert_with(Components::new);
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A read, sync or webhook token of this service; not needed if the service is open. Excludes `?token=`",
            ));
        let query = ApiKeyValue::with_description(
            "token",
            "A read token, for clients that cannot send a header, such as Backstage. Everyone who sees the URL sees \
             the token. Excludes the `Authorization` header, and is refused by `POST /sync`",
        );
        components.add_security_scheme(HEADER, SecurityScheme::Http(bearer.build()));
        components.add_security_scheme(QUERY, SecurityScheme::ApiKey(ApiKey::Query(query)));
    }
}

/// The responses of the authorizer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum TokenResponses {
    /// The request has several tokens, or a token in a URL that must not have one
    #[response(status = BAD_REQUEST, content_type = "application/problem+json",
        headers(("WWW-Authenticate" = String, description = "`Bearer` with the error `invalid_request`, if the token is the problem")))]
    Ambiguous(Problem),
    /// A token is missing or wrong
    #[response(status = UNAUTHORIZED, content_type = "application/problem+json",
        headers(("WWW-Authenticate" = String, description = "`Bearer`, with the error `invalid_token` if the request has a token")))]
    Unknown(Problem),
    /// The token is of the wrong kind, or no token is configured for this operation
    #[response(status = FORBIDDEN, content_type = "application/problem+json",
        headers(("WWW-Authenticate" = String, description = "`Bearer` with the error `insufficient_scope`, if the token is of the wrong kind")))]
    Forbidden(Problem),
}

/// Adds the requirement of a route and the responses of the authorizer to its paths.
pub(super) fn with_responses(mut paths: Paths, access: Requirement) -> Paths {
    if access != Requirement::Open {
        paths
            .paths
            .values_mut()
            .flat_map(operations)
            .for_each(|operation| describe(operation, access));
    }
    paths
}

fn describe(operation: &mut Operation, access: Requirement) {
    // The empty requirement means that no token may be needed: the service may be open.
    let ways: &[&str] = if access == Requirement::Sync {
        &[HEADER]
    } else {
        &[HEADER, QUERY]
    };
    let ways = ways
        .iter()
        .map(|&way| SecurityRequirement::new(way, [""; 0]));
    operation.security = Some(ways.chain([SecurityRequirement::default()]).collect());
    add::<TokenResponses>(operation);
}
