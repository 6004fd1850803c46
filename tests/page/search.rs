//! The search, why somebody is missing, and hostile names.

use fake_authentik::{FakeDirectory, FakeGroup, FakeUser};
use uuid::Uuid;

use super::browser::Browser;
use super::service::Service;

/// A name that would run a script where it is taken for markup.
const HOSTILE: &str = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>";

fn users(edit: impl FnOnce(&mut FakeDirectory)) -> FakeDirectory {
    let mut directory = FakeDirectory::default();
    for (pk, name) in [(1, "ada"), (2, "bob")] {
        directory.insert_user(FakeUser::new(pk, name));
    }
    edit(&mut directory);
    directory
}

async fn search(browser: &Browser, text: &str) {
    browser.fill("search-text", text).await;
    browser.click("Search").await;
}

#[tokio::test]
async fn a_user_is_found_by_email_and_shown_as_backstage_gets_it() {
    let service = Service::synced(users(|_| ())).await;
    let browser = Browser::open(&service).await;
    search(&browser, "USER-2@").await;
    browser.see("search-result", "1 match.").await;
    browser.click("bob").await;
    browser.see("explanation", "user bob (pk 2)").await;
    browser
        .see("explanation", "active: the user is active")
        .await;
    browser.see("explanation", "backstage.io/v1alpha1").await;
    browser.close().await;
}

#[tokio::test]
async fn why_somebody_is_missing_is_shown() {
    let service = Service::synced(users(|directory| {
        directory.set_active(2, false);
    }))
    .await;
    let browser = Browser::open(&service).await;
    search(&browser, "bob").await;
    browser.see("search-result", "no entity").await;
    browser.click("bob").await;
    browser
        .see("explanation", "This user has no entity: inactive.")
        .await;
    search(&browser, "nobody-of-this-name").await;
    browser.see("search-result", "0 matches.").await;
    browser.close().await;
}

#[tokio::test]
async fn hostile_names_are_text_and_a_script_in_markup_does_not_run() {
    let service = Service::synced(users(|directory| {
        directory.edit_user(1, |user| HOSTILE.clone_into(&mut user.name));
        assert!(directory.rename(2, HOSTILE));
        directory.insert_group(FakeGroup::new(Uuid::from_u128(1), HOSTILE));
    }))
    .await;
    let browser = Browser::open(&service).await;
    search(&browser, "onerror").await;
    browser.see("search-result", "3 matches.").await;
    browser.see("search-result", HOSTILE).await;
    browser.see("finding-list", "name").await;
    browser.click(HOSTILE).await;
    browser.see("explanation", HOSTILE).await;
    let shown = "document.querySelectorAll('main img, main script').length";
    assert_eq!(browser.evaluate(shown).await, 0);
    // The policy would stop what escaping misses.
    browser
        .call("const done = arguments[0]; const { body } = document; addEventListener('securitypolicyviolation', () => done(0)); \
            body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.hacked=1\">')")
        .await;
    assert!(browser.evaluate("window.hacked").await.is_null());
    browser.close().await;
}
