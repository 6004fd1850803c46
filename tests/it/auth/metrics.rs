//! Access to the metrics, by setting.

use authentik_entity_provider::config::{AuthConfig, Exposure};
use reqwest::Method;

use super::{READ, SYNC, WRONG, ask, guarded_by, section};

#[tokio::test]
async fn the_metrics_need_a_token_or_are_public_or_off() {
    for (metrics, expected) in [
        (Exposure::Token, [401, 200, 200, 401]),
        (Exposure::Open, [200; 4]),
        (Exposure::Off, [404; 4]),
    ] {
        let pair = guarded_by(AuthConfig {
            metrics,
            ..section(&[READ], &[SYNC])
        })
        .await;
        let in_query = |token: &str| format!("/metrics?token={token}");
        for (token, status) in [None, Some(READ), Some(SYNC), Some(WRONG)]
            .into_iter()
            .zip(expected)
        {
            let by_header = ask(&pair.app, Method::GET, "/metrics", token).await;
            assert_eq!(by_header.status, status, "{metrics:?} {token:?}");
            assert_eq!(
                by_header.text().contains("_build_info"),
                status == 200,
                "a refusal shows nothing"
            );
            let path = token.map_or_else(|| "/metrics".to_owned(), in_query);
            let by_query = ask(&pair.app, Method::GET, &path, None).await;
            assert_eq!(by_query.status, status, "{metrics:?} {path}");
            assert_eq!(
                by_query.text().contains("_build_info"),
                status == 200,
                "{metrics:?} {path}"
            );
            assert_eq!(
                ask(&pair.app, Method::HEAD, "/metrics", token).await.status,
                status
            );
        }
        assert_eq!(
            ask(&pair.app, Method::GET, "/openapi.json", None)
                .await
                .status,
            401,
            "metrics have their own setting"
        );
    }
}
