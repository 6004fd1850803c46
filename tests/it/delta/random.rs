//! Random changes between and during readings: what a reading gives was true, and nothing older is missing.

pub mod changes;

use std::sync::{Arc, Mutex};

use authentik_entity_provider::authentik::delta::{Changed, Reason};
use authentik_entity_provider::directory::{Directory, Disagreement, User};
use fake_authentik::{Action, FakeDirectory, Place, Release, Step};

use jiff::SignedDuration;

use crate::support::reader::{Reader, rows};
use changes::{Changes, Numbers, beginning};

/// Scripts, each with several readings; `DELTA_SCRIPTS` asks for more, `DELTA_SEED` for another start.
const SCRIPTS: u64 = 8_000;
/// Readings of a script.
const READINGS: u64 = 4;
/// Scripts that run side by side, each against a look-alike of its own.
const WORKERS: u64 = 4;

/// How often a reading was sure.
#[derive(Default)]
struct Tally {
    deltas: u64,
    doubts: Vec<Reason>,
    /// Full readings that nothing was in doubt about.
    asked: u64,
    /// Readings during which something changed.
    moved: u64,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_whenever_a_reading_is_right_or_in_doubt() {
    let (first, scripts) = (setting("DELTA_SEED", 0), setting("DELTA_SCRIPTS", SCRIPTS));
    let workers = (0..WORKERS).map(|worker| {
        tokio::spawn(async move {
            let mut tally = Tally::default();
            let page_size = if worker % 2 == 0 { 3 } else { 8 };
            let mut reader =
                Reader::spawn(Release::V2026_5, beginning(&mut Numbers(worker)), page_size).await;
            // A second more than the latest commit.
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
            deltas,
            doubts,
            asked,
            moved,
        } = worker.await.unwrap();
        total.deltas += deltas;
        total.asked += asked;
        total.doubts.extend(doubts);
        total.moved += moved;
    }
    let Tally {
        deltas,
        moved,
        doubts,
        asked,
    } = &total;
    let of = |reason: Reason| doubts.iter().filter(|doubt| **doubt == reason).count();
    let counted = [Reason::TooMany, Reason::Restless, Reason::Disagreement].map(of);
    println!(
        "{deltas} deltas, {asked} crawls, {moved} moved; too many, restless, disagreement: {counted:?}"
    );
    assert_eq!(counted.iter().sum::<usize>(), doubts.len(), "{doubts:?}");
    assert!(
        *deltas > 3 * doubts.len() as u64,
        "{deltas} deltas, {} doubts",
        doubts.len()
    );
    assert!(
        moved * 4 > deltas + asked,
        "{moved} of {deltas} and {asked}"
    );
}

/// Plays one script: changes, then a reading with changes at some of its requests, and again.
async fn play(reader: &mut Reader, seed: u64, tally: &mut Tally) {
    let mut numbers = Numbers(seed << 20);
    let changes = Changes::new(&mut numbers);
    reader.fake.clear_script();
    reader
        .fake
        .edit(|directory| *directory = beginning(&mut numbers));
    reader.know_all();
    // One reading is full because it is time.
    let whole = numbers.below(READINGS);
    for reading in 0..READINGS {
        reader.fake.edit(|directory| {
            let born = None;
            (0..numbers.below(4)).for_each(|_| changes.apply(directory, &mut numbers, born));
        });
        let moments = Moments::begin(reader);
        for _ in 0..numbers.below(4) {
            moments.script(reader, changes, &mut numbers);
        }
        let what = format!("seed {seed}, reading {reading}");
        let changed = if reading == whole {
            None
        } else {
            Some(reader.changes().await)
        };
        // As the service does: a doubt is settled by a full crawl, while the script goes on.
        let crawl = if let Some(Changed::Delta(_)) = changed {
            None
        } else {
            Some(reader.crawl().await)
        };
        reader.fake.clear_script();
        reader.fake.rests().await;
        let moments = moments.0.lock().unwrap().clone();
        tally.moved += u64::from(moments.len() > 1);
        match changed {
            Some(Changed::Delta(delta)) => {
                (reader.directory, reader.watermark) = (delta.directory, delta.watermark);
                tally.deltas += 1;
            }
            Some(Changed::Doubt(reason)) => tally.doubts.push(reason),
            None => tally.asked += 1,
        }
        if let Some(crawl) = crawl {
            (reader.directory, reader.watermark) = (crawl.directory, crawl.watermark.unwrap());
        } else {
            assert_both_sides_agree(&reader.directory, &what);
        }
        assert_was(&reader.directory, &moments, &what);
    }
}

/// The directory as it was at every moment of a reading.
#[derive(Clone)]
struct Moments(Arc<Mutex<Vec<FakeDirectory>>>);

impl Moments {
    fn begin(reader: &Reader) -> Self {
        Self(Arc::new(Mutex::new(vec![
            reader.fake.edit(|directory| directory.clone()),
        ])))
    }

    /// Puts a change before or behind one of the next requests.
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
            .script(Step::at(Place::Anywhere, action).nth(numbers.below(30) + 1));
    }
}

/// Asserts that each row is as it was at some moment, that none is missing which was there at all
/// moments, and that no row names another which is not there.
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

/// Asserts that users name exactly the groups that name them, which in a crawl only the groups tell.
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
