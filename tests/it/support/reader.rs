//! A look-alike whose changes are read without a service in between.

use std::time::Duration;

use authentik_entity_provider::authentik::client::{Client, ClientSettings};
use authentik_entity_provider::authentik::delta::{
    Changed, Delta, Known, Reason, Settings, read_changes,
};
use authentik_entity_provider::authentik::reading::{Before, Crawl, crawl};
use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::directory::{Directory, Group, GroupPk, User, UserPk};
use authentik_entity_provider::outbound::proxy::Proxies;
use authentik_entity_provider::progress::Progress;
use fake_authentik::{FakeAuthentik, FakeDirectory, FakeUser, Release};
use jiff::{SignedDuration, Timestamp};

use super::RunningAuthentik;

/// A look-alike, a client, and what was read last.
pub struct Reader {
    pub fake: FakeAuthentik,
    pub client: Client,
    pub settings: Settings,
    pub directory: Directory,
    pub watermark: Timestamp,
    _authentik: RunningAuthentik,
}

/// What a reading cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub requests: u64,
    pub user_rows: u64,
}

impl Reader {
    /// Starts a look-alike whose directory is known as a full crawl would know it.
    pub async fn spawn(release: Release, directory: FakeDirectory, page_size: u32) -> Self {
        let fake = FakeAuthentik::new(release, directory).with_own_time();
        let authentik = RunningAuthentik::spawn(&fake).await;
        let settings = ClientSettings {
            base_url: BaseUrl::parse(&authentik.base).unwrap(),
            token: FakeAuthentik::TOKEN.into(),
            concurrency: 4,
            page_size,
            request_timeout: Duration::from_secs(20),
            ca_file: None,
            proxies: Proxies::default(),
        };
        let client = Client::new(settings, Clock::system()).unwrap();
        // Shorter than the default, since the look-alike's clock moves a second with each change.
        let settings = Settings {
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

    /// Starts one on a release that can tell what changed.
    pub async fn with(directory: FakeDirectory) -> Self {
        Self::spawn(Release::V2026_5, directory, 100).await
    }

    /// Knows the directory as it is now.
    pub fn know_all(&mut self) {
        (self.directory, self.watermark) = self.fake.edit(|directory| {
            let stamps = directory.users().iter().map(|user| user.last_updated);
            (rows(directory), stamps.max().unwrap_or_default())
        });
    }

    /// The directory as it is now.
    pub fn present(&self) -> Directory {
        self.fake.edit(|directory| rows(directory))
    }

    /// Reads all.
    pub async fn crawl(&self) -> Crawl {
        let since = self.watermark.checked_sub(self.settings.overlap).ok();
        let before = Before {
            directory: &self.directory,
            since,
        };
        crawl(&self.client, before, self.settings, &Progress::default())
            .await
            .unwrap()
    }

    /// Reads what changed, and leaves what is known alone.
    pub async fn changes(&self) -> Changed {
        let known = Known {
            directory: &self.directory,
            watermark: self.watermark,
        };
        read_changes(&self.client, known, self.settings, &Progress::default())
            .await
            .unwrap()
    }

    /// Why a reading of what changed is in doubt.
    pub async fn doubt(&self) -> Reason {
        match self.changes().await {
            Changed::Doubt(reason) => reason,
            Changed::Delta(delta) => panic!("no doubt: {delta:?}"),
        }
    }

    /// Reads what changed without a doubt, and tells what it cost.
    pub async fn delta(&self) -> (Delta, Cost) {
        let before = self.fake.counters();
        let delta = match self.changes().await {
            Changed::Delta(delta) => delta,
            Changed::Doubt(reason) => panic!("in doubt: {reason}"),
        };
        let after = self.fake.counters();
        let cost = Cost {
            requests: after.requests - before.requests,
            user_rows: after.user_rows - before.user_rows,
        };
        (delta, cost)
    }

    /// Edits the directory, reads what changed, and asserts that it is known as it is.
    pub async fn follows(&mut self, edit: impl FnOnce(&mut FakeDirectory)) -> (Delta, Cost) {
        self.fake.edit(edit);
        let (delta, cost) = self.delta().await;
        assert_same(&delta.directory, &self.present());
        (self.directory, self.watermark) = (delta.directory.clone(), delta.watermark);
        (delta, cost)
    }
}

/// Asserts that no row differs; shows only rows that do.
#[track_caller]
pub fn assert_same(found: &Directory, wanted: &Directory) {
    for user in found.users() {
        assert_eq!(Some(user), wanted.user(user.pk), "is there, and should be");
    }
    for user in wanted.users() {
        assert!(found.has_user(user.pk), "user {} is missing", user.pk);
    }
    assert_eq!(found.groups(), wanted.groups());
}

/// The rows that a full view of a look-alike's directory gives.
pub fn rows(directory: &FakeDirectory) -> Directory {
    let groups =
        |pks: &[uuid::Uuid]| -> Box<[GroupPk]> { sorted(pks.iter().map(|pk| GroupPk(*pk))) };
    let members = |pks: &[u64]| -> Box<[UserPk]> { sorted(pks.iter().map(|pk| user_pk(*pk))) };
    let users = directory.users().iter().map(|user| User {
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
        pk: GroupPk(group.pk),
        name: group.name.as_str().into(),
        parents: groups(group.parents()),
        users: members(group.users()),
    });
    Directory::new(users.collect(), listed.collect())
}

/// A user with a stamp of its own.
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
