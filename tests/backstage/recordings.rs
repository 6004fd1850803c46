//! Backstage accepts the entities of recorded directories, and rejects exactly those named in
//! findings.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::backstage::{Backstage, Setup};
use crate::support::replay::{FULL, Replay};
use crate::support::service::Service;

const RELEASES: [&str; 2] = ["2025.10", "2026.5"];

/// Starts a service in front of a replay; returns it with its first run.
async fn replayed(release: &'static str, names: &str) -> (Service, Value) {
    let replay = Replay::spawn(release).await;
    let service = Service::with(&replay.base, FULL, &[("ENTITY_PROVIDER_NAMES", names)]).await;
    let run = service.sync().await;
    (service, run)
}

/// Returns the refs of the entities that Backstage rejects by the findings of a run.
fn refused(run: &Value) -> BTreeSet<String> {
    let findings = run["findingList"].as_array().unwrap().iter();
    let refused = findings.filter(|finding| finding["code"] == "name-refused");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_lowercase();
    refused
        .map(|finding| {
            format!(
                "{}:default/{}",
                text(finding, "kind"),
                text(finding, "name")
            )
        })
        .collect()
}

#[tokio::test]
async fn every_repaired_entity_is_accepted() {
    for release in RELEASES {
        let (service, run) = replayed(release, "backstage").await;
        assert_eq!(refused(&run), BTreeSet::new());
        let promised = service.catalog().await;
        let backstage = Backstage::spawn(&Setup::patient(&service.entities_url())).await;
        backstage.becomes(&promised).await;
        backstage.refuses(&BTreeSet::new()).await;
        assert_eq!(promised.dangling(), [""; 0]);
    }
}

#[tokio::test]
async fn exactly_the_unrepaired_names_in_the_findings_are_refused() {
    for release in RELEASES {
        let (service, run) = replayed(release, "npm-module").await;
        let refused = refused(&run);
        assert!(refused.len() > 4, "{refused:?}");
        let backstage = Backstage::spawn(&Setup::patient(&service.entities_url())).await;
        backstage.refuses(&refused).await;
        backstage
            .becomes(&service.catalog().await.without(&refused))
            .await;
    }
}
