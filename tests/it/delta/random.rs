//! Random changes between and during syncs: every result existed at some moment, and no older
//! change is missing.

pub mod changes;

use std::sync::{Arc, Mutex};

use authentik_entity_provider::authentik::delta::{DeltaOutcome, FallbackReason};
use authentik_entity_provider::directory::{Directory, Disagreement, User};
use fake_authentik::{Action, FakeDirectory, Release, ScriptStep, Target};

use jiff::SignedDuration;

use crate::support::reader::{Reader, rows};
use changes::{Changes, Numbers, beginning};

/// Number of scripts, each with several syncs; `DELTA_SCRIPTS` sets another number, `DELTA_SEED`
/// another start.
const SCRIPTS: u64 = 8_000;
/// Syncs in each script.
const SYNCS: u64 = 4;
/// Scripts that run concurrently, each with its own fake Authentik.
const WORKERS: u64 = 4;

/// Numbers of syncs by outcome.
#[derive(Default)]
struct Tally {
    incremental: u64,
    fallbacks: Vec<FallbackReason>,
    /// Full syncs that were not fallbacks.
    full: u64,
    /// Syncs during which the directory changed.
    moved: u64,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incremental_sync_is_right_or_falls_back_whatever_changes() {
    let (first, scripts) = (setting("DELTA_SEED", 0), setting("DELTA_SCRIPTS", SCRIPTS));
    let workers = (0..WORKERS).map(|worker| {
        tokio::spawn(async move {
            let mut tally = Tally::default();
            let page_size = if worker % 2 == 0 { 3 } else { 8 };
            let mut reader =
                Reader::spawn(Release::V2026_5, beginning(&mut Numbers(worker)), page_size).await;
            // One second more than the latest commit.
            reader.settings.overlap = SignedDuration::from_secs(4);
            for seed in (first..first + scripts).filter(|seed| seed % WORKERS == worker) {
                play(&mut reader, seed, &mut tally).await;
            }
            tally
        })
    });
    let mut total = Tally::default();
    for worker in workers.collect::<Vec<_>>() {
        let Tally {
            incremental,
            fallbacks,
            full,
            moved,
        } = worker.await.unwrap();
        total.incremental += incremental;
        total.full += full;
        total.fallbacks.extend(fallbacks);
        total.moved += moved;
    }
    let Tally {
        incremental,
        moved,
        fallbacks,
        full,
    } = &total;
    let of = |reason: FallbackReason| fallbacks.iter().filter(|found| **found == reason).count();
    let counted = [
        FallbackReason::TooManyChanges,
        FallbackReason::Unstable,
        FallbackReason::ListsDisagree,
    ]
    .map(of);
    println!(
        "{incremental} incremental, {full} full, {moved} moved; too many changes, unstable, lists disagree: {counted:?}"
    );
    assert_eq!(
        counted.iter().sum::<usize>(),
        fallbacks.len(),
        "{fallbacks:?}"
    );
    assert!(
        *incremental > 3 * fallbacks.len() as u64,
        "{incremental} incremental, {} fallbacks",
        fallbacks.len()
    );
    assert!(
        moved * 4 > incremental + full,
        "{moved} of {incremental} and {full}"
    );
}

/// Runs one script: changes, then a sync with changes at some of its requests, repeated.
async fn play(reader: &mut Reader, seed: u64, tally: &mut Tally) {
    let mut numbers = Numbers(seed << 20);
    let changes = Changes::new(&mut numbers);
    reader.fake.clear_script();
    reader
        .fake
        .edit(|directory| *directory = beginning(&mut numbers));
    reader.know_all();
    // One sync is a scheduled full sync.
    let whole = numbers.below(SYNCS);
    for sync in 0..SYNCS {
        reader.fake.edit(|directory| {
            let born = None;
            (0..numbers.below(4)).for_each(|_| changes.apply(directory, &mut numbers, born));
        });
        let moments = Moments::begin(reader);
        for _ in 0..numbers.below(4) {
            moments.script(reader, changes, &mut numbers);
        }
        let what = format!("seed {seed}, sync {sync}");
        let changed = if sync == whole {
            None
        } else {
            Some(reader.changes().await)
        };
        // As in the service: a fallback starts a full sync while the script continues.
        let crawl = if let Some(DeltaOutcome::Delta(_)) = changed {
            None
        } else {
            Some(reader.crawl().await)
        };
        reader.fake.clear_script();
        reader.fake.idle().await;
        let moments = moments.0.lock().unwrap().clone();
        tally.moved += u64::from(moments.len() > 1);
        match changed {
            Some(DeltaOutcome::Delta(delta)) => {
                (reader.directory, reader.watermark) = (delta.directory, delta.watermark);
                tally.incremental += 1;
            }
            Some(DeltaOutcome::Fallback(reason)) => tally.fallbacks.push(reason),
            None => tally.full += 1,
        }
        if let Some(crawl) = crawl {
            (reader.directory, reader.watermark) = (crawl.directory, crawl.watermark.unwrap());
        } else {
            assert_both_sides_agree(&reader.directory, &what);
        }
        assert_was(&reader.directory, &moments, &what);
    }
}

/// The directory at every moment of a sync.
#[derive(Clone)]
struct Moments(Arc<Mutex<Vec<FakeDirectory>>>);

impl Moments {
    fn begin(reader: &Reader) -> Self {
        Self(Arc::new(Mutex::new(vec![
            reader.fake.edit(|directory| directory.clone()),
        ])))
    }

