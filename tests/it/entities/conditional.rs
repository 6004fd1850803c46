//! ETags and conditional requests.

use std::collections::BTreeSet;

use fake_authentik::FakeDirectory;
use reqwest::Method;

use super::{CODINGS, VARIANTS, hostile_directory, restarted, synced};
use crate::support::app::{Pair, TestApp};
use crate::support::wire::{Answer, BACKSTAGE, REVALIDATION};

/// The headers of a later request by Backstage.
fn revalidation(etag: &str) -> Vec<(&str, &str)> {
    [
        BACKSTAGE.as_slice(),
        &REVALIDATION,
        &[("if-none-match", etag)],
    ]
    .concat()
}

/// Returns the ETags of all variants in all codings.
async fn tags(app: &TestApp) -> Vec<String> {
    let mut tags = Vec::new();
    for (query, accept) in VARIANTS {
        for coding in CODINGS {
            let headers = [("accept", accept), ("accept-encoding", coding)];
            let answer = Answer::get(app, &format!("/entities{query}"), &headers).await;
            tags.push(answer.etag().to_owned());
        }
    }
    tags
}

/// Adds a user and syncs.
async fn change(pair: &Pair) {
    pair.fake.edit(|directory| directory.add_user("new-user"));
    assert_eq!(pair.app.sync().await["added"], 1);
}

#[tokio::test]
async fn every_format_kind_and_coding_has_its_own_tag() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let tags = tags(&pair.app).await;
    assert_eq!(
        tags.iter().collect::<BTreeSet<_>>().len(),
        tags.len(),
        "{tags:?}"
    );
}

#[tokio::test]
async fn bytes_and_tags_are_the_same_after_a_restart() {
    let (before, after, _authentik) = restarted(hostile_directory(200)).await;
    assert_eq!(tags(&before).await, tags(&after).await);
    for coding in CODINGS {
        let headers = [("accept-encoding", coding)];
        let [before, after] =
            [&before, &after].map(|app| async { Answer::get(app, "/entities", &headers).await });
        assert_eq!(before.await.body, after.await.body);
    }
}

#[tokio::test]
async fn a_run_without_changes_keeps_every_tag_and_a_change_of_a_user_the_tags_of_groups() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let first = tags(&pair.app).await;
    assert_eq!(pair.app.sync().await["changed"], 0);
    assert_eq!(tags(&pair.app).await, first);
    change(&pair).await;
    let second = tags(&pair.app).await;
    for (at, (before, after)) in first.iter().zip(&second).enumerate() {
        let (query, _) = VARIANTS[at / CODINGS.len()];
        assert_eq!(before == after, query.contains("kind=group"), "{query}");
    }
}

#[tokio::test]
async fn backstage_is_answered_with_304_until_something_changes() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let first = Answer::get(&pair.app, "/entities", &BACKSTAGE).await;
    let again = Answer::get(&pair.app, "/entities", &revalidation(first.etag())).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    change(&pair).await;
    let changed = Answer::get(&pair.app, "/entities", &revalidation(first.etag())).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.etag(), first.etag());
    assert!(changed.text().contains("new-user"));
}

#[tokio::test]
async fn a_304_has_the_headers_that_a_cache_needs_and_no_body() {
    let pair = synced(FakeDirectory::generate(60)).await;
    for (query, accept) in VARIANTS {
        for coding in CODINGS {
            let (path, wanted) = (
                format!("/entities{query}"),
                [("accept", accept), ("accept-encoding", coding)],
            );
            let full = Answer::get(&pair.app, &path, &wanted).await;
            let headers = [
                wanted.as_slice(),
                &REVALIDATION,
                &[("if-none-match", full.etag())],
            ]
            .concat();
            for method in [Method::GET, Method::HEAD] {
                let answer = Answer::to(&pair.app, method, &path, &headers).await;
                assert_eq!(
                    (answer.status, answer.body.len()),
                    (304, 0),
                    "{query} {coding}"
                );
                let length = answer.headers.get("content-length");
                assert!(
                    length.is_none() || length == full.headers.get("content-length"),
                    "{length:?}"
                );
                for name in ["etag", "vary", "cache-control"] {
                    assert_eq!(answer.header(name), full.header(name));
                }
                assert!(!answer.headers.contains_key("content-encoding"));
            }
        }
    }
}

#[tokio::test]
async fn every_tag_of_a_list_is_compared_weakly() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let etag = Answer::get(&pair.app, "/entities", &[])
        .await
        .etag()
        .to_owned();
    let status = async |value: &str| {
        Answer::get(&pair.app, "/entities", &[("if-none-match", value)])
            .await
            .status
    };
    for matching in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        format!("{etag},\"other\""),
        format!("\"a\", W/\"b\" ,W/{etag}"),
        "*".to_owned(),
    ] {
        assert_eq!(status(&matching).await, 304, "{matching}");
    }
    let bare = etag.trim_matches('"').to_owned();
    for other in ["\"other\"".to_owned(), "W/\"other\"".to_owned(), bare] {
        assert_eq!(status(&other).await, 200, "{other}");
    }
}

#[tokio::test]
async fn a_tag_that_a_proxy_marked_with_its_coding_is_a_match() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let group = &pair.app.names("group").await[0];
    let entity = format!("/entities/by-name/group/default/{group}");
    for path in ["/entities", entity.as_str(), "/locations?shards=4"] {
        let etag = Answer::get(&pair.app, path, &[]).await.etag().to_owned();
        let bare = etag.trim_matches('"');
        let status = async |value: &str| {
            let headers = [("if-none-match", value)];
            Answer::get(&pair.app, path, &headers).await.status
        };
        for mark in ["-gzip", ";gzip", "--gzip", "-br", "-zstd"] {
            let marked = format!("\"{bare}{mark}\"");
            assert_eq!(status(&marked).await, 304, "{path} {marked}");
            let weak = format!("\"other\", W/{marked}");
            assert_eq!(status(&weak).await, 304, "{path} {weak}");
        }
        for other in [
            "\"other-gzip\"".to_owned(),
            format!("\"{bare}-other\""),
            format!("\"{bare}gzip\""),
        ] {
            assert_eq!(status(&other).await, 200, "{path} {other}");
        }
    }
}

#[tokio::test]
async fn tags_in_several_headers_are_all_compared() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let etag = Answer::get(&pair.app, "/entities", &[])
        .await
        .etag()
        .to_owned();
    let headers = [
        ("if-none-match", "\"other\""),
        ("if-none-match", etag.as_str()),
    ];
    assert_eq!(
        Answer::get(&pair.app, "/entities", &headers).await.status,
        304
    );
}

#[tokio::test]
async fn the_tag_of_one_coding_does_not_match_another() {
    let pair = synced(FakeDirectory::generate(60)).await;
    let gzip = Answer::get(&pair.app, "/entities", &BACKSTAGE).await;
    let plain = [
        ("accept-encoding", "identity"),
        ("if-none-match", gzip.etag()),
    ];
    assert_eq!(
        Answer::get(&pair.app, "/entities", &plain).await.status,
        200
    );
    let modified_since = [("if-modified-since", "Fri, 31 Dec 2100 23:59:59 GMT")];
    assert_eq!(
        Answer::get(&pair.app, "/entities", &modified_since)
            .await
            .status,
        200,
        "there is no `Last-Modified` to compare with"
    );
}
