//! Costs of a directory in Backstage, printed as rows of a table: `USERS=10000 tests/backstage/run
//! figures -- --ignored --nocapture --test-threads=1`.

use fake_authentik::{FakeAuthentik, FakeDirectory};
use serde_json::json;
use tokio::time::Instant;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup, TOKEN};
use crate::support::catalog::Catalog;
use crate::support::recorder::Recorder;
use crate::support::service::Service;
use crate::support::wait::wait_longer;

/// Number of users of the generated directory, unless `USERS` is set.
const USERS: usize = 1_000;

/// The cost of one change.
struct Cost {
    visible: f64,
    settled: f64,
    blocked: f64,
    bytes: usize,
    processed: usize,
}

/// A service behind a recorder, with more variables.
async fn service(authentik: &Authentik, recorder: &Recorder, more: &[(&str, &str)]) -> Service {
    let base = &recorder.base;
    let own = [
        ("ENTITY_PROVIDER_NAMES", "backstage"),
        ("ENTITY_PROVIDER_PUBLIC_URL", base),
    ];
    let service = Service::with(
        &authentik.base,
        FakeAuthentik::TOKEN,
        &[&own[..], more].concat(),
    )
    .await;
    service.sync().await;
    recorder.redirect(Some(&service.base));
    service
}

/// A service that has notified Backstage of its location.
async fn notifying(
    authentik: &Authentik,
    recorder: &Recorder,
    backstage: &Backstage,
    target: &str,
) -> Service {
    let variables = [
        (
            "ENTITY_PROVIDER_BACKSTAGE_BASE_URL",
            backstage.base.as_str(),
        ),
        ("ENTITY_PROVIDER_BACKSTAGE_TOKEN", TOKEN),
        ("ENTITY_PROVIDER_BACKSTAGE_LOCATIONS", target),
    ];
    let service = service(authentik, recorder, &variables).await;
    service
        .pushed(|push| push["waiting"] == 0 && push["error"].is_null())
        .await;
    service
}

/// Waits until Backstage shows all users and groups; polls with cheap queries.
async fn shown(backstage: &Backstage, promised: &Catalog) {
    let all = promised.refs();
    wait_longer("all are shown", async || {
        match backstage.database.count_shown().await {
            shown if shown == all.len() => Ok(()),
            shown => Err(format!("{shown} of {}", all.len())),
        }
    })
    .await;
}

/// Returns a user whose name needed no repair.
fn a_user(authentik: &Authentik, promised: &Catalog) -> String {
    let refs = promised.refs();
    let names = refs
        .iter()
        .filter_map(|at| at.strip_prefix("user:default/"));
    let mut found = None;
    authentik.fake.edit(|directory| {
        found = names
            .map(str::to_owned)
            .find(|name| directory.user_named(name).is_some());
    });
    found.unwrap()
}

/// Renames one user, lets the service push the change, and measures the cost.
async fn one_change(
    authentik: &Authentik,
    service: &Service,
    recorder: &Recorder,
    backstage: &Backstage,
) -> Cost {
    let name = a_user(authentik, &service.catalog().await);
    let entity_ref = format!("user:default/{name}");
    let (before, since) = (recorder.bytes(), backstage.database.now().await);
    backstage.load().await;
    authentik.fake.edit(|directory| {
        let pk = directory.user_named(&name).unwrap().pk;
        assert!(directory.edit_user(pk, |user| user.name = "Somebody Else".into()));
    });
    service.sync().await;
    let start = Instant::now();
    wait_longer("the changed user", async || {
        let shown = backstage.display_name(&entity_ref).await;
        if shown == "Somebody Else" {
            Ok(())
        } else {
            Err(shown)
        }
    })
    .await;
    let visible = start.elapsed().as_secs_f64();
    backstage.settles().await;
    let settled = start.elapsed().as_secs_f64();
    Cost {
        visible,
        settled,
        blocked: backstage.load().await.0,
        bytes: recorder.bytes() - before,
        processed: backstage.database.discovered_since(&since).await,
    }
}

/// Prints the costs of a setup, which gets the base URL of the service.
async fn measure(name: &str, setup: impl FnOnce(&str) -> Setup) {
    let users = std::env::var("USERS").map_or(USERS, |users| users.parse().unwrap());
    let authentik = Authentik::spawn(FakeDirectory::generate(users)).await;
    let recorder = Recorder::spawn("http://127.0.0.1:9").await;
    let filling = service(&authentik, &recorder, &[]).await;
    let promised = filling.catalog().await;
    let setup = setup(&recorder.base);
    let backstage = Backstage::spawn(&setup).await;
    let start = Instant::now();
    shown(&backstage, &promised).await;
    let (stored, (blocked, bytes)) = (start.elapsed().as_secs_f64(), backstage.load().await);
    backstage.settles().await;
    backstage.becomes(&promised).await;

    filling.stop().await;
    let service = match setup.targets.first() {
        Some(target) => notifying(&authentik, &recorder, &backstage, target).await,
        None => service(&authentik, &recorder, &[]).await,
    };
    backstage.settles().await;
    let cost = one_change(&authentik, &service, &recorder, &backstage).await;
    let all = promised.refs().len();
    println!(
        "| {users} | {name} | {stored:.0} s | {blocked:.1} s | {} MB | {:.1} s | {:.1} s | {} of {all} ({:.1} %) | {:.0} kB | {:.2} s |",
        bytes / 1_000_000,
        cost.visible,
        cost.settled,
        cost.processed,
        percent(cost.processed, all),
        cost.bytes as f64 / 1e3,
        cost.blocked
    );
    backstage.becomes(&service.catalog().await).await;
}

#[expect(clippy::cast_precision_loss, reason = "a share of some thousand")]
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole as f64
}

#[tokio::test]
#[ignore = "prints figures and checks only the content"]
async fn one_body() {
    measure("`/entities`", |base| {
        Setup::patient(&format!("{base}/entities"))
    })
    .await;
}

#[tokio::test]
#[ignore = "prints figures and checks only the content"]
async fn shards() {
    measure("`/locations?shards=64`", |base| {
        Setup::patient(&format!("{base}/locations?shards=64"))
    })
    .await;
}

#[tokio::test]
#[ignore = "prints figures and checks only the content"]
async fn provider_module() {
    measure("provider module", |base| Setup {
        entity_provider: Some(json!({ "baseUrl": base })),
        ..Setup::default()
    })
    .await;
}
