//! A change in Authentik changes the same entities in Backstage, and no others.

use std::collections::BTreeSet;

use fake_authentik::FakeDirectory;
use serde_json::json;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::service::Service;

/// Three users, one of them alone in a group, and two groups in a hierarchy.
fn team() -> FakeDirectory {
    let mut directory = FakeDirectory::default();
    let (ann, bob, eve) = (
        directory.add_user("ann"),
        directory.add_user("bob"),
        directory.add_user("eve"),
    );
    let (whole, part) = (directory.add_group("whole"), directory.add_group("part"));
    for (group, user) in [(whole, ann), (whole, bob), (part, eve)] {
        assert!(directory.add_member(group, user));
    }
    assert!(directory.set_parents(part, &[whole]));
    directory
}

#[tokio::test]
async fn a_changed_a_deleted_and_a_renamed_user_arrive() {
    let authentik = Authentik::spawn(team()).await;
    let service = Service::spawn(&authentik).await;
    service.sync().await;
    let backstage = Backstage::spawn(&Setup::eager(&service.entities_url())).await;
    backstage.becomes(&service.catalog().await).await;

    authentik.fake.edit(|directory| {
        let pk = |name| directory.user_named(name).unwrap().pk;
        let (ann, bob, eve) = (pk("ann"), pk("bob"), pk("eve"));
        directory.edit_user(ann, |user| user.name = "Ann Other".into());
        assert!(directory.remove_user(bob) && directory.rename(eve, "eva"));
    });
    service.sync().await;
    let promised = service.catalog().await;
    backstage.becomes(&promised).await;
    backstage.holds(&promised).await;

    let held = backstage.catalog().await;
    let refs = [
        "group:default/part",
        "group:default/whole",
        "user:default/ann",
        "user:default/eva",
    ];
    assert_eq!(held.refs(), BTreeSet::from(refs.map(str::to_owned)));
    assert_eq!(
        held.entity("user:default/ann")["spec"]["profile"]["displayName"],
        "Ann Other"
    );
    let part = &held.entity("group:default/part")["relations"];
    assert_eq!(
        *part,
        json!(["childOf group:default/whole", "hasMember user:default/eva"])
    );
}

#[tokio::test]
async fn a_refresh_brings_a_change_that_backstage_would_read_minutes_later() {
    let authentik = Authentik::spawn(team()).await;
    let service = Service::spawn(&authentik).await;
    service.sync().await;
    let backstage = Backstage::spawn(&Setup::patient(&service.entities_url())).await;
    backstage.becomes(&service.catalog().await).await;
    authentik.fake.edit(|directory| directory.add_user("new"));
    service.sync().await;
    backstage
        .refresh(&backstage.location_of(&service.entities_url()).await)
        .await;
    backstage.becomes(&service.catalog().await).await;
}
