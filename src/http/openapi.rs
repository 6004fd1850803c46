//! The parts of the OpenAPI description that all operations share: headers, `HEAD`, other methods.

use std::collections::btree_map::Entry;

use utoipa::IntoResponses;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{Header, HeaderBuilder, RefOr, Response};

use super::error::Problem;

/// The response to a method that a path does not have.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
enum MethodResponses {
    /// The path does not have this method
    #[response(status = METHOD_NOT_ALLOWED, content_type = "application/problem+json",
        headers(("Allow" = String, description = "The methods of this path")))]
    NotAllowed(Problem),
}

/// Adds the shared parts to all paths.
pub(super) fn complete(paths: &mut Paths) {
    for path in paths.paths.values_mut() {
        for operation in operations(path) {
            add::<MethodResponses>(operation);
            operation
                .responses
                .responses
                .values_mut()
                .for_each(common_headers);
        }
        path.head = path.get.clone().map(without_bodies);
    }
}

/// Returns the operations of a path.
pub(super) fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post].into_iter().flatten()
}

/// Adds responses to an operation; merges those with the same status.
pub(super) fn add<More: IntoResponses>(operation: &mut Operation) {
    for (status, more) in More::responses() {
        match operation.responses.responses.entry(status) {
            Entry::Vacant(entry) => {
                entry.insert(more);
            }
            Entry::Occupied(mut entry) => {
                if let (RefOr::T(known), RefOr::T(more)) = (entry.get_mut(), more) {
                    known.description = format!("{}. {}", known.description, more.description);
                    known.headers.extend(more.headers);
                }
            }
        }
    }
}

/// Adds the headers of every response. `Cache-Control` is `no-store` unless the response has its
/// own.
fn common_headers(response: &mut RefOr<Response>) {
    if let RefOr::T(response) = response {
        for (name, description) in [
            ("Cache-Control", "`no-store`"),
            (
                "X-Request-Id",
                "The id of the request: the one that the client sent, or a generated one",
            ),
        ] {
            let headers = response.headers.entry(name.to_owned());
            headers.or_insert_with(|| text_header(description));
        }
    }
}

fn text_header(description: &str) -> RefOr<Header> {
    let header = HeaderBuilder::new().schema(Some(Object::with_type(Type::String)));
    header.description(Some(description)).build().into()
}

/// Returns the `HEAD` operation for a `GET`: the same headers without a body.
fn without_bodies(mut operation: Operation) -> Operation {
    operation.operation_id = operation.operation_id.map(|id| format!("head_{id}"));
    operation.summary = operation
        .summary
        .map(|summary| format!("{summary}: the headers"));
    operation.description = None;
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.clear();
        }
    }
    operation
}
