//! The whole path: a directory goes in, entities come out.

use authentik_entity_provider::authentik::fake::{FakeDirectory, Release};

use crate::support::app::Pair;

#[tokio::test]
async fn a_generated_directory_becomes_entities() {
    for release in [Release::V2024_2, Release::V2025_10, Release::V2026_5] {
        let pair = Pair::spawn(release, FakeDirectory::generate(250), |_| ()).await;
        assert_eq!(pair.app.fetch("/entities").await.status(), 503, "never an empty list");
        let run = pair.app.sync().await;
        assert_eq!(run["state"], "succeeded", "{run}");
        assert_eq!(run["users"], pair.app.names("user").await.len());
        assert_eq!(run["groups"], pair.app.names("group").await.len());
    }
}