    /// Schedules a change before or after one of the next requests.
    fn script(&self, reader: &Reader, changes: Changes, numbers: &mut Numbers) {
        let (moments, mut own) = (self.clone(), Numbers(numbers.next()));
        let edit = move |directory: &mut FakeDirectory| {
            let mut moments = moments.0.lock().unwrap();
            let begun = moments[0].clone();
            changes.apply(directory, &mut own, Some(&begun));
            moments.push(directory.clone());
        };
        let action = if numbers.below(2) == 0 {
            Action::before(edit)
        } else {
            Action::after(edit)
        };
        reader
            .fake
            .script(ScriptStep::at(Target::Anywhere, action).nth(numbers.below(30) + 1));
    }
}

/// Asserts that each row equals its state at some moment, that every row present at all moments is
/// found, and that each reference leads to a found row.
fn assert_was(found: &Directory, moments: &[FakeDirectory], what: &str) {
    let moments: Vec<_> = moments.iter().map(rows).collect();
    for user in found.users() {
        let was = |moment: &Directory| {
            moment
                .user(user.pk)
                .is_some_and(|was| without_groups(was) == without_groups(user))
        };
        assert!(
            moments.iter().any(was),
            "{what}: never was {user:?}: {:?}",
            moments[0].user(user.pk)
        );
    }
    for group in found.groups() {
        assert!(
            moments
                .iter()
                .any(|moment| moment.group(group.pk) == Some(group)),
            "{what}: never was {group:?}"
        );
    }
    let lasting = |pk| moments.iter().all(|moment: &Directory| moment.has_user(pk));
    for user in moments[0].users().iter().filter(|user| lasting(user.pk)) {
        assert!(found.has_user(user.pk), "{what}: {user:?} is missing");
    }
    for group in moments[0].groups() {
        let lasting = moments.iter().all(|moment| moment.has_group(group.pk));
        assert!(
            !lasting || found.has_group(group.pk),
            "{what}: {group:?} is missing"
        );
    }
    assert!(
        Disagreement::of(found).is_empty(),
        "{what}: {:?}",
        Disagreement::of(found)
    );
}

/// Asserts that users list exactly the groups that list them; a full sync derives the former from
/// the latter.
fn assert_both_sides_agree(found: &Directory, what: &str) {
    for user in found.users() {
        let named = found
            .groups()
            .iter()
            .filter(|group| group.users.contains(&user.pk));
        assert!(
            named.map(|group| &group.pk).eq(&*user.groups),
            "{what}: {user:?}"
        );
    }
}

fn without_groups(user: &User) -> User {
    User {
        groups: [].into(),
        ..user.clone()
    }
}
