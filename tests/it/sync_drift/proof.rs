//! Random edits at random moments of a run: the served entities existed during the run, or the run
//! failed.

use std::collections::BTreeMap;
use std::time::Instant;

use fake_authentik::{Action, FakeAuthentik, FakeDirectory, FakeUser, Release, ScriptStep, Target};
use futures::{StreamExt, stream};

use super::edits::{Numbers, edit};
use super::history::History;
use super::{assert_present, one_page_at_a_time, users_without_groups};
use crate::support::app::Pair;
use crate::support::directory::{failure, group_pk};

/// Number of seeds; the variable `PROOF_SEEDS` sets another.
const SEEDS: u64 = 60;
/// Runs of each service, because a start costs more than a run.
const RUNS: u64 = 8;
/// Number of seeds at once, each with its own service.
const AT_ONCE: usize = 8;

/// A directory of 35 users and some groups; every second user is in a group. No list reveals the
/// loss of the others.
fn company() -> FakeDirectory {
    let mut directory = users_without_groups(35);
    for number in (1..=35_u64).step_by(2) {
        assert!(directory.add_member(group_pk(u128::from(number % 7 + 1) * 10), number * 10));
    }
    for number in 2..=20 {
        assert!(directory.set_parents(group_pk(number * 10), &[group_pk(number / 2 * 10)]));
    }
    directory
}

/// Scripts edits before or after requests of the next run.
fn script(fake: &FakeAuthentik, numbers: &mut Numbers, history: &History) {
    fake.clear_script();
    for _ in 0..=numbers.below(6) {
        let list = numbers
            .pick(&[Target::Users, Target::Users, Target::Groups])
            .clone();
        let (seed, edits) = (numbers.below(u64::MAX), numbers.below(3) + 1);
        let history = history.clone();
        let act = move |directory: &mut FakeDirectory| {
            let mut numbers = Numbers::new(seed);
            for _ in 0..edits {
                edit(&mut numbers, directory, &history);
                history.push(directory);
            }
        };
        let action = if numbers.below(2) == 0 {
            Action::before(act)
        } else {
            Action::after(act)
        };
        fake.script(ScriptStep::at(list, action).nth(numbers.below(9) + 1));
    }
}

/// Syncs repeatedly while scripts run and asserts what is served; returns the outcomes of the runs.
async fn play(seed: u64) -> Vec<String> {
    let mut ends = Vec::new();
    let mut numbers = Numbers::new(seed);
    let pair = Pair::spawn(Release::V2026_5, company(), |config| {
        config.service.page_size = 10;
        config.service.concurrency = if seed.is_multiple_of(2) { 1 } else { 4 };
        config.service.shrink_guard.enabled = false;
    })
    .await;
    let history = pair
        .fake
        .edit(|directory| History::beginning_with(directory));
    for run in 1..=RUNS {
        let during = history.since_now();
        script(&pair.fake, &mut numbers, &history);
        let ended = pair.app.sync().await;
        let end = if ended["state"] == "succeeded" {
            "succeeded"
        } else {
            failure(&ended).0
        };
        ends.push(end.to_owned());
        assert!(
            ["succeeded", "incomplete", "timeout"].contains(&end),
            "seed {seed}: {ended}"
        );
        if end == "succeeded" {
            let (users, groups) = (
                pair.app.entities("user").await,
                pair.app.entities("group").await,
            );
            during.assert_holds(&users, &groups, &format!("seed {seed} run {run}"));
        }
    }
    ends
}

#[tokio::test]
async fn every_served_row_was_true_during_the_run_whatever_changes() {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text: String| text.parse::<u64>().unwrap())
    };
    let (first, seeds) = (
        number("PROOF_FIRST").unwrap_or(0),
        number("PROOF_SEEDS").unwrap_or(SEEDS),
    );
    let (mut ends, began) = (BTreeMap::<String, u64>::new(), Instant::now());
    let mut played = stream::iter(first..first + seeds)
        .map(play)
        .buffer_unordered(AT_ONCE);
    while let Some(some) = played.next().await {
        for end in some {
            *ends.entry(end).or_default() += 1;
        }
    }
    println!(
        "seeds {first} to {}: {ends:?} in {:?}",
        first + seeds - 1,
        began.elapsed()
    );
    let failed = seeds * RUNS - ends["succeeded"];
    assert!(
        failed * 50 <= seeds * RUNS,
        "too many runs failed: {ends:?}"
    );
}

#[tokio::test]
async fn a_delete_with_a_late_commit_of_a_lower_pk_hides_no_other() {
    for request in 2..=7 {
        for (deleted, late) in [(20, 25), (20, 345), (10, 15), (150, 5), (250, 345)] {
            let pair = one_page_at_a_time(users_without_groups(35)).await;
            let swap = move |directory: &mut FakeDirectory| {
                assert!(directory.remove_user(deleted));
                directory.insert_user(FakeUser::new(late, &format!("new-{late}")));
            };
            pair.fake
                .script(ScriptStep::at(Target::Users, Action::before(swap)).nth(request));
            let what = format!("{deleted} goes and {late} comes before request {request}");
            assert_present(&pair, &what).await;
        }
    }
}
