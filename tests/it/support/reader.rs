//! Incremental syncs of a fake Authentik, without the service.

use std::time::Duration;

use authentik_entity_provider::authentik::client::{Client, ClientSettings};
use authentik_entity_provider::authentik::crawl::{Crawl, PreviousRows, crawl};
use authentik_entity_provider::authentik::delta::{
    Delta, DeltaOutcome, DeltaSettings, FallbackReason, KnownRows, read_changes,
};
use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::directory::{Directory, Group, GroupPk, User, UserPk};
use authentik_entity_provider::outbound::proxy::Proxies;
use authentik_entity_provider::progress::Progress;
use fake_authentik::{FakeAuthentik, FakeDirectory, FakeUser, Release};
use jiff::{SignedDuration, Timestamp};

use super::RunningAuthentik;

/// A fake Authentik, a client and the result of the last sync.
pub struct Reader {
    pub fake: FakeAuthentik,
    pub client: Client,
    pub settings: DeltaSettings,
    pub directory: Directory,
    pub watermark: Timestamp,
    _authentik: RunningAuthentik,
}

/// The cost of a sync.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub requests: u64,
    pub user_rows: u64,
}

impl Reader {
    /// Starts a fake Authentik whose directory is known as after a full sync.
    pub async fn spawn(release: Release, directory: FakeDirectory, page_size: u32) -> Self {
        let fake = FakeAuthentik::new(release, directory).with_directory_time();
        let authentik = RunningAuthentik::spawn(&fake).await;
        let settings = ClientSettings {
            fields: std::sync::Arc::default(),
            base_url: BaseUrl::parse(&authentik.base).unwrap(),
            token: FakeAuthentik::TOKEN.into(),
            concurrency: 4,
            page_size,
            request_timeout: Duration::from_secs(20),
            ca_file: None,
            proxies: Proxies::default(),
        };
        let client = Client::new(settings, Clock::system()).unwrap();
        // Shorter than the default, because the fake Authentik's clock advances a second with each
        // change.
        let settings = DeltaSettings {
            overlap: SignedDuration::from_secs(5),
        };
        let (directory, watermark) = (Directory::default(), Timestamp::UNIX_EPOCH);
        let mut reader = Self {
            fake,
            client,
            settings,
            directory,
            watermark,
            _authentik: authentik,
        };
        reader.know_all();
        reader
    }

    /// Starts one with a release that supports incremental syncs.
    pub async fn with(directory: FakeDirectory) -> Self {
        Self::spawn(Release::V2026_5, directory, 100).await
    }

    /// Sets the known directory to the current one.
    pub fn know_all(&mut self) {
        (self.directory, self.watermark) = self.fake.edit(|directory| {
            let stamps = directory.users().iter().map(|user| user.last_updated);
            (rows(directory), stamps.max().unwrap_or_default())
        });
    }

    /// Returns the current directory.
    pub fn present(&self) -> Directory {
        self.fake.edit(|directory| rows(directory))
    }

    /// Runs a full sync.
    pub async fn crawl(&self) -> Crawl {
        let since = self.watermark.checked_sub(self.settings.overlap).ok();
        let before = PreviousRows {
            directory: &self.directory,
            since,
        };
        crawl(&self.client, before, self.settings, &Progress::default())
            .await
            .unwrap()
    }

    /// Runs an incremental sync; does not update the known directory.
    pub async fn changes(&self) -> DeltaOutcome {
        let known = KnownRows {
            directory: &self.directory,
            watermark: self.watermark,
        };
        read_changes(&self.client, known, self.settings, &Progress::default())
            .await
            .unwrap()
    }

    /// Runs an incremental sync that must fall back to a full sync, and returns the reason.
    pub async fn fallback(&self) -> FallbackReason {
        match self.changes().await {
            DeltaOutcome::Fallback(reason) => reason,
            DeltaOutcome::Delta(delta) => panic!("no fallback: {delta:?}"),
        }
    }

    /// Runs an incremental sync that must succeed, and returns its cost.
    pub async fn delta(&self) -> (Delta, Cost) {
        let before = self.fake.counters();
        let delta = match self.changes().await {
            DeltaOutcome::Delta(delta) => delta,
            DeltaOutcome::Fallback(reason) => panic!("fallback: {reason}"),
        };
        let after = self.fake.counters();
        let cost = Cost {
            requests: after.requests - before.requests,
            user_rows: after.user_rows - before.user_rows,
        };
        (delta, cost)
    }

    /// Edits the directory, runs an incremental sync and asserts that the known directory equals
    /// the current one.
    pub async fn follows(&mut self, edit: impl FnOnce(&mut FakeDirectory)) -> (Delta, Cost) {
        self.fake.edit(edit);
        let (delta, cost) = self.delta().await;
        assert_same(&delta.directory, &self.present());
        (self.directory, self.watermark) = (delta.directory.clone(), delta.watermark);
        (delta, cost)
    }
}

/// Asserts that all rows are equal; the message contains only rows that differ.
#[track_caller]
pub fn assert_same(found: &Directory, wanted: &Directory) {
    for user in found.users() {
        assert_eq!(Some(user), wanted.user(user.pk), "found, wanted");
    }
    for user in wanted.users() {
        assert!(found.has_user(user.pk), "user {} is missing", user.pk);
    }
    assert_eq!(found.groups(), wanted.groups());
}

/// Returns the rows of the fake Authentik's directory as a full sync reads them.
pub fn rows(directory: &FakeDirectory) -> Directory {
    let groups =
        |pks: &[uuid::Uuid]| -> Box<[GroupPk]> { sorted(pks.iter().map(|pk| GroupPk(*pk))) };
    let members = |pks: &[u64]| -> Box<[UserPk]> { sorted(pks.iter().map(|pk| user_pk(*pk))) };
    let users = directory.users().iter().map(|user| User {
        fields: authentik_entity_provider::directory::Fields::default(),
        pk: user_pk(user.pk),
        username: user.username.as_str().into(),
        name: user.name.as_str().into(),
        email: user.email.as_str().into(),
        avatar: user.avatar.as_str().into(),
        is_active: user.is_active,
        user_type: user.kind.as_str().to_owned().into(),
        groups: groups(user.groups()),
    });
    let listed = directory.groups().iter().map(|group| Group {
        fields: authentik_entity_provider::directory::Fields::default(),
        pk: GroupPk(group.pk),
        name: group.name.as_str().into(),
        parents: groups(group.parents()),
        users: members(group.users()),
    });
    Directory::new(users.collect(), listed.collect())
}

/// A user with this `last_updated`.
pub fn stamped(pk: u64, username: &str, stamp: Timestamp) -> FakeUser {
    let mut user = FakeUser::new(pk, username);
    user.last_updated = stamp;
    user
}

fn user_pk(pk: u64) -> UserPk {
    UserPk(i64::try_from(pk).unwrap())
}

fn sorted<Pk: Ord>(pks: impl Iterator<Item = Pk>) -> Box<[Pk]> {
    let mut pks: Vec<Pk> = pks.collect();
    pks.sort();
    pks.into()
}
