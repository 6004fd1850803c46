//! The state, the readers, the findings and the tree.

use authentik_entity_provider::config::DatabaseConfig;
use fake_authentik::{FakeDirectory, FakeGroup, FakeUser};
use reqwest::header::{ACCEPT, IF_NONE_MATCH, USER_AGENT};
use uuid::Uuid;

use super::browser::{Browser, Window};
use super::service::{Service, client};

/// Two levels of groups.
fn tree() -> FakeDirectory {
    let mut directory = FakeDirectory::default();
    for (pk, name) in [(1, "ada"), (2, "bob"), (3, "cyd")] {
        directory.insert_user(FakeUser::new(pk, name));
    }
    let [upper, lower] = [1, 2].map(Uuid::from_u128);
    directory.insert_group(FakeGroup::new(upper, "engineering"));
    directory.insert_group(FakeGroup::new(lower, "platform"));
    assert!(directory.set_parents(lower, &[upper]));
    for (group, user) in [(upper, 1), (lower, 2), (lower, 3)] {
        assert!(directory.add_member(group, user));
    }
    directory
}

#[tokio::test]
async fn the_state_is_shown_before_and_after_the_first_snapshot() {
    let service = Service::spawn(tree(), |_| ()).await;
    let browser = Browser::open(&service).await;
    browser
        .see("state", "Starting: there is no snapshot yet")
        .await;
    browser.see("facts", "no schedule").await;
    browser.click("Sync now").await;
    browser.see("facts", "3 users and 2 groups").await;
    browser.see("state", "OK. Version").await;
    browser.see("facts", "full sync succeeded").await;
    browser.close().await;
}

#[tokio::test]
async fn a_replica_without_its_database_says_so() {
    let service = Service::spawn(tree(), |config| {
        config.service.database = Some(DatabaseConfig {
            url: "postgres://127.0.0.1:1/unreachable".into(),
        });
    })
    .await;
    let browser = Browser::open(&service).await;
    browser.see("facts", "0 live; none syncs").await;
    browser
        .see(
            "problems",
            "Database of the replicas: the database cannot be reached",
        )
        .await;
    browser.close().await;
}

#[tokio::test]
async fn a_browser_at_the_list_of_entities_gets_the_page() {
    let service = Service::synced(tree()).await;
    let browser = Browser::open_at(&service.url("entities"), Window::Light).await;
    browser.see("facts", "3 users").await;
    assert_eq!(browser.url().await, service.base);
    browser.close().await;
    let answer = client().get(service.url("entities")).header(ACCEPT, "*/*");
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/yaml");
}

#[tokio::test]
async fn the_tree_opens_by_keyboard_and_leads_to_the_explanation_of_a_group() {
    let service = Service::synced(tree()).await;
    let browser = Browser::open(&service).await;
    browser.see("group-tree", "engineering").await;
    browser
        .evaluate("document.querySelector('#group-tree summary').focus()")
        .await;
    browser.press(" ").await;
    browser.see("group-tree", "(platform), 2 members").await;
    browser.click("platform").await;
    browser.see("explanation", "What Backstage gets").await;
    browser.see("explanation", "the members are 2 of 2").await;
    browser.close().await;
}

#[tokio::test]
async fn a_reader_is_shown_with_its_last_answer_and_the_page_is_none() {
    let service = Service::synced(tree()).await;
    let browser = Browser::open(&service).await;
    browser
        .see("reader-table", "No client has read the entities")
        .await;
    let read = || {
        client()
            .get(service.url("entities?kind=user&token=unknown-here"))
            .header(USER_AGENT, "backstage")
    };
    let tag = read().send().await.unwrap().headers()["etag"].clone();
    browser.see("reader-table", "200, entities sent").await;
    read().header(IF_NONE_MATCH, tag).send().await.unwrap();
    browser.see("reader-table", "304, unchanged").await;
    let shown = browser.text("reader-table").await;
    assert!(
        shown.contains("/entities?kind=user") && shown.contains("backstage"),
        "{shown}"
    );
    assert!(
        !shown.contains("unknown-here") && !shown.contains("Mozilla"),
        "{shown}"
    );
    browser.close().await;
}

#[tokio::test]
async fn findings_are_grouped_with_their_remedy() {
    let mut directory = tree();
    for (pk, name) in [(4, "Ada"), (5, "ADA")] {
        directory.insert_user(FakeUser::new(pk, name));
    }
    let service = Service::synced(directory).await;
    let browser = Browser::open(&service).await;
    browser.click("name-collision (2)").await;
    browser.see("finding-list", "Remedy: ").await;
    browser.see("finding-list", "ADA").await;
    browser.close().await;
}

#[tokio::test]
async fn nothing_is_loaded_from_elsewhere_and_a_phone_need_not_scroll_sideways() {
    let service = Service::synced(FakeDirectory::generate(50)).await;
    let browser = Browser::open_at(&service.base, Window::Phone).await;
    browser.see("group-tree", "members").await;
    let elsewhere = browser
        .evaluate(
            "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => !name.startsWith(location.origin))",
        )
        .await;
    assert_eq!(elsewhere, serde_json::json!([]));
    let widths = browser
        .evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        .await;
    assert_eq!(widths[0], widths[1]);
    browser.close().await;
}

#[tokio::test]
async fn thousands_of_groups_are_a_tree_that_can_be_used() {
    let mut directory = tree();
    let upper = Uuid::from_u128(1);
    for number in 100..3_100 {
        let (beside, below) = (Uuid::from_u128(number), Uuid::from_u128(number + 10_000));
        directory.insert_group(FakeGroup::new(beside, &format!("beside-{number}")));
        directory.insert_group(FakeGroup::new(below, &format!("below-{number}")));
        assert!(directory.set_parents(below, &[upper]));
    }
    let service = Service::synced(directory).await;
    let browser = Browser::open(&service).await;
    browser.see("group-tree", "beside-3099").await;
    let shown = "document.querySelectorAll('#group-tree li').length";
    assert_eq!(
        browser.evaluate(shown).await,
        3_001,
        "closed branches are not built"
    );
    browser
        .evaluate("document.querySelector('#group-tree summary').click()")
        .await;
    browser.see("group-tree", "below-3099").await;
    browser.click("below-100").await;
    browser.see("explanation", "group below-100").await;
    browser.close().await;
}
