//! The service does not send unchanged content again.

use fake_authentik::FakeDirectory;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::recorder::Recorder;
use crate::support::service::Service;

#[tokio::test]
async fn backstage_gets_304_from_the_second_read_until_something_changes() {
    let authentik = Authentik::spawn(FakeDirectory::generate(50)).await;
    let service = Service::spawn(&authentik).await;
    service.sync().await;
    let recorder = Recorder::spawn(&service.base).await;
    let backstage = Backstage::spawn(&Setup::eager(&recorder.entities_url)).await;
    recorder.answers(3, Some(304)).await;
    backstage.becomes(&service.catalog().await).await;
    service.sync().await;
    recorder.answers(1, Some(304)).await;
    let same = recorder.passed();
    let (first, later) = same.split_first().unwrap();
    assert_eq!((first.conditional, first.status), (false, Some(200)));
    let unchanged = (true, Some(304));
    assert!(
        later
            .iter()
            .all(|later| (later.conditional, later.status) == unchanged),
        "{later:?}"
    );

    authentik.fake.edit(|directory| directory.add_user("new"));
    service.sync().await;
    recorder.answers(2, Some(304)).await;
    let changed = recorder.passed().split_off(same.len());
    let whole = changed
        .iter()
        .filter(|exchange| exchange.status == Some(200))
        .count();
    assert_eq!(whole, 1, "{changed:?}");
    assert!(
        changed.iter().all(|exchange| exchange.conditional),
        "{changed:?}"
    );
    backstage.becomes(&service.catalog().await).await;
}
