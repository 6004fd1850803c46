//! The pictures of the docs.

use std::path::Path;

use fake_authentik::FakeDirectory;
use reqwest::header::{IF_NONE_MATCH, USER_AGENT};

use super::browser::{Browser, Window};
use super::service::{Service, client};

/// Adds a user, syncs, and reads as Backstage does, several times.
async fn used(service: &Service) {
    let mut tag = None;
    for name in [
        "ada.lovelace",
        "grace.hopper",
        "alan.turing",
        "mary.jackson",
        "john.backus",
    ] {
        service.fake.edit(|directory| directory.add_user(name));
        service.post("sync?wait=30s").await;
        let mut read = client()
            .get(service.url("entities"))
            .header(USER_AGENT, "node-fetch");
        if let Some(tag) = tag.filter(|_| name != "alan.turing") {
            read = read.header(IF_NONE_MATCH, tag);
        }
        tag = read.send().await.unwrap().headers().get("etag").cloned();
    }
}

/// Writes a picture of what the browser shows.
async fn write(browser: Browser, name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    std::fs::write(file, browser.screenshot().await).unwrap();
    browser.close().await;
}

#[tokio::test]
#[ignore = "writes into docs"]
async fn the_page() {
    let service = Service::synced(FakeDirectory::generate(200)).await;
    used(&service).await;
    for (window, name) in [
        (Window::Light, "page.png"),
        (Window::Phone, "page-phone.png"),
    ] {
        let browser = Browser::open_at(&service.base, window).await;
        browser.see("group-tree", "members").await;
        browser.see("reader-table", "entities").await;
        write(browser, name).await;
    }
}

#[tokio::test]
#[ignore = "writes into docs"]
async fn why_somebody_is_missing() {
    let service = Service::synced(FakeDirectory::generate(200)).await;
    service.fake.edit(|directory| {
        directory.add_user("grace.hopper");
        let pk = directory.users().last().unwrap().pk;
        assert!(directory.set_active(pk, false));
    });
    service.post("sync?wait=30s").await;
    let browser = Browser::open_at(&service.base, Window::Light).await;
    browser.fill("search-text", "grace").await;
    browser.click("Search").await;
    browser.click("grace.hopper").await;
    browser.see("explanation", "no entity").await;
    browser
        .evaluate("document.getElementById('search-text').scrollIntoView()")
        .await;
    write(browser, "page-search.png").await;
}

#[tokio::test]
#[ignore = "writes into docs"]
async fn a_held_run() {
    let service = Service::synced(FakeDirectory::generate(200)).await;
    service.fake.edit(|directory| {
        let users: Vec<_> = directory.users().iter().map(|user| user.pk).collect();
        for pk in users.into_iter().skip(40) {
            assert!(directory.remove_user(pk));
        }
    });
    service.post("sync?wait=30s&full=true").await;
    let browser = Browser::open_at(&service.base, Window::Dark).await;
    browser.see("run-table", "held").await;
    browser
        .evaluate("document.querySelector('#run-table button').click()")
        .await;
    browser.see("run-detail", "user:default/").await;
    browser
        .evaluate("document.getElementById('run-detail').scrollIntoView()")
        .await;
    write(browser, "page-held.png").await;
}
