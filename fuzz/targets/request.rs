//! Requests with any path, query and headers: the service answers, and never with 500.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::catalog::policy::{NamePolicy, Policy};
use authentik_entity_provider::catalog::shape::Shape;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::ServiceConfig;
use authentik_entity_provider::directory::Directory;
use authentik_entity_provider::http::load::Capacity;
use authentik_entity_provider::http::router;
use authentik_entity_provider::http::state::AppState;
use authentik_entity_provider::snapshot::sync_mode::ResumePoint;
use authentik_entity_provider::snapshot::{Snapshot, Store};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// The service with a small directory, open without tokens.
static SERVICE: LazyLock<(Runtime, Router)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let store = Store::default();
    store.publish(Snapshot::new(
        Arc::new(directory()),
        Arc::new(policy()),
        None,
        None,
        (jiff::Timestamp::UNIX_EPOCH, ResumePoint::default()),
    ));
    let service = ServiceConfig { listen: (Ipv4Addr::LOCALHOST, 8080).into(), ..ServiceConfig::default() };
    let clock = Clock::new(|| jiff::Timestamp::UNIX_EPOCH);
    let state = AppState::new(&service, Arc::new(store), clock, CancellationToken::new());
    (runtime, router(state, Capacity::default()))
});

fn directory() -> Directory {
    let users = r#"{"pk": 1, "username": "pat", "is_active": true, "type": "internal"}"#;
    let groups = r#"{"pk": "00000000-0000-0000-0000-00000000000a", "name": "staff", "users": [1]}"#;
    let user: authentik_entity_provider::authentik::wire::WireUser =
        serde_json::from_str(users).expect("a user");
    let group: authentik_entity_provider::authentik::wire::WireGroup =
        serde_json::from_str(groups).expect("a group");
    Directory::new(vec![user.into()], vec![group.into()])
}

fn policy() -> Policy {
    let base_url = BaseUrl::parse("https://authentik.example.com").expect("an URL");
    Policy { base_url, names: NamePolicy::NpmModule, exclude_groups: Vec::new(), include_service_accounts: false, shape: Shape::default() }
}

/// Parses method, path and query from the first line, headers from the others; returns `None` if
/// they are not valid HTTP.
fn request(text: &str) -> Option<Request<Body>> {
    let mut lines = text.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let peer = ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)));
    request.extension(peer).body(Body::empty()).ok().filter(|request| request.uri().path().starts_with('/'))
}

fuzz_target!(|input: &str| {
    let Some(request) = request(input) else { return };
    let (runtime, router) = &*SERVICE;
    // A request may wait for a run, which never comes here.
    let answer =
        async { tokio::time::timeout(Duration::from_millis(20), router.clone().oneshot(request)).await };
    if let Ok(Ok(answer)) = runtime.block_on(answer) {
        assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{answer:?}");
    }
});
