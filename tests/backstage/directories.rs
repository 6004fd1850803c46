//! Two directories with equal pks and names in one Backstage.

use std::collections::BTreeSet;

use fake_authentik::{FakeAuthentik, FakeDirectory};

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::catalog::Catalog;
use crate::support::service::Service;
use crate::support::wait::wait_until;

/// A directory with the service that reads it.
struct Side {
    authentik: Authentik,
    service: Service,
}

impl Side {
    /// Starts a service that has synced. An empty namespace leaves the defaults.
    async fn spawn(directory: FakeDirectory, namespace: &str) -> Self {
        let authentik = Authentik::spawn(directory).await;
        let variables = [
            ("ENTITY_PROVIDER_NAMES", "backstage"),
            ("ENTITY_PROVIDER_NAMESPACE", namespace),
            ("ENTITY_PROVIDER_LOCATION_PREFIX", namespace),
        ];
        let service = Service::with(&authentik.base, FakeAuthentik::TOKEN, &variables).await;
        service.sync().await;
        Self { authentik, service }
    }

    async fn catalog(&self) -> Catalog {
        self.service.catalog().await
    }
}

/// Starts a Backstage that reads the locations of both services.
async fn backstage(sides: [&Side; 2], path: &str) -> Backstage {
    let setup = Setup {
        targets: sides
            .map(|side| format!("{}{path}", side.service.base))
            .into(),
        ..Setup::eager("")
    };
    Backstage::spawn(&setup).await
}

#[tokio::test]
async fn namespaces_and_location_prefixes_keep_two_directories_apart() {
    let acme = Side::spawn(FakeDirectory::generate(60), "acme").await;
    let other = Side::spawn(FakeDirectory::generate(40), "").await;
    let backstage = backstage([&acme, &other], "/locations?shards=4").await;
    let (of_acme, of_other) = (acme.catalog().await, other.catalog().await);
    assert!(of_acme.has_relation("memberOf") && of_acme.has_relation("childOf"));
    assert!(of_acme.refs().iter().all(|at| at.contains(":acme/")));
    assert!(of_other.refs().iter().all(|at| at.contains(":default/")));
    // Each catalog is complete by itself, so no relation leaves its namespace.
    assert_eq!(of_acme.dangling(), Vec::<String>::new());
    assert_eq!(of_other.dangling(), Vec::<String>::new());
    backstage
        .becomes(&of_acme.clone().with(of_other.clone()))
        .await;

    acme.authentik.fake.edit(|directory| {
        let active = directory.users().iter().find(|user| user.is_active);
        let pk = active.unwrap().pk;
        assert!(directory.remove_user(pk));
    });
    acme.service.sync().await;
    let smaller = acme.catalog().await;
    assert_eq!(smaller.refs().len() + 1, of_acme.refs().len());
    backstage.becomes(&smaller.with(of_other)).await;
}

#[tokio::test]
async fn without_namespaces_one_directory_hides_equal_names_of_the_other() {
    let first = Side::spawn(FakeDirectory::generate(40), "").await;
    let second = Side::spawn(renamed(FakeDirectory::generate(20)), "").await;
    let backstage = backstage([&first, &second], "/entities").await;
    let sides = [first.catalog().await, second.catalog().await];
    let [refs, other_refs] = sides.each_ref().map(Catalog::refs);
    let both: BTreeSet<_> = refs.intersection(&other_refs).cloned().collect();
    assert!(both.len() > 10, "{both:?}");
    let all: BTreeSet<_> = refs.union(&other_refs).cloned().collect();
    wait_until("all refs", async || {
        let shown = backstage.catalog().await.refs();
        if shown == all {
            Ok(())
        } else {
            Err(format!("{shown:?}"))
        }
    })
    .await;
    let shown = backstage.catalog().await;
    let spec = |catalog: &Catalog, at: &String| catalog.entity(at)["spec"].clone();
    let is_of = |side: &Catalog| {
        let mut users = both.iter().filter(|at| at.starts_with("user:"));
        users.all(|at| spec(&shown, at) == spec(side, at))
    };
    assert!(sides.iter().any(is_of), "equal refs belong to one side");
}

/// Gives every user another display name.
fn renamed(mut directory: FakeDirectory) -> FakeDirectory {
    let pks: Vec<_> = directory.users().iter().map(|user| user.pk).collect();
    for pk in pks {
        assert!(directory.edit_user(pk, |user| user.name = format!("User {pk}")));
    }
    directory
}
