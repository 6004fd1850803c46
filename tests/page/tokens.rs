//! The form for tokens.

use fake_authentik::FakeDirectory;
use serde_json::json;

use super::browser::Browser;
use super::service::Service;

const READ_TOKEN: &str = "rEaD7xW2vK9pLmR4tY8uB3nC6hJ1sD5f";
const SYNC_TOKEN: &str = "sYnC4tG7bN1mK8jH5gF2dS9aP6oI3uYq";

async fn guarded() -> Service {
    Service::spawn(FakeDirectory::generate(20), |config| {
        config.service.auth.read_tokens = vec![READ_TOKEN.into()];
        config.service.auth.sync_tokens = vec![SYNC_TOKEN.into()];
    })
    .await
}

async fn submit(browser: &Browser, read: &str, sync: &str) {
    browser.fill("read-token", read).await;
    browser.fill("sync-token", sync).await;
    browser.click("Use tokens").await;
}

#[tokio::test]
async fn data_and_buttons_need_their_tokens_which_end_with_the_page() {
    let service = guarded().await;
    let browser = Browser::open(&service).await;
    browser.see("state", "Starting").await;
    browser.see("run-table", "A token is needed").await;
    submit(&browser, "wrong", "").await;
    browser.see("token-answer", "another token").await;
    submit(&browser, READ_TOKEN, "").await;
    browser.see("run-table", "Started").await;
    browser.click("Sync now").await;
    browser
        .see("sync-answer", "this request needs a token")
        .await;
    submit(&browser, READ_TOKEN, SYNC_TOKEN).await;
    browser.click("Sync now").await;
    browser.see("sync-answer", "The run succeeded").await;
    browser.see("group-tree", "members").await;
    let kept = "[location.href, document.cookie, localStorage.length, sessionStorage.length]";
    assert_eq!(
        browser.evaluate(kept).await,
        json!([service.base, "", 0, 0])
    );
    browser.reload().await;
    browser.see("group-tree", "A token is needed").await;
    browser.close().await;
}

#[tokio::test]
async fn a_sync_token_alone_shows_runs_and_no_people() {
    let service = guarded().await;
    let browser = Browser::open(&service).await;
    submit(&browser, "", SYNC_TOKEN).await;
    browser.click("Sync now").await;
    browser.see("sync-answer", "The run succeeded").await;
    browser.see("run-table", "succeeded").await;
    browser.see("finding-list", "A token is needed").await;
    browser.close().await;
}
