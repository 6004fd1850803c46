//! No entity disappears while a component is down.

use axum::http::StatusCode;
use fake_authentik::{Access, Action, FakeAuthentik, FakeDirectory, ScriptStep, Target};

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::catalog::Catalog;
use crate::support::recorder::Recorder;
use crate::support::service::Service;

/// After six failures in a row Backstage drops the ETag and reads the whole body.
const LONG: usize = 8;

/// Starts all components and waits until the catalog is complete.
async fn filled() -> (Authentik, Service, Recorder, Backstage, Catalog) {
    let authentik = Authentik::spawn(FakeDirectory::generate(50)).await;
    let service = Service::spawn(&authentik).await;
    let recorder = Recorder::spawn(&service.base).await;
    service.sync().await;
    let backstage = Backstage::spawn(&Setup::eager(&recorder.entities_url)).await;
    let catalog = service.catalog().await;
    backstage.becomes(&catalog).await;
    (authentik, service, recorder, backstage, catalog)
}

#[tokio::test]
async fn all_entities_arrive_after_the_service_had_no_snapshot() {
    let authentik = Authentik::spawn(FakeDirectory::generate(50)).await;
    let service = Service::spawn(&authentik).await;
    let recorder = Recorder::spawn(&service.base).await;
    let backstage = Backstage::spawn(&Setup::eager(&recorder.entities_url)).await;
    recorder.answers(2, Some(503)).await;
    assert!(backstage.catalog().await.refs().is_empty());
    service.sync().await;
    backstage.becomes(&service.catalog().await).await;
}

#[tokio::test]
async fn a_restarted_service_loses_no_entity() {
    let (authentik, service, recorder, backstage, catalog) = filled().await;
    recorder.redirect(None);
    service.stop().await;
    recorder.answers(2, None).await;
    backstage.holds(&catalog).await;

    let service = Service::spawn(&authentik).await;
    recorder.redirect(Some(&service.base));
    recorder.answers(LONG, Some(503)).await;
    backstage.holds(&catalog).await;
    assert_eq!(
        backstage.database.errors().await.len(),
        1,
        "only the location has an error"
    );

    service.sync().await;
    recorder.answers(1, Some(304)).await;
    backstage.becomes(&catalog).await;
    backstage.holds(&catalog).await;
}

#[tokio::test]
async fn a_short_restart_causes_no_new_read_of_the_body() {
    let (authentik, service, recorder, backstage, catalog) = filled().await;
    recorder.answers(1, Some(304)).await;
    recorder.redirect(None);
    service.stop().await;
    recorder.answers(1, None).await;
    let service = Service::spawn(&authentik).await;
    service.sync().await;
    let before = recorder.passed().len();
    recorder.redirect(Some(&service.base));
    recorder.answers(2, Some(304)).await;
    let after = recorder.passed().split_off(before);
    assert!(
        after.iter().all(|exchange| exchange.status != Some(200)),
        "the tag is the same: {after:?}"
    );
    backstage.holds(&catalog).await;
}

#[tokio::test]
async fn an_outage_of_authentik_loses_no_entity() {
    let (authentik, service, recorder, backstage, catalog) = filled().await;
    let out_of_order = Action::answer(StatusCode::INTERNAL_SERVER_ERROR, "{}");
    authentik
        .fake
        .script(ScriptStep::at(Target::Anywhere, out_of_order).always());
    assert_eq!(service.try_sync().await["state"], "failed");
    recorder.answers(2, Some(304)).await;
    backstage.holds(&catalog).await;
    authentik.fake.clear_script();

    for (access, code) in [
        (Access::InternalServiceAccount, "empty-user-list"),
        (Access::NoPermission, "permission"),
    ] {
        authentik.fake.grant(FakeAuthentik::TOKEN, access);
        assert_eq!(service.try_sync().await["error"]["code"], code);
        recorder.answers(2, Some(304)).await;
        backstage.holds(&catalog).await;
    }

    authentik.fake.grant(FakeAuthentik::TOKEN, Access::Full);
    authentik.fake.edit(|directory| directory.add_user("new"));
    service.sync().await;
    backstage.becomes(&service.catalog().await).await;
}
