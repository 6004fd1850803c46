//! axe-core finds nothing, in light and dark and on a phone.

use std::path::PathBuf;

use fake_authentik::FakeDirectory;
use serde_json::{Value, json};

use super::browser::{Browser, Window};
use super::service::Service;

/// Reads axe-core, as `tests/page/run` installs it.
fn axe() -> String {
    let folder = std::env::var_os("PAGE_MODULES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/page/node_modules"),
        PathBuf::from,
    );
    let file = folder.join("axe-core/axe.min.js");
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Returns what axe-core objects to, as rule and element.
async fn objections(browser: &Browser) -> Value {
    let script = format!(
        "const done = arguments[0]; {}; axe.run({{ resultTypes: ['violations'] }}).then(({{ violations }}) => \
         done(violations.flatMap(({{ id, nodes }}) => nodes.map(({{ target }}) => `${{id}}: ${{target}}`))))",
        axe()
    );
    browser.call(&script).await
}

/// Opens every part of the page.
async fn everything_opened(service: &Service, window: Window) -> Browser {
    let browser = Browser::open_at(&service.base, window).await;
    browser.see("group-tree", "members").await;
    browser.fill("search-text", "an").await;
    browser.click("Search").await;
    browser.see("search-result", "matches").await;
    browser
        .evaluate("document.querySelector('#search-result button').click()")
        .await;
    browser.see("explanation", "Rules that applied").await;
    browser
        .evaluate("document.querySelector('#run-table button').click()")
        .await;
    browser.see("run-detail", "Run ").await;
    browser
        .evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")
        .await;
    browser
        .evaluate("document.getElementById('tokens').hidden = false")
        .await;
    browser
}

#[tokio::test]
async fn axe_has_no_objections_on_a_desktop_and_on_a_phone() {
    let service = Service::synced(FakeDirectory::generate(60)).await;
    for window in [Window::Light, Window::Phone] {
        let browser = everything_opened(&service, window).await;
        assert_eq!(objections(&browser).await, json!([]), "{window:?}");
        browser.close().await;
    }
}

#[tokio::test]
async fn axe_has_no_objections_to_problems_in_the_dark() {
    let service = Service::synced(FakeDirectory::generate(60)).await;
    service.fake.revoke(fake_authentik::FakeAuthentik::TOKEN);
    service.post("sync?wait=30s").await;
    let browser = everything_opened(&service, Window::Dark).await;
    let is_dark = "matchMedia('(prefers-color-scheme: dark)').matches";
    assert_eq!(browser.evaluate(is_dark).await, true);
    browser.see("problems", "The last run failed").await;
    assert_eq!(objections(&browser).await, json!([]));
    browser.close().await;
}
