//! The HTTP side: serves the snapshot and the ledger, and queues runs. It never syncs itself.

pub mod auth;
pub mod conditional;
pub mod endpoints;
pub mod error;
pub mod json;
pub mod load;
mod meter;
pub mod negotiate;
mod openapi;
pub mod public_url;
pub mod query;
pub mod reader_log;
pub mod state;

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{Request, Response};
use axum::middleware::{from_fn, from_fn_with_state};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::config::AuthConfig;
use auth::{Authorizer, Requirement, Schemes};
use endpoints::{
    docs, entities, entity, events, explain, findings, health, locations, metrics, page, readers,
    search, sync, webhook,
};
use error::ApiError;
use load::{Capacity, Load};
use meter::Meter;
use state::AppState;

/// The OpenAPI description without paths; the handlers add them.
#[derive(OpenApi)]
#[openapi(info(
    title = "authentik-entity-provider",
    description = "The users and groups of an Authentik server as Backstage catalog entities.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
), servers(
    (url = "./", description = "Relative to this document, so that it also works behind a path prefix"),
), tags(
    (name = "entities", description = "Entities for Backstage's `url` locations"),
    (name = "sync", description = "Runs that read Authentik"),
    (name = "health", description = "Health checks for orchestrators, and a summary for people"),
    (name = "description", description = "This document"),
), modifiers(&Schemes))]
struct Description;

/// All routes as a table, each with its requirement and its description.
fn table(authorizer: &Arc<Authorizer>, load: &Load) -> OpenApiRouter<AppState> {
    let leading = |(schemas, paths, methods): UtoipaMethodRouter<AppState>| {
        let lead = from_fn_with_state(Arc::clone(authorizer), page::lead_browsers);
        (schemas, paths, methods.route_layer(lead))
    };
    let needs = |access, routes| {
        let limited = load::limited_operation(load, access, routes);
        auth::authorized_operation(authorizer, access, limited)
    };
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(leading(needs(
            Requirement::Read,
            routes!(entities::read_entities),
        )))
        .routes(needs(Requirement::Read, routes!(entity::read_entity)))
        .routes(needs(Requirement::Read, routes!(locations::read_locations)))
        .routes(needs(Requirement::Read, routes!(search::search_rows)))
        .routes(needs(Requirement::Read, routes!(findings::list_findings)))
        .routes(needs(Requirement::Runs, routes!(readers::list_readers)))
        .routes(needs(Requirement::Read, routes!(explain::read_explanation)))
        .routes(needs(Requirement::Runs, routes!(sync::list_runs)))
        .routes(needs(Requirement::Sync, routes!(sync::request_run)))
        .routes(needs(
            Requirement::Webhook,
            routes!(webhook::receive_webhook),
        ))
        .routes(needs(Requirement::Read, routes!(sync::read_run)))
        .routes(needs(Requirement::Runs, routes!(events::follow_run)))
        .routes(needs(Requirement::Open, routes!(health::read_health)))
        .routes(needs(Requirement::Open, routes!(health::read_liveness)))
        .routes(needs(Requirement::Open, routes!(health::read_readiness)))
        .routes(needs(Requirement::Metrics, routes!(metrics::read_metrics)))
        .routes(needs(
            Requirement::Docs,
            routes!(endpoints::openapi::read_description),
        ))
}

/// The OpenAPI description of the service.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    // The description does not depend on the tokens.
    let closed = Authorizer::new(&AuthConfig::default(), (Ipv4Addr::UNSPECIFIED, 0).into());
    let mut description = table(&Arc::new(closed), &Load::new(Capacity::default())).into_openapi();
    openapi::complete(&mut description.paths);
    description
}

/// Returns the router of the service, with the limits of `capacity`.
pub fn router(state: AppState, capacity: Capacity) -> Router {
    let (router, _) = table(&state.authorizer, &Load::new(capacity)).split_for_parts();
    let meter = Meter {
        instruments: state.instruments.http.clone(),
        readers: Arc::clone(&state.readers),
    };
    router
        .merge(docs::router(&state.authorizer))
        .merge(page::router(&state.authorizer))
        .fallback(async || ApiError::UnknownPath)
        .method_not_allowed_fallback(async || ApiError::UnknownMethod)
        .layer(
            ServiceBuilder::new()
                .layer(SetSensitiveRequestHeadersLayer::new([
                    AUTHORIZATION,
                    COOKIE,
                ]))
                .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
                .layer(
                    TraceLayer::new_for_http()
                        .make_span_with(span)
                        .on_response(log)
                        .on_failure(()),
                )
                .layer(PropagateRequestIdLayer::x_request_id())
                .layer(from_fn_with_state(meter, meter::measure))
                .layer(CatchPanicLayer::custom(error::panicked))
                .layer(from_fn(load::refuse_body)),
        )
        .with_state(state)
}

/// Returns the span of a request, which every log line about it carries. It omits the query, since
/// that may contain a token.
fn span(request: &Request<Body>) -> tracing::Span {
    let id = request.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok());
    let (method, path) = (request.method(), request.uri().path());
    tracing::info_span!("request", id, %method, path)
}

/// Logs a response at debug level, since readers poll. A failure is logged where it happens; a 503
/// before the first snapshot is none.
fn log<B>(response: &Response<B>, latency: std::time::Duration, _: &tracing::Span) {
    tracing::debug!(
        status = response.status().as_u16(),
        latency_seconds = latency.as_secs_f64(),
        "answered"
    );
}
