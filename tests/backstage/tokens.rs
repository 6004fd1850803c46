//! A token in a target gives access to the service; without one no entity disappears and the
//! location has an error.

use fake_authentik::FakeDirectory;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::recorder::Recorder;
use crate::support::service::{READ_TOKEN, Service};

#[tokio::test]
async fn a_token_in_the_target_gives_access_to_all_entities_and_to_shards() {
    let authentik = Authentik::spawn(FakeDirectory::generate(50)).await;
    let service = Service::guarded(&authentik).await;
    service.sync().await;
    let promised = service.catalog().await;
    for (path, read) in [("/entities?", 1), ("/locations?shards=4&", 5)] {
        let recorder = Recorder::spawn(&service.base).await;
        let target = format!("{}{path}token={READ_TOKEN}", recorder.base);
        let backstage = Backstage::spawn(&Setup::patient(&target)).await;
        backstage.becomes(&promised).await;
        backstage.holds(&promised).await;
        let paths = recorder.paths(0, 200);
        assert_eq!(paths.len(), read, "{paths:?}");
        let token = format!("token={READ_TOKEN}");
        assert!(
            paths.iter().all(|path| path.ends_with(&token)),
            "the targets contain it: {paths:?}"
        );
        assert!(
            backstage.everything().await.contains(&token),
            "the documentation warns of this"
        );
    }
}

#[tokio::test]
async fn without_a_token_no_entity_is_lost_and_the_location_has_an_error() {
    let authentik = Authentik::spawn(FakeDirectory::generate(50)).await;
    let service = Service::spawn(&authentik).await;
    service.sync().await;
    let recorder = Recorder::spawn(&service.base).await;
    let backstage = Backstage::spawn(&Setup::eager(&recorder.entities_url)).await;
    let promised = service.catalog().await;
    backstage.becomes(&promised).await;

    let guarded = Service::guarded(&authentik).await;
    guarded.sync().await;
    recorder.redirect(Some(&guarded.base));
    recorder.answers(3, Some(401)).await;
    let error = backstage.error_of(&recorder.entities_url).await;
    assert!(error.contains("401"), "{error}");
    backstage.holds(&promised).await;
}
