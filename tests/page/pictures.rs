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

#[tokio::test]
#[ignore = "writes into docs"]
async fn the_page() {
    let service = Service::synced(FakeDirectory::generate(200)).await;
    used(&service).await;
    let browser = Browser::open_at(&service.base, Window::Light).await;
    browser.see("group-tree", "members").await;
    browser.see("reader-table", "entities").await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/page.png");
    std::fs::write(file, browser.screenshot().await).unwrap();
    browser.close().await;
}
