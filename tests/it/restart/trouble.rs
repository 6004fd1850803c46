//! A failing disk: the service reports it and continues.

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::*;

/// Asserts that the service reports the error and continues; returns the reason.
async fn shown(served: &Served, world: &World) -> String {
    let health = served
        .health_until(|health| health.get("stateError").is_some())
        .await;
    assert_eq!(health["status"], "degraded", "{health}");
    let reason = health["stateError"].as_str().unwrap().to_owned();
    assert!(
        reason.contains(world.state().to_str().unwrap()) && reason.contains("stateDir"),
        "{reason}"
    );
    assert_eq!(served.fetch("/health/ready").await.status(), 200);
    assert_eq!(served.names("user").await.len(), 5);
    reason
}

/// Counts the log messages about a failed write and about the first success after it.
fn messages(log: &str) -> (usize, usize) {
    (
        log.matches("cannot be written to").count(),
        log.matches("is written to disk again").count(),
    )
}

#[tokio::test]
async fn a_directory_that_cannot_be_created_is_reported_until_it_can() {
    let world = World::of(crowd(5)).await;
    let blocking = world.disk.path().join("own");
    std::fs::write(&blocking, "in the way").unwrap();
    let served = world.serve().await;
    served.sync().await;
    assert!(shown(&served, &world).await.contains("os error"));
    served.sync().await;
    shown(&served, &world).await;
    std::fs::remove_file(&blocking).unwrap();
    served.sync().await;
    let health = served
        .health_until(|health| health.get("stateError").is_none())
        .await;
    assert_eq!(health["status"], "ok", "{health}");
    assert_eq!(
        messages(&served.end().await),
        (1, 1),
        "once for each change"
    );
    assert_eq!(
        world
            .serve()
            .await
            .restored()
            .await
            .names("user")
            .await
            .len(),
        5
    );
}

#[tokio::test]
async fn a_full_disk_leaves_the_old_file_and_is_reported_until_a_write_succeeds() {
    let world = World::of(crowd(5)).await;
    world.serve_once().await;
    let before = std::fs::read(world.state().join(&files(&world.state())[0])).unwrap();
    let variables: Vec<_> = world
        .variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let served = Served::of(Process::spawn_on_a_full_disk(&["serve"], &variables))
        .await
        .restored()
        .await;
    served.sync().await;
    shown(&served, &world).await;
    let names = files(&world.state());
    assert_eq!(names.len(), 1, "no unfinished file remains: {names:?}");
    assert_eq!(
        std::fs::read(world.state().join(&names[0])).unwrap(),
        before
    );

    let pid = Pid::from_raw(served.process.id()).unwrap();
    prlimit(
        Some(pid),
        Resource::Fsize,
        Rlimit {
            current: None,
            maximum: None,
        },
    )
    .unwrap();
    served.sync().await;
    served.health_until(|health| health["status"] == "ok").await;
    served.end().await;
    assert_ne!(
        std::fs::read(world.state().join(&names[0])).unwrap(),
        before,
        "it has been read again since"
    );
}
