//! Every recorded request, repeated against the recorded rows.

use std::collections::BTreeSet;

use fake_authentik::{Access, FakeAuthentik, FakeDirectory, Release};
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::support::ordered::Ordered;
use crate::support::{RunningAuthentik, fixture, recorded_rows};

const ADMIN: &str = FakeAuthentik::TOKEN;

/// Recorded answers: file, request, token.
const ANSWERS: [(&str, &str, &str); 17] = [
    (
        "users-page-1",
        "/api/v3/core/users/?page=1&page_size=10",
        ADMIN,
    ),
    (
        "users-page-2",
        "/api/v3/core/users/?page=2&page_size=10",
        ADMIN,
    ),
    (
        "users-page-3",
        "/api/v3/core/users/?page=3&page_size=10",
        ADMIN,
    ),
    (
        "groups-page-1",
        "/api/v3/core/groups/?page=1&page_size=10",
        ADMIN,
    ),
    (
        "groups-page-2",
        "/api/v3/core/groups/?page=2&page_size=10",
        ADMIN,
    ),
    (
        "users-light-page-1",
        "/api/v3/core/users/?page=1&page_size=100&ordering=pk&include_groups=false&include_roles=false",
        ADMIN,
    ),
    (
        "groups-light-page-1",
        "/api/v3/core/groups/?page=1&page_size=100&include_users=false",
        ADMIN,
    ),
    (
        "groups-full-page-1",
        "/api/v3/core/groups/?page=1&page_size=100&include_users=true&include_children=true&include_parents=true&include_inherited_roles=true",
        ADMIN,
    ),
    (
        "users-types-filter",
        "/api/v3/core/users/?page=1&page_size=100&is_active=true&type=internal&type=external&include_groups=false",
        ADMIN,
    ),
    (
        "users-both-page-1",
        "/api/v3/core/users/?page=1&page_size=5&ordering=pk",
        ADMIN,
    ),
    (
        "users-objperm",
        "/api/v3/core/users/?page=1&page_size=100&include_groups=false",
        "objperm",
    ),
    (
        "users-internalsa-empty",
        "/api/v3/core/users/?page=1&page_size=100",
        "internalsa",
    ),
    ("users-cheapest-page-1", USERS_CHEAPEST, ADMIN),
    ("groups-cheapest-page-1", GROUPS_CHEAPEST, ADMIN),
    ("users-cheapest-objperm", USERS_CHEAPEST, "objperm"),
    ("groups-cheapest-objperm", GROUPS_CHEAPEST, "objperm"),
    ("version", "/api/v3/admin/version/", "noperm"),
];

const USERS_CHEAPEST: &str =
    "/api/v3/core/users/?page=1&page_size=100&ordering=pk&include_groups=false";
const GROUPS_CHEAPEST: &str = "/api/v3/core/groups/?page=1&page_size=100&ordering=pk&include_users=false&include_children=true&include_parents=true";

/// Recorded errors: file, `Authorization` header. The recording contains the request.
const ERRORS: [(&str, &str); 18] = [
    ("error-no-token", ""),
    ("error-bad-token", "Bearer nonsense"),
    ("error-basic-scheme", "Basic YTpi"),
    ("error-empty-bearer", "Bearer "),
    ("error-app-password-token", "Bearer app-password"),
    ("error-verification-token", "Bearer verification"),
    ("error-expired-token", "Bearer expired"),
    ("error-inactive-user-token", "Bearer inactive"),
    ("error-noperm-users", "Bearer noperm"),
    ("error-noperm-groups", "Bearer noperm"),
    ("error-viewuser-only-groups", "Bearer viewuser"),
    ("error-page-beyond-end", "Bearer fake-token"),
    ("error-page-zero", "Bearer fake-token"),
    ("error-page-nan", "Bearer fake-token"),
    ("error-bad-filter-type", "Bearer fake-token"),
    ("error-bad-filter-date", "Bearer fake-token"),
    ("error-unknown-user", "Bearer fake-token"),
    ("error-unknown-route", "Bearer fake-token"),
];

