//! `kill -9` at any moment: the file contains the old rows or the new ones.

use std::os::unix::fs::MetadataExt;

use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::digest::sha256_hex;
use authentik_entity_provider::snapshot::persistence::StateFile;

use super::*;

/// Number of kills.
const ROUNDS: usize = 10;
/// Number of users; their pictures do not compress, so that a write takes time.
const USERS: u64 = 200;

/// A directory in which user 1 identifies the state.
fn large() -> FakeDirectory {
    let mut directory = crowd(USERS);
    for pk in 1..=USERS {
        let noise: String = (0..30)
            .map(|part| sha256_hex(format!("{pk} {part}").as_bytes(), 64))
            .collect();
        directory.edit_user(pk, |user| {
            user.avatar = format!("data:image/png;base64,{noise}");
        });
    }
    directory
}

/// Returns inode and length, which change if the file is replaced or truncated.
fn state_of(file: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(file)
        .ok()
        .map(|found| (found.ino(), found.len()))
}

/// Returns true if an unfinished file exists beside it.
fn is_being_written(state: &Path) -> bool {
    files(state)
        .iter()
        .any(|name| Path::new(name).extension().is_some_and(|end| end == "tmp"))
}

/// Waits until the file changes or, with `is_begun_enough`, until an unfinished one exists.
async fn replacing(file: &Path, state: &Path, is_begun_enough: bool) {
    let before = state_of(file);
    while state_of(file) == before && !(is_begun_enough && is_being_written(state)) {
        tokio::task::yield_now().await;
    }
}

/// Removes the unfinished file of the killed process; returns whether there was one.
fn tidy(state: &Path) -> bool {
    let unfinished: Vec<_> = files(state)
        .into_iter()
        .filter(|name| name.starts_with('.'))
        .collect();
    for name in &unfinished {
        std::fs::remove_file(state.join(name)).unwrap();
    }
    !unfinished.is_empty()
}

#[tokio::test]
async fn the_file_is_complete_after_a_kill_at_any_moment() {
    let world = World::of(large()).await;
    world.serve_once().await;
    let base_url = BaseUrl::parse(&world.authentik.as_ref().unwrap().base).unwrap();
    let file = StateFile::of(&world.state(), &base_url);
    let (mut torn, mut old, mut last) = (0, 0, "user-1".to_owned());
    for round in 0..ROUNDS {
        let served = world.serve().await.restored().await;
        assert_eq!(
            served.names("user").await.len(),
            usize::try_from(USERS).unwrap()
        );
        let next = format!("state-{round}");
        world
            .fake
            .edit(|directory| directory.edit_user(1, |user| user.username.clone_from(&next)));
        let (path, state) = (file.path(), world.state());
        if round % 4 == 3 {
            served.sync().await;
        } else {
            let replacing =
                tokio::time::timeout(PATIENCE, replacing(&path, &state, round % 2 == 0));
            tokio::join!(served.sync(), replacing).1.unwrap();
        }
        served.process.signal(Signal::KILL);
        assert!(!served.process.end().await.status.success());
        let persisted = file.load().unwrap().unwrap();
        let marker = persisted.directory.users()[0].username.to_string();
        assert!(
            marker == last || marker == next,
            "{marker} is neither {last} nor {next}"
        );
        assert_eq!(
            persisted.directory.users().len(),
            usize::try_from(USERS).unwrap()
        );
        torn += usize::from(tidy(&world.state()));
        old += usize::from(marker == last);
        last = marker;
    }
    assert!(
        torn > 0,
        "no kill interrupted a write; {old} of {ROUNDS} files were the old ones"
    );
}

#[tokio::test]
async fn a_shutdown_right_after_a_run_waits_for_the_write() {
    let world = World::of(large()).await;
    let base_url = BaseUrl::parse(&world.authentik.as_ref().unwrap().base).unwrap();
    let file = StateFile::of(&world.state(), &base_url);
    for round in 0..3 {
        let next = format!("state-{round}");
        world
            .fake
            .edit(|directory| directory.edit_user(1, |user| user.username.clone_from(&next)));
        world.serve_once().await;
        assert_eq!(
            *file.load().unwrap().unwrap().directory.users()[0].username,
            *next
        );
    }
}
