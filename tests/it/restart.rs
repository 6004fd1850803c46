//! A restart without Authentik: the real binary restores the snapshot of an earlier process.

mod age;
mod killed;
mod recorded;
mod refused;
mod reloaded;
mod trouble;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fake_authentik::{FakeAuthentik, FakeDirectory, FakeUser, Release};
use reqwest::Response;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::directory::{crowd, directory};
use crate::support::process::{Line, Process, get, log_entry, post};
use crate::support::{RunningAuthentik, client};

/// Maximum time to wait for a condition.
const PATIENCE: Duration = Duration::from_mins(1);

/// A fake Authentik, a state directory, and the variables of a service.
struct World {
    fake: FakeAuthentik,
    authentik: Option<RunningAuthentik>,
    variables: Vec<(&'static str, String)>,
    disk: TempDir,
}

impl World {
    /// Serves a directory; the state directory does not exist yet.
    async fn of(directory: FakeDirectory) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, directory).with_directory_time();
        let authentik = RunningAuthentik::spawn(&fake).await;
        let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let variables = vec![
            ("AUTHENTIK_BASE_URL", authentik.base.clone()),
            ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN.to_owned()),
            ("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0".to_owned()),
            (
                "ENTITY_PROVIDER_STATE_DIR",
                disk.path().join("own/state").to_str().unwrap().to_owned(),
            ),
            (
                "ENTITY_PROVIDER_SCHEDULE_FREQUENCY",
                "{trigger: manual}".to_owned(),
            ),
        ];
        Self {
            fake,
            authentik: Some(authentik),
            variables,
            disk,
        }
    }

    /// Sets a variable for services that start later.
    fn set(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    /// The state directory.
    fn state(&self) -> PathBuf {
        self.disk.path().join("own/state")
    }

    /// Starts a service.
    async fn serve(&self) -> Served {
        let variables: Vec<_> = self
            .variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        Served::of(Process::spawn(&["serve"], &variables)).await
    }

    /// Starts a service, syncs and stops it, so that its snapshot is on disk.
    async fn serve_once(&self) {
        let served = self.serve().await;
        served.sync().await;
        served.end().await;
    }
}

/// A running service.
struct Served {
    process: Process,
    base: String,
}

impl Served {
    /// Waits until a process listens.
    async fn of(mut process: Process) -> Self {
        let base = process.serving().await;
        Self { process, base }
    }

    /// Waits until the snapshot is restored.
    async fn restored(mut self) -> Self {
        let line = self.process.logged("restart succeeded").await;
        assert!(line["age_seconds"].as_i64().unwrap() >= 0, "{line}");
        self
    }

    /// Syncs and asserts success.
    async fn sync(&self) -> Value {
        let run = post(&format!("{}/sync?wait=1m", self.base)).await;
        assert_eq!(run["state"], "succeeded", "{run}");
        run
    }

    /// Stops the service with SIGTERM and returns its log.
    async fn end(self) -> String {
        self.process.signal(Signal::TERM);
        let ended = self.process.end().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
        ended.error
    }

