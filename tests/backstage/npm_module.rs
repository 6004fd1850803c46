//! The npm module that this service replaces, in the same version of Backstage.

use std::collections::BTreeSet;

use fake_authentik::{FakeAuthentik, FakeDirectory};
use serde_json::json;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::presence::Watch;
use crate::support::service::Service;
use crate::support::wait::{wait_longer, wait_until};

/// Number of users, unless `USERS` is set.
const USERS: usize = 20;

/// Starts a Backstage and waits until the module has filled it with at least these entities.
pub async fn filled_by_the_module(authentik: &Authentik, wanted: &BTreeSet<String>) -> Backstage {
    // The module skips its first read, because the catalog does not exist yet.
    let schedule = json!({ "frequency": { "seconds": 5 }, "timeout": { "minutes": 1 } });
    let block =
        json!({ "baseUrl": authentik.base, "token": FakeAuthentik::TOKEN, "schedule": schedule });
    let backstage = Backstage::spawn(&Setup {
        npm_module: Some(block),
        ..Setup::default()
    })
    .await;
    wait_until("the npm module's entities", async || {
        let refs = backstage.catalog().await.refs();
        if refs.is_superset(wanted) {
            Ok(())
        } else {
            Err(format!("{refs:?}"))
        }
    })
    .await;
    backstage
}

/// A group and this many users, with names that Backstage accepts.
pub fn plain(users: usize) -> FakeDirectory {
    let mut directory = FakeDirectory::default();
    let group = directory.add_group("crew");
    for number in 1..=users {
        let user = directory.add_user(&format!("user-{number}"));
        assert!(directory.add_member(group, user));
    }
    directory
}

#[tokio::test]
async fn a_move_from_the_module_with_one_restart_ends_with_all_entities() {
    let users = std::env::var("USERS").map_or(USERS, |users| users.parse().unwrap());
    let authentik = Authentik::spawn(plain(users)).await;
    let service = Service::with(&authentik.base, FakeAuthentik::TOKEN, &[]).await;
    service.sync().await;
    let promised = service.catalog().await;
    let backstage = filled_by_the_module(&authentik, &promised.refs()).await;
    let watch = Watch::begin(&backstage.database, promised.refs());
    let backstage = backstage
        .restart(&Setup::patient(&service.entities_url()))
        .await;
    // Backstage still shows the module's equal entities for a moment.
    wait_longer("the location's entities", async || {
        let claimed = backstage.database.claimed().await;
        if claimed == promised.refs() {
            Ok(())
        } else {
            Err(format!("{claimed:?}"))
        }
    })
    .await;
    backstage.becomes(&promised).await;
    println!("from the module, one restart: {}", watch.end().await);
    assert!(backstage.database.errors().await.is_empty());
}
