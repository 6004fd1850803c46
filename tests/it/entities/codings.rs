//! Content codings other than gzip, and their negotiation.

use std::collections::BTreeSet;

use super::{CODINGS, VARIANTS, hostile_directory, synced};
use crate::support::app::Pair;
use crate::support::wire::{Answer, BACKSTAGE, REVALIDATION};

/// Returns a body in a coding.
async fn coded(pair: &Pair, path: &str, accept: &str, coding: &str) -> Answer {
    Answer::get(
        &pair.app,
        path,
        &[("accept", accept), ("accept-encoding", coding)],
    )
    .await
}

#[tokio::test]
async fn every_coding_decodes_to_the_plain_body_and_has_its_own_tag() {
    let pair = synced(hostile_directory(150)).await;
    for (query, accept) in VARIANTS {
        let path = format!("/entities{query}");
        let plain = coded(&pair, &path, accept, "identity").await;
        let mut tags = BTreeSet::from([plain.etag().to_owned()]);
        for coding in &CODINGS[1..] {
            let answer = coded(&pair, &path, accept, coding).await;
            assert_eq!(
                (answer.status, answer.header("content-encoding")),
                (200, *coding),
                "{query}"
            );
            assert_eq!(answer.header("content-type"), plain.header("content-type"));
            assert_eq!(answer.decoded(), plain.body, "{query} {coding}");
            assert!(answer.body.len() * 2 < plain.body.len(), "{query} {coding}");
            assert!(tags.insert(answer.etag().to_owned()), "{query} {coding}");
        }
    }
}

#[tokio::test]
async fn backstage_gets_gzip_after_requests_for_other_codings() {
    let pair = synced(hostile_directory(60)).await;
    let first = Answer::get(&pair.app, "/entities", &BACKSTAGE).await;
    for coding in ["zstd", "br"] {
        coded(&pair, "/entities", "*/*", coding).await;
    }
    let headers = [BACKSTAGE.as_slice(), &REVALIDATION].concat();
    let second = Answer::get(&pair.app, "/entities", &headers).await;
    assert_eq!(first.header("content-encoding"), "gzip");
    assert_eq!(
        (second.header("content-encoding"), second.etag()),
        ("gzip", first.etag())
    );
    assert_eq!(second.body, first.body);
}

#[tokio::test]
async fn the_client_s_qualities_decide_and_among_equals_zstd_then_br_then_gzip() {
    let pair = synced(hostile_directory(20)).await;
    for (accept, expected) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("br, gzip", "br"),
        ("gzip;q=1.0, br;q=0.9, zstd;q=0.8", "gzip"),
        ("zstd;q=0.1, br;q=0.2", "br"),
        ("zstd;q=0, br;q=0.001", "br"),
        ("identity;q=0.9, zstd;q=0.8", ""),
    ] {
        assert_eq!(
            coded(&pair, "/entities", "*/*", accept)
                .await
                .header("content-encoding"),
            expected,
            "{accept}"
        );
    }
}
