//! Invalid state files: set aside and never restored.

use super::*;

/// Damages the file, starts a service and returns it after the service has read the file.
async fn started_with(world: &World, damage: impl FnOnce(&Path)) -> (Served, Value) {
    let file = world.state().join(&files(&world.state())[0]);
    damage(&file);
    let mut served = world.serve().await;
    let looking = served.process.until(|line| {
        log_entry(line).filter(|entry| entry["level"] == "WARN" && entry.get("code").is_some())
    });
    let warning = looking.await;
    assert_eq!(warning["file"], file.to_str().unwrap());
    (served, warning)
}

/// Asserts that a damaged file is set aside as `code` and that the next run writes a new one.
async fn assert_refused(code: &str, damage: impl FnOnce(&Path)) {
    let world = World::of(crowd(5)).await;
    world.serve_once().await;
    let name = files(&world.state()).remove(0);
    let (served, warning) = started_with(&world, damage).await;
    assert_eq!(warning["code"], code, "{warning}");
    let aside = format!("{name}.refused-{code}");
    assert_eq!(
        warning["aside"],
        world.state().join(&aside).to_str().unwrap()
    );
    assert!(
        warning["message"].as_str().unwrap().contains("is not used"),
        "{warning}"
    );
    assert_eq!(files(&world.state()), [&*aside]);
    assert_eq!(served.fetch("/entities").await.status(), 503, "{code}");
    served.sync().await;
    served.end().await;
    assert_eq!(files(&world.state()), [name, aside]);
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

fn rewrite(file: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).unwrap();
    edit(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn a_torn_file_is_set_aside() {
    assert_refused("torn", |file| {
        rewrite(file, |bytes| bytes.truncate(bytes.len() - 1));
    })
    .await;
}

#[tokio::test]
async fn a_corrupted_file_is_set_aside() {
    assert_refused("corrupted", |file| {
        rewrite(file, |bytes| *bytes.last_mut().unwrap() ^= 1);
    })
    .await;
}

#[tokio::test]
async fn a_foreign_file_is_set_aside() {
    assert_refused("foreign", |file| {
        std::fs::write(file, "#!/bin/sh\n").unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_file_of_another_server_under_this_ones_name_is_set_aside() {
    let other = World::of(crowd(9)).await;
    other.serve_once().await;
    let others = other.state().join(&files(&other.state())[0]);
    assert_refused("foreign", |file| {
        std::fs::write(file, std::fs::read(others).unwrap()).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_newer_file_is_set_aside() {
    let newer = "authentik-entity-provider snapshot 2 unknown fields\n";
    assert_refused("newer", |file| std::fs::write(file, newer).unwrap()).await;
}

#[tokio::test]
async fn a_directory_in_place_of_the_file_is_set_aside() {
    assert_refused("foreign", |file| {
        std::fs::remove_file(file).unwrap();
        std::fs::create_dir(file).unwrap();
    })
    .await;
}

#[tokio::test]
async fn rows_without_any_entity_are_not_published() {
    let mut world = World::of(directory(&[(1, "robot")], &[])).await;
    world.fake.edit(|directory| {
        directory.user_mut(1).unwrap().kind = fake_authentik::UserKind::ServiceAccount;
    });
    world.set("ENTITY_PROVIDER_INCLUDE_SERVICE_ACCOUNTS", "true");
    world.serve_once().await;
    world.set("ENTITY_PROVIDER_INCLUDE_SERVICE_ACCOUNTS", "false");
    let mut served = world.serve().await;
    let entry = served.process.logged("restart was held").await;
    assert_eq!(entry["code"], "no-users");
    assert_eq!(served.fetch("/entities").await.status(), 503);
}