const RECORDED: [Release; 2] = [Release::V2025_10, Release::V2026_5];

#[tokio::test]
async fn answers_equal_the_recordings() {
    for release in RECORDED {
        let server = RunningAuthentik::spawn(&recorded(release)).await;
        for (file, path, token) in ANSWERS {
            let response = server
                .request(path)
                .bearer_auth(token)
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 200, "{release} {file}");
            assert_eq!(
                content_type(response.headers()),
                recorded_content_type(release),
                "{release} {file}"
            );
            let (body, expected) = (
                response.text().await.unwrap(),
                fixture(&format!("{release}/{file}.json")),
            );
            assert_eq!(
                Ordered::parse(&body),
                Ordered::parse(&expected),
                "{release} {file}"
            );
            assert_eq!(
                body.len(),
                expected.len(),
                "{release} {file}: equal JSON, other spelling"
            );
        }
    }
}

#[tokio::test]
async fn errors_equal_the_recordings() {
    for release in RECORDED {
        let server = RunningAuthentik::spawn(&recorded(release)).await;
        for (file, authorization) in ERRORS {
            let expected = error(release, file);
            let path = expected["request"]
                .as_str()
                .unwrap()
                .strip_prefix("GET ")
                .unwrap();
            let mut request = server.request(path);
            if !authorization.is_empty() {
                request = request.header("authorization", authorization);
            }
            assert_error(
                &format!("{release} {file}"),
                request.send().await.unwrap(),
                &expected,
            )
            .await;
        }
    }
}

#[test]
fn every_recording_is_tested() {
    for release in RECORDED {
        let folder = format!(
            "{}/tests/fixtures/authentik/{release}",
            env!("CARGO_MANIFEST_DIR")
        );
        let tested: BTreeSet<_> = ANSWERS
            .iter()
            .map(|(file, ..)| *file)
            .chain(ERRORS.iter().map(|(file, _)| *file))
            .collect();
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let name = name.trim_end_matches(".json");
            assert!(
                tested.contains(name) || name.starts_with("webhook-"),
                "{release} {name}"
            );
        }
    }
}

async fn assert_error(what: &str, response: Response, expected: &Value) {
    assert_eq!(response.status().as_u16(), expected["status"], "{what}");
    for (name, value) in expected["headers"].as_object().unwrap() {
        assert_eq!(
            response.headers()[name],
            value.as_str().unwrap(),
            "{what} {name}"
        );
    }
    let body = response.text().await.unwrap();
    match &expected["body"] {
        Value::String(_) => assert!(body.starts_with("<!DOCTYPE html>"), "{what}"),
        json => assert_eq!(body, json.to_string(), "{what}"),
    }
}

/// Loads the recorded rows and the tokens of the recorded callers.
fn recorded(release: Release) -> FakeAuthentik {
    let users = recorded_rows(&format!("{release}/users-cheapest-page-1.json"));
    let groups = recorded_rows(&format!("{release}/groups-full-page-1.json"));
    let directory = FakeDirectory::from_recorded(&users, &groups).unwrap();
    let visible = directory.group_named("Engineering").unwrap().pk;
    let object_level = Access::ObjectLevel {
        users: [3, 6, 11].into(),
        groups: [visible].into(),
    };
    FakeAuthentik::new(release, directory)
        .with_token("objperm", object_level)
        .with_token("internalsa", Access::InternalServiceAccount)
        .with_token("noperm", Access::NoPermission)
        .with_token("viewuser", Access::ViewUserOnly)
}

fn error(release: Release, file: &str) -> Value {
    serde_json::from_str(&fixture(&format!("{release}/{file}.json"))).unwrap()
}

fn recorded_content_type(release: Release) -> String {
    error(release, "error-page-zero")["headers"]["content-type"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn content_type(headers: &HeaderMap) -> &str {
    headers["content-type"].to_str().unwrap()
}
