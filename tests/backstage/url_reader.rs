//! With `docs/backstage/url-reader.js`, Backstage sends the token in a header, to the service only.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use fake_authentik::FakeDirectory;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::recorder::Recorder;
use crate::support::service::{READ_TOKEN, Service};
use crate::support::wait::wait_until;

/// Returns the block of `app-config` for the URL reader.
fn block(base: &str) -> Value {
    json!({ "baseUrl": base, "token": READ_TOKEN })
}

/// A service with tokens, after one sync.
async fn guarded() -> (Authentik, Service) {
    let authentik = Authentik::spawn(FakeDirectory::generate(50)).await;
    let service = Service::guarded(&authentik).await;
    service.sync().await;
    (authentik, service)
}

#[tokio::test]
async fn the_token_gives_access_and_never_appears() {
    let (authentik, service) = guarded().await;
    let recorder = Recorder::spawn(&service.base).await;
    let target = format!("{}/locations?shards=4", recorder.base);
    let setup = Setup {
        url_reader: Some(block(&recorder.base)),
        ..Setup::eager(&target)
    };
    let backstage = Backstage::spawn(&setup).await;
    backstage.becomes(&service.catalog().await).await;
    recorder.rounds(0, 5, 2, Some(304)).await;

    let mark = recorder.passed().len();
    authentik.fake.edit(|directory| directory.add_user("new"));
    service.sync().await;
    backstage.becomes(&service.catalog().await).await;
    assert_eq!(recorder.paths(mark, 200).len(), 1, "one shard changed");

    let (passed, bearer) = (recorder.passed(), format!("Bearer {READ_TOKEN}"));
    assert!(
        passed
            .iter()
            .all(|exchange| exchange.authorization.as_deref() == Some(&bearer))
    );
    assert!(
        passed
            .iter()
            .all(|exchange| !exchange.path.contains(READ_TOKEN))
    );
    let everything = backstage.everything().await;
    assert!(
        everything.contains(r#""name":"new""#),
        "it is the full body"
    );
    assert!(!everything.contains(READ_TOKEN));
}

#[tokio::test]
async fn the_token_is_sent_to_no_other_host_not_even_after_a_redirect() {
    let (_authentik, service) = guarded().await;
    let elsewhere = Recorder::spawn(&service.base).await;
    let detour = detour(&format!("{}/detour", elsewhere.base)).await;
    let setup = Setup {
        targets: vec![detour.clone(), elsewhere.entities_url.clone()],
        url_reader: Some(block(detour.strip_suffix("/entities").unwrap())),
        ..Setup::eager(&detour)
    };
    let backstage = Backstage::spawn(&setup).await;
    wait_until("the refused redirect", async || {
        let errors = backstage.database.errors().await;
        let refused = errors
            .values()
            .any(|error| error.contains("URL not allowed"));
        if refused {
            Ok(())
        } else {
            Err(format!("{errors:?}"))
        }
    })
    .await;
    elsewhere.answers(2, Some(401)).await;
    let passed = elsewhere.passed();
    assert!(
        passed
            .iter()
            .all(|exchange| exchange.authorization.is_none()),
        "{passed:?}"
    );
    assert!(
        passed.iter().all(|exchange| exchange.path == "/entities"),
        "{passed:?}"
    );
}

/// Serves a location that redirects to another URL, and returns its own URL.
async fn detour(to: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/entities", listener.local_addr().unwrap());
    let redirect = Redirect::temporary(to);
    let router = Router::new().route("/entities", get(async move || redirect));
    tokio::spawn(async move { axum::serve(listener, router).await });
    target
}
