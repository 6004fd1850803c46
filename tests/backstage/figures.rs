//! What a directory costs Backstage, printed: `tests/backstage/run figures -- --ignored --nocapture`.

use std::time::Instant;

use authentik_entity_provider::authentik::fake::FakeDirectory;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::service::Service;

/// How many users the invented directory has, if `USERS` does not say so.
const USERS: usize = 1_000;

/// Prints how long something took and what it cost.
async fn tell(what: &str, start: Instant, backstage: &Backstage) {
    let (block, bytes) = backstage.load().await;
    let seconds = start.elapsed().as_secs_f64();
    println!("{what}: {seconds:.1} s, event loop blocked {block:.2} s, {} MB", bytes / 1_000_000);
}

#[tokio::test]
#[ignore = "prints figures and judges nothing but the content"]
async fn the_first_reading_and_one_change() {
    let users = std::env::var("USERS").map_or(USERS, |users| users.parse().unwrap());
    let authentik = Authentik::spawn(FakeDirectory::generate(users)).await;
    let service = Service::spawn(&authentik).await;
    service.sync().await;
    let target = service.entities_url();
    let backstage = Backstage::spawn(&Setup::patient(&target)).await;
    let start = Instant::now();
    backstage.becomes(&service.catalog().await).await;
    tell(&format!("{users} users, until all are there"), start, &backstage).await;

    authentik.fake.edit(|directory| directory.add_user("new"));
    service.sync().await;
    let location = backstage.location_of(&target).await;
    let start = Instant::now();
    backstage.refresh(&location).await;
    backstage.becomes(&service.catalog().await).await;
    tell("one user more, from the refresh on", start, &backstage).await;
}