    async fn fetch(&self, path: &str) -> Response {
        get(&format!("{}{path}", self.base)).await
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.fetch(path).await.text().await.unwrap()).unwrap()
    }

    /// Returns the names of the entities of a kind.
    async fn names(&self, kind: &str) -> Vec<String> {
        let entities = self
            .json(&format!("/entities?format=json&kind={kind}"))
            .await;
        let entities = entities
            .as_array()
            .unwrap_or_else(|| panic!("{entities}"))
            .iter();
        entities
            .map(|entity| entity["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Polls `/health` until it satisfies a condition.
    async fn health_until(&self, is_right: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let health = self.json("/health").await;
                if is_right(&health) {
                    return health;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap()
    }
}

/// Returns the names of the files in a directory, sorted.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Returns the permissions of a file.
fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn after_a_restart_the_service_serves_the_same_while_authentik_is_down() {
    let mut world = World::of(FakeDirectory::generate(80)).await;
    world.set("ENTITY_PROVIDER_NAMES", "backstage");
    let served = world.serve().await;
    served.sync().await;
    let before = served.fetch("/entities").await;
    let tag = before.headers()["etag"].to_str().unwrap().to_owned();
    let read_at = before.headers()["snapshot-read-at"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = before.bytes().await.unwrap();
    let health = served.json("/health").await;
    assert_eq!(
        (
            &health["snapshot"]["readAt"],
            &health["snapshot"]["restored"]
        ),
        (&read_at.clone().into(), &false.into())
    );
    served.end().await;
    world.authentik = None;

    let served = world.serve().await.restored().await;
    let request = client()
        .get(format!("{}/entities", served.base))
        .header("if-none-match", &tag);
    let again = request.send().await.unwrap();
    assert_eq!(
        (
            again.status().as_u16(),
            again.headers()["etag"].to_str().unwrap()
        ),
        (304, &*tag)
    );
    assert_eq!(
        again.headers()["snapshot-read-at"].to_str().unwrap(),
        read_at
    );
    let after = served.fetch("/entities").await;
    assert_eq!(after.headers()["etag"].to_str().unwrap(), tag);
    assert_eq!(after.bytes().await.unwrap(), body);
    assert_eq!(served.fetch("/health/ready").await.status(), 200);
    let health = served.json("/health").await;
    assert_eq!(
        (&health["status"], &health["snapshot"]["readAt"]),
        (&"ok".into(), &read_at.into()),
        "{health}"
    );
    assert_eq!(
        (
            &health["snapshot"]["restored"],
            &health["lastRun"]["trigger"]
        ),
        (&true.into(), &"restart".into())
    );

    let run = post(&format!("{}/sync?wait=1m", served.base)).await;
    assert_eq!(run["error"]["code"], "connect", "{run}");
    let health = served.json("/health").await;
    assert_eq!(
        (&health["status"], &health["snapshot"]["restored"]),
        (&"degraded".into(), &true.into()),
        "{health}"
    );
    assert_eq!(served.fetch("/entities").await.bytes().await.unwrap(), body);
}

#[tokio::test]
async fn a_row_keeps_its_name_across_a_restart() {
    let world = World::of(directory(&[(4, "alice")], &[])).await;
    let served = world.serve().await;
    served.sync().await;
    world
        .fake
        .edit(|directory| directory.insert_user(FakeUser::new(3, "Alice")));
    served.sync().await;
    served.end().await;
    let served = world.serve().await.restored().await;
    for _ in 0..2 {
        let entity = served.json("/entities/by-name/user/default/alice").await;
        assert_eq!(
            entity["metadata"]["annotations"]["authentik.goauthentik.io/pk"],
            "4"
        );
        let run = served.sync().await;
        assert_eq!(
            (&run["added"], &run["changed"], &run["removed"]),
            (&0.into(), &0.into(), &0.into()),
            "{run}"
        );
    }
    assert_eq!(served.json("/health").await["snapshot"]["restored"], false);
}

#[tokio::test]
async fn the_current_configuration_applies_to_restored_rows() {
    let mut world = World::of(crowd(5)).await;
    world.serve_once().await;
    world.authentik = None;
    world.set("ENTITY_PROVIDER_EXCLUDE_GROUPS", "everyone");
    let served = world.serve().await.restored().await;
    assert!(served.names("group").await.is_empty());
    assert_eq!(served.names("user").await.len(), 5);
}

#[tokio::test]
async fn rows_of_another_server_are_not_served_and_each_server_has_its_file() {
    let mut world = World::of(crowd(5)).await;
    world.serve_once().await;
    let other = World::of(crowd(7)).await;
    world.set(
        "AUTHENTIK_BASE_URL",
        &other.authentik.as_ref().unwrap().base,
    );
    let served = world.serve().await;
    // The scheduler reads the state file before it takes a request.
    served.sync().await;
    assert!(
        served.json("/sync").await["runs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|run| run["trigger"] == "request")
    );
    assert_eq!(served.names("user").await.len(), 7);
    served.end().await;
    assert_eq!(
        files(&world.state()).len(),
        2,
        "{:?}",
        files(&world.state())
    );
}

#[tokio::test]
async fn only_the_owner_can_read_the_file_and_it_contains_no_token() {
    let world = World::of(crowd(5)).await;
    world.serve_once().await;
    let names = files(&world.state());
    assert_eq!(names.len(), 1, "{names:?}");
    let file = world.state().join(&names[0]);
    assert_eq!((mode(&file), mode(&world.state())), (0o600, 0o700));
    let bytes = std::fs::read(&file).unwrap();
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let (first, header) = (lines.next().unwrap(), lines.next().unwrap());
    let rows = zstd::decode_all(lines.next().unwrap()).unwrap();
    let text = String::from_utf8([first, header, &rows].concat()).unwrap();
    assert!(text.contains("user-5") && text.contains(&world.authentik.as_ref().unwrap().base));
    assert!(!text.contains(FakeAuthentik::TOKEN));
}

#[tokio::test]
async fn nothing_is_written_without_persistence_or_in_the_demo() {
    let mut world = World::of(crowd(5)).await;
    let home = world.disk.path().to_str().unwrap().to_owned();
    world.set("HOME", &home);
    world.set("ENTITY_PROVIDER_STATE_DIR", "false");
    world.serve_once().await;
    let demo = ["demo", "--users", "30", "--listen", "127.0.0.1:0"];
    let mut demo = Process::spawn(&demo, &[("HOME", &home)]);
    let base = demo.until(|line| match line {
        Line::Out(line) => line
            .split_whitespace()
            .find(|word| word.ends_with("/health"))
            .map(str::to_owned),
        Line::Error(_) => None,
    });
    let base = base.await.replace("/health", "");
    let demo = Served {
        process: demo,
        base,
    };
    demo.sync().await;
    demo.end().await;
    assert_eq!(files(world.disk.path()), Vec::<String>::new());
}

#[tokio::test]
async fn by_default_the_state_file_is_below_the_home_directory() {
    let mut world = World::of(crowd(5)).await;
    let home = world.disk.path().to_str().unwrap().to_owned();
    world.set("HOME", &home);
    // An empty variable counts as unset.
    world.set("ENTITY_PROVIDER_STATE_DIR", "");
    world.serve_once().await;
    assert_eq!(
        files(
            &world
                .disk
                .path()
                .join(".local/state/authentik-entity-provider")
        )
        .len(),
        1
    );
}
