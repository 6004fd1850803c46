//! A catalog read in shards equals one read as a whole; a change causes a read of its shard only.

use std::collections::BTreeSet;

use fake_authentik::FakeDirectory;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::catalog::Catalog;
use crate::support::recorder::Recorder;
use crate::support::service::Service;
use crate::support::wait::wait_until;

/// Number of shards.
const SHARDS: usize = 16;
/// The list of the shards.
const LIST: &str = "/locations?shards=16";
/// After six failures in a row Backstage drops the ETag and reads the whole body.
const LONG: usize = 8;

/// A catalog filled from shards.
struct Filled {
    authentik: Authentik,
    service: Service,
    recorder: Recorder,
    backstage: Backstage,
}

impl Filled {
    async fn spawn(directory: FakeDirectory) -> Self {
        let authentik = Authentik::spawn(directory).await;
        let service = Service::spawn(&authentik).await;
        service.sync().await;
        let recorder = Recorder::spawn(&service.base).await;
        let backstage = Backstage::spawn(&Setup::eager(&format!("{}{LIST}", recorder.base))).await;
        backstage.becomes(&service.catalog().await).await;
        Self {
            authentik,
            service,
            recorder,
            backstage,
        }
    }

    /// Waits until Backstage has found every shard and the list unchanged this many times.
    async fn unchanged(&self, count: usize) {
        self.recorder
            .rounds(self.recorder.passed().len(), SHARDS + 1, count, Some(304))
            .await;
    }

    /// Edits, syncs, waits until the change arrives, and returns the shards that were read for it.
    /// Other entities must be present all the time.
    async fn edit(&self, edit: impl FnOnce(&mut FakeDirectory)) -> BTreeSet<String> {
        let (before, mark) = (self.service.catalog().await, self.recorder.passed().len());
        self.authentik.fake.edit(edit);
        self.service.sync().await;
        let promised = self.service.catalog().await;
        let stay: BTreeSet<_> = before
            .refs()
            .intersection(&promised.refs())
            .cloned()
            .collect();
        self.arrives(&promised, &stay).await;
        self.unchanged(1).await;
        self.backstage.holds(&promised).await;
        self.recorder.paths(mark, 200)
    }

    async fn arrives(&self, promised: &Catalog, stay: &BTreeSet<String>) {
        wait_until("the change", async || {
            let held = self.backstage.catalog().await;
            let missing: Vec<_> = stay.difference(&held.refs()).cloned().collect();
            assert!(missing.is_empty(), "missing for a moment: {missing:?}");
            promised.compare(&held)
        })
        .await;
    }
}

/// Returns the URL of a shard.
fn part(index: usize) -> String {
    format!("/entities?shard={index}/{SHARDS}")
}

#[tokio::test]
async fn the_shards_together_are_all_entities_and_a_changed_user_changes_one_shard() {
    let filled = Filled::spawn(FakeDirectory::generate(200)).await;
    let promised = filled.service.catalog().await;
    assert!(promised.has_relation("memberOf") && promised.has_relation("childOf"));
    filled.backstage.holds(&promised).await;
    assert!(filled.backstage.database.errors().await.is_empty());

    filled.unchanged(2).await;
    // A slow Backstage reads a location again before it has stored the first answer.
    assert!(
        filled
            .recorder
            .passed()
            .iter()
            .all(|exchange| exchange.conditional == (exchange.status == Some(304)))
    );
    let mut expected: BTreeSet<_> = (0..SHARDS).map(part).collect();
    expected.insert(LIST.to_owned());
    assert_eq!(filled.recorder.paths(0, 200), expected);

    let read = filled
        .edit(|directory| {
            let pk = directory
                .users()
                .iter()
                .find(|user| user.is_active)
                .unwrap()
                .pk;
            assert!(directory.edit_user(pk, |user| user.name = "Somebody Else".into()));
        })
        .await;
    assert_eq!(read.len(), 1, "{read:?}");
}

#[tokio::test]
async fn a_renamed_user_moves_to_another_shard_and_a_deleted_user_disappears() {
    let mut directory = FakeDirectory::generate(50);
    // The user is in no group, so no other shard changes.
    let loner = directory.add_user("loner");
    let filled = Filled::spawn(directory).await;
    let read = filled
        .edit(|directory| assert!(directory.rename(loner, "stranger")))
        .await;
    // printf %s user:default/loner | sha256sum, and of user:default/stranger
    assert_eq!(read, BTreeSet::from([part(1), part(11)]));
    let refs = filled.service.catalog().await.refs();
    assert!(refs.contains("user:default/stranger") && !refs.contains("user:default/loner"));

    let read = filled
        .edit(|directory| assert!(directory.remove_user(loner)))
        .await;
    assert_eq!(read, BTreeSet::from([part(11)]));
    assert!(
        !filled
            .service
            .catalog()
            .await
            .refs()
            .contains("user:default/stranger")
    );
}

#[tokio::test]
async fn no_entity_is_lost_while_the_service_is_down_or_has_no_snapshot() {
    let Filled {
        authentik,
        service,
        recorder,
        backstage,
    } = Filled::spawn(FakeDirectory::generate(50)).await;
    let promised = service.catalog().await;
    let mark = recorder.passed().len();
    recorder.redirect(None);
    service.stop().await;
    recorder.rounds(mark, SHARDS + 1, 2, None).await;
    backstage.holds(&promised).await;

    let service = Service::spawn(&authentik).await;
    let mark = recorder.passed().len();
    recorder.redirect(Some(&service.base));
    recorder.rounds(mark, SHARDS, LONG, Some(503)).await;
    backstage.holds(&promised).await;

    service.sync().await;
    recorder
        .rounds(recorder.passed().len(), SHARDS + 1, 1, Some(304))
        .await;
    backstage.becomes(&promised).await;
    backstage.holds(&promised).await;
}
