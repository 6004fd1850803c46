//! The catalog moves to another source of users and groups by the steps of the guide; no entity
//! disappears.

use std::collections::BTreeSet;

use fake_authentik::{FakeAuthentik, FakeDirectory};
use serde_json::Value;

use crate::npm_module::{filled_by_the_module, plain};
use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::catalog::Catalog;
use crate::support::client;
use crate::support::presence::Watch;
use crate::support::service::Service;
use crate::support::wait::wait_longer;

const GUIDE: &str = include_str!("../../docs/backstage.md");
/// The guide's example address of the service.
const EXAMPLE: &str = "http://entities.example.com:8080";
/// The default body, shards, more shards, and those with a token, which changes the URL.
const LAYOUTS: [&str; 4] = [
    "/entities",
    "/locations?shards=4",
    "/locations?shards=16",
    "/locations?shards=16&token=a-read-token-for-tests-only",
];
/// Number of users, unless `USERS` is set.
const USERS: usize = 50;

fn users() -> usize {
    std::env::var("USERS").map_or(USERS, |users| users.parse().unwrap())
}

/// Returns the statement below a heading of the guide, for this service.
fn statement(heading: &str, service: &Service) -> String {
    let (_, below) = GUIDE
        .split_once(&format!("\n### {heading}\n"))
        .expect(heading);
    let (_, block) = below.split_once("```sql\n").expect("a statement");
    block
        .split("```")
        .next()
        .unwrap()
        .replace(EXAMPLE, &service.base)
}

/// Returns the URLs that contain the entities of a target: the target itself, or those that it
/// lists.
async fn sources(target: &str) -> BTreeSet<String> {
    let separator = if target.contains('?') { '&' } else { '?' };
    let listed = client()
        .get(format!("{target}{separator}format=json"))
        .send()
        .await
        .unwrap();
    let listed: Vec<Value> = serde_json::from_str(&listed.text().await.unwrap()).unwrap();
    let listed = listed.iter().filter(|entity| entity["kind"] == "Location");
    let listed: BTreeSet<_> = listed
        .map(|at| format!("url:{}", at["spec"]["target"].as_str().unwrap()))
        .collect();
    if listed.is_empty() {
        [format!("url:{target}")].into()
    } else {
        listed
    }
}

/// Waits until a target owns all entities and Backstage has processed them.
async fn taken_over(backstage: &Backstage, promised: &Catalog, target: &str) {
    let sources = sources(target).await;
    wait_longer(&format!("all belong to {target}"), async || {
        let mut owners = backstage.database.owners().await;
        // An entity that is no longer served has no owner until Backstage removes it.
        owners.retain(|_, owner| !owner.is_empty());
        let done = owners.keys().eq(&promised.refs())
            && owners.values().all(|owner| sources.contains(owner));
        if done {
            Ok(())
        } else {
            Err(format!("{owners:#?}"))
        }
    })
    .await;
    backstage.settles().await;
}

/// Starts a service and returns the catalog that Backstage should show.
async fn service(authentik: &Authentik, names: &str) -> (Service, Catalog) {
    let names = [("ENTITY_PROVIDER_NAMES", names)];
    let service = Service::with(&authentik.base, FakeAuthentik::TOKEN, &names).await;
    service.sync().await;
    let promised = service.catalog().await;
    (service, promised)
}

#[tokio::test]
async fn the_modules_entities_are_taken_over_without_an_absence() {
    let authentik = Authentik::spawn(plain(users())).await;
    let (service, before) = service(&authentik, "npm-module").await;
    let backstage = filled_by_the_module(&authentik, &before.refs()).await;
    let target = service.entities_url();
    // The module still served this user; the service never does.
    authentik
        .fake
        .edit(|directory| directory.remove_user(directory.user_named("user-1").unwrap().pk));
    service.sync().await;
    let promised = service.catalog().await;
    let watch = Watch::begin(&backstage.database, promised.refs());

    let release = statement("From the npm module to a location", &service);
    let keeping = Setup {
        keep_orphans: true,
        ..Setup::patient(&target)
    };
    let backstage = backstage.restart_after(&release, &keeping).await;
    taken_over(&backstage, &promised, &target).await;
    let backstage = backstage.restart(&Setup::patient(&target)).await;
    backstage.becomes(&promised).await;

    let absence = watch.end().await;
    println!("from the module, in place: {absence}");
    assert!(absence.refs.is_empty(), "{absence:?}");
    backstage.holds(&promised).await;
    assert!(backstage.database.errors().await.is_empty());
}

#[tokio::test]
async fn another_layout_takes_all_entities_over_without_an_absence() {
    let authentik = Authentik::spawn(FakeDirectory::generate(users())).await;
    let (service, promised) = service(&authentik, "backstage").await;
    let release = statement("To another target", &service);
    let targets = LAYOUTS.map(|layout| format!("{}{layout}", service.base));
    let mut backstage = Backstage::spawn(&Setup::patient(&targets[0])).await;
    backstage.becomes(&promised).await;
    for pair in targets.windows(2) {
        let [old, new] = pair else {
            unreachable!("windows of two")
        };
        let watch = Watch::begin(&backstage.database, promised.refs());
        let both = Setup {
            targets: pair.to_vec(),
            ..Setup::default()
        };
        backstage = backstage.restart_after(&release, &both).await;
        taken_over(&backstage, &promised, new).await;
        backstage = backstage.restart(&Setup::patient(new)).await;
        backstage.becomes(&promised).await;
        let absence = watch.end().await;
        println!("{old} to {new}, in place: {absence}");
        assert!(absence.refs.is_empty(), "{absence:?}");
    }
    backstage.holds(&promised).await;
}

#[tokio::test]
async fn another_layout_with_one_restart_ends_with_all_entities() {
    let authentik = Authentik::spawn(FakeDirectory::generate(users())).await;
    let (service, promised) = service(&authentik, "backstage").await;
    let targets = LAYOUTS.map(|layout| format!("{}{layout}", service.base));
    let mut backstage = Backstage::spawn(&Setup::patient(&targets[0])).await;
    backstage.becomes(&promised).await;
    for pair in targets.windows(2) {
        let watch = Watch::begin(&backstage.database, promised.refs());
        backstage = backstage.restart(&Setup::patient(&pair[1])).await;
        taken_over(&backstage, &promised, &pair[1]).await;
        backstage.becomes(&promised).await;
        println!(
            "{} to {}, one restart: {}",
            pair[0],
            pair[1],
            watch.end().await
        );
    }
    backstage.holds(&promised).await;
}
