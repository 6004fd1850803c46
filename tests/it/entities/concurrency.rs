//! Many concurrent clients while the snapshot changes.

use std::collections::BTreeMap;

use authentik_entity_provider::digest::sha256_hex;
use fake_authentik::FakeDirectory;
use futures::future::join_all;

use super::{CODINGS, VARIANTS, synced};
use crate::support::wire::Answer;

/// Returns a variant and a coding for the n-th client.
fn request(reader: usize) -> (String, [(&'static str, &'static str); 2]) {
    let (query, accept) = VARIANTS[reader % VARIANTS.len()];
    let coding = CODINGS[reader % CODINGS.len()];
    (
        format!("/entities{query}"),
        [("accept", accept), ("accept-encoding", coding)],
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_first_readers_of_a_rendition_get_the_same_bytes() {
    let pair = synced(FakeDirectory::generate(400)).await;
    let headers = [("accept", "application/json"), ("accept-encoding", "gzip")];
    let readers = (0..32).map(|_| Answer::get(&pair.app, "/entities", &headers));
    let answers = join_all(readers).await;
    assert_eq!(answers[0].status, 200);
    assert!(
        answers
            .iter()
            .all(|answer| (answer.etag(), &answer.body) == (answers[0].etag(), &answers[0].body))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_matches_its_tag_while_snapshots_are_published() {
    let pair = synced(FakeDirectory::generate(400)).await;
    let changes = async {
        for round in 0..6 {
            pair.fake
                .edit(|directory| directory.add_user(&format!("late-{round}")));
            assert_eq!(pair.app.sync().await["added"], 1);
        }
    };
    let readers = (0..32).map(|reader| {
        let app = &pair.app;
        async move {
            let (path, headers) = request(reader);
            let mut answers = Vec::new();
            for _ in 0..8 {
                answers.push(Answer::get(app, &path, &headers).await);
            }
            answers
        }
    });
    let (answers, ()) = tokio::join!(join_all(readers), changes);
    let mut bodies = BTreeMap::new();
    for answer in answers.iter().flatten() {
        assert_eq!(answer.status, 200);
        let known = bodies
            .entry(answer.etag().to_owned())
            .or_insert_with(|| answer.body.clone());
        assert_eq!(*known, answer.body, "two bodies under one tag");
        assert_tag_of_content(answer);
    }
    assert!(bodies.len() >= VARIANTS.len());
}

/// Asserts that the ETag matches the sent bytes and that these decode.
fn assert_tag_of_content(answer: &Answer) {
    assert_eq!(
        answer.etag(),
        format!("\"{}\"", sha256_hex(&answer.body, 32))
    );
    assert!(!answer.decoded().is_empty());
}
