//! The service pushes changed locations to Backstage, so that a change arrives long before the
//! next poll.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fake_authentik::{FakeAuthentik, FakeDirectory};
use serde_json::{Value, json};

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup, Site, TOKEN};
use crate::support::recorder::Recorder;
use crate::support::service::Service;
use crate::support::wait::wait_until;

/// Longer than any test, so that a change never arrives by polling.
const NEVER: Duration = Duration::from_hours(24);

/// A service that pushes to a Backstage, and the Backstage that reads it.
struct Pushing {
    authentik: Authentik,
    service: Service,
    recorder: Recorder,
    backstage: Backstage,
    setup: Setup,
}

impl Pushing {
    /// Lets Backstage read all locations below a target from a service without a snapshot; then
    /// syncs.
    async fn spawn(path: &str, locations: usize, interval: Option<Duration>) -> Self {
        let authentik = Authentik::spawn(FakeDirectory::generate(200)).await;
        let (site, recorder) = (Site::free().await, Recorder::spawn_cut().await);
        let target = format!("{}{path}", recorder.base);
        let service = pushing(&authentik, &site, TOKEN, &target).await;
        recorder.redirect(Some(&service.base));
        let setup = Setup {
            interval,
            ..Setup::patient(&target)
        };
        let backstage = site.start(&setup).await;
        recorder.rounds(0, locations, 1, Some(503)).await;
        service.sync().await;
        let pushing = Self {
            authentik,
            service,
            recorder,
            backstage,
            setup,
        };
        pushing.arrives().await;
        pushing
    }

    /// Changes the display name of one user and syncs; no group changes.
    async fn edit(&self) -> Value {
        self.commit();
        self.service.sync().await
    }

    /// Changes the display name of one user in Authentik.
    fn commit(&self) {
        self.authentik.fake.edit(|directory| {
            let pk = directory
                .users()
                .iter()
                .find(|user| user.is_active)
                .unwrap()
                .pk;
            assert!(directory.edit_user(pk, |user| user.name = "Somebody Else".into()));
        });
    }

    /// Waits until Backstage shows the changed user.
    async fn shows_the_change(&self) {
        wait_until("the changed user", async || {
            let shown = self.backstage.everything().await;
            let found = shown.contains("Somebody Else");
            if found { Ok(()) } else { Err("not yet") }
        })
        .await;
    }

    /// Waits until Backstage shows the service's entities.
    async fn arrives(&self) {
        self.backstage.becomes(&self.service.catalog().await).await;
    }
}

/// A service that pushes changes of one location to a Backstage.
async fn pushing(authentik: &Authentik, site: &Site, token: &str, target: &str) -> Service {
    let more = [
        ("ENTITY_PROVIDER_NAMES", "backstage"),
        ("ENTITY_PROVIDER_BACKSTAGE_BASE_URL", site.base.as_str()),
        ("ENTITY_PROVIDER_BACKSTAGE_TOKEN", token),
        (
            "ENTITY_PROVIDER_BACKSTAGE_LOCATIONS",
            &json!([target]).to_string(),
        ),
    ];
    Service::with(&authentik.base, FakeAuthentik::TOKEN, &more).await
}

#[tokio::test]
async fn a_change_of_a_plain_location_arrives_long_before_a_poll() {
    let pushing = Pushing::spawn("/entities", 1, None).await;
    let first = pushing.service.pushed(|push| push["refreshed"] == 1).await;
    let start = Instant::now();
    assert_eq!(pushing.edit().await["changed"], 1);
    pushing.arrives().await;
    println!(
        "plain: visible {:.1} s after the edit",
        start.elapsed().as_secs_f64()
    );
    let push = pushing
        .service
        .pushed(|push| push["at"] != first["at"])
        .await;
    assert_eq!(
        (&push["refreshed"], &push["unknown"], &push["waiting"]),
        (&1.into(), &0.into(), &0.into())
    );
}

