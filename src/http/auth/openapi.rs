//! What the description says of tokens: how they are sent, what needs which, and the refusals.

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

/// Adds the ways to send a token.
#[derive(Debug)]
pub(in crate::http) struct Schemes;

impl Modify for Schemes {
    fn modify(&self, description: &mut OpenApi) {
        let components = description.components.get_or_insert_with(Components::new);
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A read or sync token of this service; not needed where the service is open. Excludes `?token=`",
            ));
        let query = ApiKeyValue::with_description(
            "token",
            "A read token, for readers that cannot send a header, as Backstage: everybody who sees the URL has it. \
             Excludes the `Authorization` header, and is refused where a request changes something",
        );
        components.add_security_scheme(HEADER, SecurityScheme::Http(bearer.build()));
        components.add_security_scheme(QUERY, SecurityScheme::ApiKey(ApiKey::Query(query)));
    }
}

/// What a authorizer answers in place of a handler.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum TokenResponses {
    /// The request carries several tokens, or a token in a URL where none may be
    #[response(status = BAD_REQUEST, content_type = "application/problem+json",
        headers(("WWW-Authenticate" = String, description = "`Bearer` with the error `invalid_request`, if a token is the matter")))]
    Ambiguous(Problem),
    /// A token is missing or wrong
    #[response(status = UNAUTHORIZED, content_type = "application/problem+json",
        headers(("WWW-Authenticate" = String, description = "`Bearer`, with the error `invalid_token` if there is a token")))]
    Unknown(Problem),
    /// The token is for something else, or this is closed to everybody
    #[response(status = FORBIDDEN, content_type = "application/problem+json",
        headers(("WWW-Authenticate" = String, description = "`Bearer` with the error `insufficient_scope`, if the token is for something else")))]
    Forbidden(Problem),
}

/// The paths with what a route needs and how it refuses.
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
    // The empty one says that a service may be open.
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
