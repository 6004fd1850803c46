//! Access to the API description and its page, by setting.

use authentik_entity_provider::config::{AuthConfig, Exposure};
use reqwest::Method;

use super::{READ, SYNC, ask, guarded_by, section};

fn setting(docs: Exposure) -> AuthConfig {
    AuthConfig {
        docs,
        ..section(&[READ], &[SYNC])
    }
}

#[tokio::test]
async fn the_description_needs_a_read_token_or_is_public_or_off() {
    for (docs, without, with) in [
        (Exposure::Token, 401, 200),
        (Exposure::Open, 200, 200),
        (Exposure::Off, 404, 404),
    ] {
        let pair = guarded_by(setting(docs)).await;
        for path in ["/openapi.json", "/docs/"] {
            assert_eq!(
                ask(&pair.app, Method::GET, path, None).await.status,
                without,
                "{docs:?} {path}"
            );
            assert_eq!(
                ask(&pair.app, Method::GET, path, Some(READ)).await.status,
                with,
                "{docs:?} {path}"
            );
        }
        let file = if docs == Exposure::Off { 404 } else { 200 };
        assert_eq!(
            ask(&pair.app, Method::GET, "/docs/swagger-ui.css", None)
                .await
                .status,
            file
        );
    }
}

#[tokio::test]
async fn the_page_sends_its_token_to_the_description_only() {
    let pair = guarded_by(setting(Exposure::Token)).await;
    let page = ask(
        &pair.app,
        Method::GET,
        &format!("/docs/?token={READ}"),
        None,
    )
    .await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("referrer-policy"),
        "no-referrer",
        "the page's own URL contains the token"
    );
    assert!(!page.text().contains(READ));
    let settings = ask(&pair.app, Method::GET, "/docs/swagger-initializer.js", None).await;
    let settings = settings.text();
    assert!(
        settings.contains("\"../openapi.json\" + location.search"),
        "{settings}"
    );
    let description = ask(
        &pair.app,
        Method::GET,
        &format!("/openapi.json?token={READ}"),
        None,
    )
    .await;
    assert_eq!(description.status, 200);
}