#[tokio::test]
async fn only_the_changed_shard_is_read_long_before_a_poll() {
    let pushing = Pushing::spawn("/locations?shards=16", 16, None).await;
    pushing.service.pushed(|push| push["refreshed"] == 16).await;
    let (start, mark) = (Instant::now(), pushing.recorder.passed().len());
    assert_eq!(pushing.edit().await["changed"], 1);
    pushing.arrives().await;
    println!(
        "shards: visible {:.1} s after the edit",
        start.elapsed().as_secs_f64()
    );
    let push = pushing.service.pushed(|push| push["refreshed"] == 1).await;
    assert_eq!((&push["unknown"], &push["waiting"]), (&0.into(), &0.into()));
    let read = pushing.recorder.paths(mark, 200);
    assert!(
        read.len() == 1 && read.iter().all(|path| path.starts_with("/entities?shard=")),
        "{read:?}"
    );
    let list = BTreeSet::from(["/locations?shards=16".to_owned()]);
    assert_eq!(
        pushing.recorder.paths(mark, 304),
        list,
        "Backstage reads only the list and the shard"
    );
}

#[tokio::test]
async fn a_webhook_of_authentik_makes_a_change_visible_without_a_poll() {
    let pushing = Pushing::spawn("/entities", 1, Some(NEVER)).await;
    pushing.service.pushed(|push| push["refreshed"] == 1).await;
    let start = Instant::now();
    pushing.commit();
    pushing.service.notify().await;
    pushing.shows_the_change().await;
    println!(
        "webhook: visible {:.1} s after the change in Authentik",
        start.elapsed().as_secs_f64()
    );
    let run = pushing.service.last_run().await;
    assert_eq!(
        [&run["trigger"], &run["mode"], &run["changed"]],
        [&json!("webhook"), &json!("incremental"), &json!(1)],
        "{run}"
    );
    pushing.arrives().await;
}

#[tokio::test]
async fn a_change_during_an_outage_of_backstage_is_pushed_afterwards() {
    let pushing = Pushing::spawn("/entities", 1, Some(NEVER)).await;
    pushing.service.pushed(|push| push["refreshed"] == 1).await;
    let Pushing {
        authentik,
        service,
        recorder,
        backstage,
        setup,
    } = pushing;
    let site = backstage.stop().await;
    authentik.fake.edit(|directory| directory.add_user("new"));
    service.sync().await;
    let failed = service.pushed(|push| push["waiting"] == 1).await;
    assert_eq!(failed["error"]["code"], "backstage-unreachable", "{failed}");
    let mark = recorder.passed().len();
    let backstage = site.start(&setup).await;
    backstage.becomes(&service.catalog().await).await;
    assert_eq!(recorder.paths(mark, 200).len(), 1);
    service
        .pushed(|push| push["waiting"] == 0 && push["refreshed"] == 1)
        .await;
}

#[tokio::test]
async fn an_unknown_location_and_a_wrong_token_are_reported() {
    let authentik = Authentik::spawn(FakeDirectory::generate(5)).await;
    let backstage = Backstage::spawn(&Setup::default()).await;
    let site = Site {
        base: backstage.base.clone(),
        database: backstage.database.clone(),
    };
    let target = "http://entities.example.com/entities";
    let service = pushing(&authentik, &site, TOKEN, target).await;
    service.sync().await;
    let push = service.pushed(|push| push["unknown"] == 1).await;
    assert_eq!(
        (&push["waiting"], &push["error"]),
        (&0.into(), &Value::Null),
        "{push}"
    );

    let service = pushing(&authentik, &site, "not-a-token-of-this-backstage", target).await;
    service.sync().await;
    let push = service.pushed(|push| push["waiting"] == 1).await;
    assert_eq!(push["error"]["code"], "backstage-token", "{push}");
    assert!(
        push["error"]["message"].as_str().unwrap().contains("401"),
        "{push}"
    );
}
