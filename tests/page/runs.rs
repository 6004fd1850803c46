//! Runs: requested with progress, shown in the timeline, held and accepted.

use fake_authentik::{Action, FakeDirectory, Gate, ScriptStep, Target};

use super::browser::Browser;
use super::service::Service;

#[tokio::test]
async fn a_sync_is_requested_and_followed_with_its_progress() {
    let service = Service::synced(FakeDirectory::generate(500)).await;
    let gate = Gate::new();
    service
        .fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)).page(3));
    service.fake.edit(|directory| directory.add_user("zed"));
    let browser = Browser::open(&service).await;
    browser.click("Full sync").await;
    gate.waiting(1).await;
    browser.see("facts", "a run is in progress").await;
    let bar =
        "(({ value, max }) => value > 0 && value < max)(document.getElementById('progress-bar'))";
    assert_eq!(browser.evaluate(bar).await, true);
    gate.open();
    browser
        .see(
            "sync-answer",
            "The run succeeded: 1 added, 0 changed, 0 removed.",
        )
        .await;
    let bars = "document.querySelectorAll('#timeline .run.succeeded').length";
    assert_eq!(browser.evaluate(bars).await, 2);
    browser.close().await;
}

#[tokio::test]
async fn a_held_run_is_looked_into_and_accepted() {
    let service = Service::synced(FakeDirectory::generate(200)).await;
    service.fake.edit(|directory| {
        let users: Vec<_> = directory.users().iter().map(|user| user.pk).collect();
        for pk in users.into_iter().skip(40) {
            assert!(directory.remove_user(pk));
        }
    });
    let browser = Browser::open(&service).await;
    browser.click("Full sync").await;
    browser.see("sync-answer", "The run was held").await;
    browser
        .see("problems", "The last run was held (shrink)")
        .await;
    browser
        .evaluate("document.querySelector('#run-table button').click()")
        .await;
    browser.see("run-detail", "Nothing was published").await;
    browser.see("run-detail", "user:default/").await;
    browser.click("Accept these changes …").await;
    browser.evaluate("document.activeElement.click()").await;
    browser.see("sync-answer", "The run succeeded").await;
    browser.see("state", "OK.").await;
    browser.see("run-table", "held").await;
    browser.close().await;
}

#[tokio::test]
async fn a_failed_run_shows_its_reason_and_the_snapshot_stays() {
    let service = Service::synced(FakeDirectory::generate(20)).await;
    service.fake.revoke(fake_authentik::FakeAuthentik::TOKEN);
    let browser = Browser::open(&service).await;
    browser.click("Sync now").await;
    browser.see("sync-answer", "The run failed").await;
    browser.see("state", "Degraded").await;
    browser.see("problems", "(token)").await;
    browser.see("facts", "users").await;
    browser.close().await;
}
