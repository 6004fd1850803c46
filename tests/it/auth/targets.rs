//! A token in the URL of `/locations` appears in its targets; one in the header does not.

use super::*;
use crate::support::wire::documents;

/// Returns the targets of a list of two shards.
fn targets(list: &Answer) -> Vec<String> {
    let documents = documents(&list.text());
    documents
        .iter()
        .map(|location| location["spec"]["target"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_token_from_the_query_is_part_of_the_targets() {
    let pair = guarded().await;
    let list = Answer::get(
        &pair.app,
        &format!("/locations?shards=2&token={OLD_READ}"),
        &[],
    )
    .await;
    for (index, target) in targets(&list).iter().enumerate() {
        assert_eq!(
            *target,
            format!(
                "{}/entities?shard={index}/2&token={OLD_READ}",
                pair.app.base
            )
        );
        let path = target.strip_prefix(&pair.app.base).unwrap();
        assert_eq!(Answer::get(&pair.app, path, &[]).await.status, 200);
    }
}

#[tokio::test]
async fn a_token_from_the_header_is_not_part_of_the_targets() {
    let pair = guarded().await;
    let list = ask(&pair.app, Method::GET, "/locations?shards=2", Some(READ)).await;
    assert_eq!(
        targets(&list)[1],
        format!("{}/entities?shard=1/2", pair.app.base)
    );
    assert!(!list.text().contains(READ));
}

#[tokio::test]
async fn lists_for_different_tokens_differ() {
    let pair = guarded().await;
    let list = async |token: &str| {
        let answer = Answer::get(
            &pair.app,
            &format!("/locations?shards=2&token={token}"),
            &[],
        )
        .await;
        (answer.etag().to_owned(), answer.text())
    };
    let (one, other) = (list(READ).await, list(OLD_READ).await);
    assert_ne!(one.0, other.0);
    assert!(one.1.contains(READ) && !other.1.contains(READ));
    assert_eq!(
        Answer::get(&pair.app, "/locations?shards=2", &[])
            .await
            .status,
        401
    );
}
