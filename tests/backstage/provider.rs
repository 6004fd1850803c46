//! The provider module in `integrations/backstage`, in place of a URL location.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::response::IntoResponse;
use fake_authentik::{FakeAuthentik, FakeDirectory};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::npm_module::{filled_by_the_module, plain};
use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::presence::Watch;
use crate::support::recorder::Recorder;
use crate::support::service::{READ_TOKEN, Service};
use crate::support::wait::wait_until;

/// A Backstage that reads one service through the module.
struct Provided {
    authentik: Authentik,
    service: Service,
    recorder: Recorder,
    backstage: Backstage,
}

impl Provided {
    async fn spawn(users: usize, setup: Setup) -> Self {
        let authentik = Authentik::spawn(FakeDirectory::generate(users)).await;
        let service = Service::guarded(&authentik).await;
        service.sync().await;
        let recorder = Recorder::spawn(&service.base).await;
        let setup = Setup {
            entity_provider: Some(json!({ "baseUrl": recorder.base, "token": READ_TOKEN })),
            ..setup
        };
        let backstage = Backstage::spawn(&setup).await;
        backstage.becomes(&service.catalog().await).await;
        Self {
            authentik,
            service,
            recorder,
            backstage,
        }
    }

    /// Edits, syncs, and waits until Backstage shows the result. Returns the number of entities
    /// that the catalog processed again.
    async fn edit(&self, edit: impl FnOnce(&mut FakeDirectory)) -> usize {
        self.backstage.settles().await;
        let since = self.backstage.database.now().await;
        self.authentik.fake.edit(edit);
        self.service.sync().await;
        self.backstage.becomes(&self.service.catalog().await).await;
        self.backstage.database.discovered_since(&since).await
    }
}

fn active(directory: &FakeDirectory) -> u64 {
    let active = directory.users().iter().find(|user| user.is_active);
    active.unwrap().pk
}

#[tokio::test]
async fn only_changed_entities_are_processed_again() {
    let provided = Provided::spawn(100, Setup::default()).await;
    assert!(provided.backstage.database.errors().await.is_empty());
    let processed = provided
        .edit(|directory| {
            let pk = active(directory);
            assert!(directory.edit_user(pk, |user| user.name = "Somebody Else".into()));
        })
        .await;
    assert_eq!(processed, 1);
    let passed = provided.recorder.passed();
    let whole = passed
        .iter()
        .filter(|exchange| exchange.status == Some(200));
    assert_eq!(whole.count(), 2, "one body for each snapshot: {passed:#?}");
    assert!(
        passed.iter().all(
            |exchange| exchange.conditional == (exchange.status == Some(304))
                || exchange.status == Some(200)
        ),
        "{passed:#?}"
    );
    let token = format!("Bearer {READ_TOKEN}");
    assert!(
        passed
            .iter()
            .all(|exchange| exchange.authorization.as_ref() == Some(&token))
    );
}

#[tokio::test]
async fn a_deactivated_user_is_removed_although_orphans_stay() {
    let setup = Setup {
        keep_all_orphans: true,
        ..Setup::default()
    };
    let provided = Provided::spawn(30, setup).await;
    let before = provided.service.catalog().await.refs().len();
    provided
        .edit(|directory| {
            let pk = active(directory);
            assert!(directory.set_active(pk, false));
        })
        .await;
    assert_eq!(provided.backstage.catalog().await.refs().len(), before - 1);
}

#[tokio::test]
async fn the_npm_modules_entities_are_taken_over_in_place() {
    let authentik = Authentik::spawn(plain(20)).await;
    let service = Service::with(&authentik.base, FakeAuthentik::TOKEN, &[]).await;
    service.sync().await;
    let promised = service.catalog().await;
    let backstage = filled_by_the_module(&authentik, &promised.refs()).await;
    let watch = Watch::begin(&backstage.database, promised.refs());
    let setup = Setup {
        entity_provider: Some(json!({
            "baseUrl": service.base,
            "providerName": "AuthentikEntityProvider",
        })),
        ..Setup::default()
    };
    let backstage = backstage.restart(&setup).await;
    // The service knows a new user, so that its entities are told from those of the module.
    authentik.fake.edit(|directory| directory.add_user("new"));
    service.sync().await;
    backstage.becomes(&service.catalog().await).await;
    backstage.settles().await;
    let absence = watch.end().await;
    assert!(absence.refs.is_empty(), "{absence:?}");
    let owners = backstage.database.owners().await;
    let owners: BTreeSet<_> = owners.into_values().collect();
    assert_eq!(
        owners,
        BTreeSet::from(["AuthentikEntityProvider".to_owned()])
    );
}

#[tokio::test]
async fn an_incomplete_answer_changes_nothing() {
    let group = json!({
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {
            "name": "crew",
            "annotations": {
                "backstage.io/managed-by-location": "authentik:http://authentik.example.com",
                "backstage.io/managed-by-origin-location": "authentik:http://authentik.example.com",
            },
        },
        "spec": { "type": "team", "children": [], "members": [] },
    });
    let body = Arc::new(Mutex::new((json!([group]).to_string(), 1)));
    let base = serve(Arc::clone(&body)).await;
    let setup = Setup {
        entity_provider: Some(json!({
            "only": {
                "baseUrl": base,
                "schedule": { "frequency": { "seconds": 1 }, "timeout": { "minutes": 1 }, "scope": "local" },
            },
        })),
        ..Setup::default()
    };
    let backstage = Backstage::spawn(&setup).await;
    let crew = BTreeSet::from(["group:default/crew".to_owned()]);
    wait_until("the group", async || {
        let refs = backstage.catalog().await.refs();
        if refs == crew {
            Ok(())
        } else {
            Err(format!("{refs:?}"))
        }
    })
    .await;
    let other = json!({ "kind": "Group", "metadata": {} });
    for (text, count, error) in [
        ("[]".to_owned(), 0, "announced 0"),
        (json!([group]).to_string(), 2, "announced 2"),
        (
            json!([group]).to_string()[..40].to_owned(),
            1,
            "is not JSON",
        ),
        ("<html>".to_owned(), 1, "is not JSON"),
        (json!({ "items": [group] }).to_string(), 1, "is not a list"),
        (json!([group, other]).to_string(), 2, "item 1 of the answer"),
    ] {
        *body.lock().unwrap() = (text, count);
        backstage.logs(error).await;
        assert_eq!(backstage.catalog().await.refs(), crew, "{error}");
    }
}

/// Serves a body with a count, each under a tag of its own.
async fn serve(body: Arc<Mutex<(String, usize)>>) -> String {
    let answer = async move || {
        let (text, count) = body.lock().unwrap().clone();
        let tag = format!("\"{}-{count}\"", text.len());
        let headers = [
            (CONTENT_TYPE.as_str(), "application/json".to_owned()),
            (ETAG.as_str(), tag),
            ("entity-count", count.to_string()),
        ];
        (headers, text).into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

#[tokio::test]
async fn entities_stay_while_the_service_is_away() {
    let provided = Provided::spawn(20, Setup::default()).await;
    let promised = provided.service.catalog().await;
    provided.recorder.redirect(None);
    provided
        .backstage
        .logs("so its entities stay as they are")
        .await;
    provided.backstage.settles().await;
    assert_eq!(provided.backstage.catalog().await.refs(), promised.refs());
    provided.recorder.redirect(Some(&provided.service.base));
    provided.backstage.logs("can be read again").await;
    let _: Value = provided.service.sync().await;
}
