//! Who leaves must be out, also with a session.

use serde_json::json;

use super::{Portal, person, users};
use crate::support::backstage::Setup;
use crate::support::browser::Browser;
use crate::support::service::Service;
use crate::support::wait::wait_until;

/// Starts a portal at which Ann has a session, and deactivates her; returns her browser.
async fn deactivated(
    module: &'static str,
    change: impl FnOnce(&mut Setup, &Service),
) -> (Portal, Browser) {
    let directory = users(&[("ann", "ann@example.com"), ("bo", "bo@example.com")]);
    let portal = Portal::spawn(module, directory, change).await;
    portal.sync().await;
    let mut claims = person("ann@example.com");
    portal.authentik.fake.edit(|directory| {
        claims["sub"] = json!(directory.user_named("ann").unwrap().uid);
    });
    portal.oidc.person(&claims).await;
    let mut browser = Browser::at(&portal.backstage);
    browser.sign_in().await.unwrap();
    portal.authentik.fake.edit(|directory| {
        let pk = directory.user_named("ann").unwrap().pk;
        assert!(directory.set_active(pk, false));
    });
    portal.service.sync().await;
    (portal, browser)
}

/// Waits until the session cannot be renewed; then a sign-in fails too.
async fn is_out(browser: &mut Browser) {
    wait_until("the end of the session", async || {
        match browser.refresh().await {
            Err(error) => Ok(error),
            Ok(identity) => Err(format!("{identity:?}")),
        }
    })
    .await;
    browser.sign_in().await.unwrap_err();
}

#[tokio::test]
async fn through_a_location_after_the_clean_up() {
    let (portal, mut browser) = deactivated("email", |_, _| {}).await;
    is_out(&mut browser).await;
    portal
        .backstage
        .becomes(&portal.service.catalog().await)
        .await;
}

#[tokio::test]
async fn through_a_location_never_if_orphans_are_kept() {
    let keep = |setup: &mut Setup, _: &Service| setup.keep_all_orphans = true;
    let (portal, mut browser) = deactivated("email", keep).await;
    orphaned(&portal).await;
    let identity = browser.refresh().await.unwrap();
    assert_eq!(identity.user, "user:default/ann");
    assert!(identity.ownership.contains("group:default/crew"));
    browser.sign_in().await.unwrap();
}

#[tokio::test]
async fn by_uid_also_if_orphans_are_kept() {
    let keep = |setup: &mut Setup, _: &Service| setup.keep_all_orphans = true;
    let (portal, mut browser) = deactivated("uid", keep).await;
    orphaned(&portal).await;
    is_out(&mut browser).await;
    let error = browser.sign_in().await.unwrap_err();
    assert!(
        error.contains("'ann' is no longer among the users"),
        "{error}"
    );
}

#[tokio::test]
async fn through_the_provider_module_at_once() {
    let (_portal, mut browser) = deactivated("email", |setup, service| {
        setup.targets.clear();
        setup.keep_all_orphans = true;
        setup.entity_provider = Some(json!({ "baseUrl": service.base }));
    })
    .await;
    let since = std::time::Instant::now();
    is_out(&mut browser).await;
    println!(
        "refused {:.1} s after the sync",
        since.elapsed().as_secs_f64()
    );
}

/// Waits until Backstage marks Ann as an orphan.
async fn orphaned(portal: &Portal) {
    wait_until("the orphan", async || {
        let catalog = portal.backstage.catalog().await;
        let ann = catalog.entity("user:default/ann");
        match ann["metadata"]["annotations"]["backstage.io/orphan"].as_str() {
            Some("true") => Ok(()),
            _ => Err(ann.clone()),
        }
    })
    .await;
}
