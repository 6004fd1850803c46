//! A state file written by an earlier version of the service is restored.

use super::*;

/// The server that the file belongs to; nothing listens at this address.
const BASE_URL: &str = "http://127.0.0.1:39417";
const NAME: &str = "7268679f02a789a6.snapshot";
const FILE: &[u8] = include_bytes!("../../fixtures/state/7268679f02a789a6.snapshot");
/// The `ETag` of `GET /entities`, without a content coding, that the earlier version served.
const ETAG: &str = r#""6e5373c62906804e4ed25a2ab4240f4f""#;

#[tokio::test]
async fn a_recorded_state_file_gives_the_same_entities() {
    let mut world = World::of(FakeDirectory::default()).await;
    world.authentik = None;
    world.set("AUTHENTIK_BASE_URL", BASE_URL);
    std::fs::create_dir_all(world.state()).unwrap();
    std::fs::write(world.state().join(NAME), FILE).unwrap();

    let served = world.serve().await.restored().await;
    let request = client()
        .get(format!("{}/entities", served.base))
        .header("accept-encoding", "identity");
    let entities = request.send().await.unwrap();
    assert_eq!(entities.headers()["etag"], ETAG);
    let counts = [served.names("user").await, served.names("group").await].map(|names| names.len());
    assert_eq!(counts, [37, 11]);
    let snapshot = &served.json("/health").await["snapshot"];
    assert_eq!(
        (&snapshot["readAt"], &snapshot["restored"]),
        (&"2026-11-25T19:19:23.01Z".into(), &true.into()),
        "{snapshot}"
    );
}
