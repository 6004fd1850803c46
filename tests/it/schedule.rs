//! The start times of runs. Tokio's clock is paused and advances when all tasks are idle; the
//! service's wall clock follows it.

use std::time::Duration;

use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::{Config, Schedule};
use authentik_entity_provider::jitter::Jitter;
use fake_authentik::{Access, Action, FakeAuthentik, Gate, Release, ScriptStep, Target};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::RunningAuthentik;
use crate::support::app::{Pair, TestApp, config, loaded};
use crate::support::directory::crowd;

/// The start of the tests on the service's wall clock.
const BEGIN: &str = "2026-01-05T08:00:00Z";

/// A clock that starts at [`BEGIN`] and follows the paused one.
fn clock() -> Clock {
    let (begin, started) = (BEGIN.parse::<Timestamp>().unwrap(), Instant::now());
    Clock::new(move || begin + SignedDuration::try_from(started.elapsed()).unwrap())
}

/// A schedule as the configuration gives it.
fn schedule(value: &Value) -> Schedule {
    let name = "APP_CONFIG_catalog_providers_authentik_schedule";
    loaded(name, value).authentik.schedule
}

/// A fake Authentik and a service with a schedule.
struct Scheduled {
    fake: FakeAuthentik,
    app: TestApp,
    clock: Clock,
    _authentik: RunningAuthentik,
}

impl Scheduled {
    async fn spawn(schedule: Schedule) -> Self {
        Self::with_jitter(schedule, 0.0).await
    }

    async fn with_jitter(schedule: Schedule, jitter: f64) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, crowd(5));
        let authentik = RunningAuthentik::spawn(&fake).await;
        let mut config: Config = config(&authentik.base, FakeAuthentik::TOKEN);
        config.authentik.schedule = schedule;
        let clock = clock();
        let app = TestApp::spawn_with(config, clock.clone(), Jitter::new(move || jitter)).await;
        Self {
            fake,
            app,
            clock,
            _authentik: authentik,
        }
    }

    /// Returns the finished runs, oldest first, once there are this many.
    async fn ended(&self, number: usize) -> Vec<Value> {
        loop {
            let now = self.now();
            let list = self.app.json("/sync").await;
            let next = list.get("nextRunAt").map(seconds);
            assert!(next.is_none_or(|next| next >= now), "{now} {list}");
            let runs = list["runs"].as_array().unwrap();
            let mut ended: Vec<_> = runs
                .iter()
                .filter(|run| run.get("endedAt").is_some())
                .cloned()
                .collect();
            if ended.len() >= number {
                ended.reverse();
                return ended;
            }
            let left = list
                .get("nextRunAt")
                .map_or(0, |next| seconds(next) - self.now());
            later(Duration::from_secs(left.max(1).unsigned_abs())).await;
        }
    }

    /// Returns the seconds since the start.
    fn now(&self) -> i64 {
        self.clock
            .now()
            .duration_since(BEGIN.parse().unwrap())
            .as_secs()
    }

    /// Returns the time of the next run, in seconds since the start.
    async fn next(&self) -> i64 {
        seconds(&self.app.json("/sync").await["nextRunAt"])
    }
}

/// Advances the paused clock.
async fn later(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Converts a timestamp to whole seconds since the start.
fn seconds(time: &Value) -> i64 {
    let time: Timestamp = time
        .as_str()
        .unwrap_or_else(|| panic!("no time: {time}"))
        .parse()
        .unwrap();
    time.duration_since(BEGIN.parse().unwrap()).as_secs()
}

/// Returns the start times of runs, in seconds since the start.
fn starts(runs: &[Value]) -> Vec<i64> {
    runs.iter().map(|run| seconds(&run["startedAt"])).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_run_follows_the_initial_delay_and_the_others_the_frequency() {
    let service = Scheduled::spawn(schedule(
        &json!({"frequency": {"minutes": 5}, "initialDelay": "40s"}),
    ))
    .await;
    assert_eq!(service.next().await, 40);
    let runs = service.ended(3).await;
    assert_eq!(starts(&runs), [40, 340, 640]);
    assert!(
        runs.iter()
            .all(|run| run["trigger"] == "schedule" && run["state"] == "succeeded")
    );
    assert_eq!(service.next().await, 940);
}

#[tokio::test(start_paused = true)]
async fn no_next_run_is_announced_during_a_run() {
    let service = Scheduled::spawn(schedule(&json!({"frequency": {"minutes": 5}}))).await;
    let gate = Gate::new();
    service
        .fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)).always());
    let announced = async {
        gate.waiting(1).await;
        let list = service.app.json("/sync").await;
        gate.open();
        (
            list["runs"][0]["state"].clone(),
            list.get("nextRunAt").cloned(),
        )
    };
    let (runs, announced) = tokio::join!(service.ended(1), announced);
    assert_eq!(announced, ("running".into(), None));
    assert_eq!(runs[0]["state"], "succeeded", "{runs:?}");
    assert_eq!(service.next().await, 315);
}

#[tokio::test(start_paused = true)]
async fn the_defaults_are_fifteen_seconds_and_thirty_minutes() {
    let service = Scheduled::spawn(Schedule::default()).await;
    assert_eq!(starts(&service.ended(2).await), [15, 1815]);
}

#[tokio::test(start_paused = true)]
async fn with_a_manual_trigger_no_run_is_scheduled() {
    let service = Scheduled::spawn(schedule(&json!({"frequency": {"trigger": "manual"}}))).await;
    later(Duration::from_hours(48)).await;
    assert_eq!(service.fake.counters().requests, 0);
    assert!(service.app.json("/sync").await.get("nextRunAt").is_none());
    assert_eq!(service.app.sync().await["trigger"], "request");
    service.fake.revoke(FakeAuthentik::TOKEN);
    assert_eq!(service.app.sync().await["state"], "failed");
    let before = service.fake.counters().requests;
    later(Duration::from_hours(48)).await;
    assert_eq!(
        service.fake.counters().requests,
        before,
        "not even after a failure"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cron_expression_runs_at_its_times() {
    let service = Scheduled::spawn(schedule(
        &json!({"frequency": {"cron": "30 */2 * * *"}, "initialDelay": "10s"}),
    ))
    .await;
    let runs = service.ended(3).await;
    assert_eq!(
        starts(&runs),
        [10, 30 * 60, 150 * 60],
        "at once, since there is no snapshot, then 08:30 and 10:30"
    );
    assert_eq!(service.next().await, 270 * 60);
}

#[tokio::test(start_paused = true)]
async fn without_a_snapshot_runs_follow_failures_sooner() {
    let service = Scheduled::spawn(schedule(&json!({"initialDelay": "10s"}))).await;
    service.fake.revoke(FakeAuthentik::TOKEN);
    let runs = service.ended(8).await;
    let pauses: Vec<_> = starts(&runs)
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
    service.fake.grant(FakeAuthentik::TOKEN, Access::Full);
    let runs = service.ended(9).await;
    assert_eq!(runs[8]["state"], "succeeded");
    assert_eq!(
        service.next().await,
        seconds(&runs[8]["startedAt"]) + 1800,
        "then the frequency applies"
    );
}

#[tokio::test(start_paused = true)]
async fn with_a_snapshot_the_next_regular_run_follows_a_failure() {
    let service = Scheduled::spawn(schedule(&json!({"initialDelay": "0s"}))).await;
    service.ended(1).await;
    service.fake.revoke(FakeAuthentik::TOKEN);
    let runs = service.ended(3).await;
    assert_eq!(starts(&runs), [0, 1800, 3600]);
    assert_eq!(runs[1]["error"]["code"], "token");
}

/// Returns the intervals between the starts of runs, in seconds.
fn pauses(runs: &[Value]) -> Vec<i64> {
    starts(runs)
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect()
}

#[tokio::test(start_paused = true)]
async fn repeated_failures_lengthen_the_interval_and_a_success_resets_it() {
    let service =
        Scheduled::spawn(schedule(&json!({"frequency": "5m", "initialDelay": "0s"}))).await;
    service.ended(1).await;
    service.fake.revoke(FakeAuthentik::TOKEN);
    let runs = service.ended(9).await;
    assert_eq!(pauses(&runs), [300, 300, 300, 600, 1200, 2400, 3600, 3600]);
    service.fake.grant(FakeAuthentik::TOKEN, Access::Full);
    let runs = service.ended(11).await;
    assert_eq!(runs[9]["state"], "succeeded");
    assert_eq!(pauses(&runs)[8..], [3600, 300]);
}

#[tokio::test(start_paused = true)]
async fn a_requested_run_resets_the_backoff_even_if_it_fails() {
    let service =
        Scheduled::spawn(schedule(&json!({"frequency": "5m", "initialDelay": "0s"}))).await;
    service.ended(1).await;
    service.fake.revoke(FakeAuthentik::TOKEN);
    let runs = service.ended(6).await;
    assert_eq!(service.next().await, seconds(&runs[5]["startedAt"]) + 2400);
    let run = service.app.sync().await;
    assert_eq!(
        (&run["state"], &run["trigger"]),
        (&"failed".into(), &"request".into())
    );
    assert_eq!(service.next().await, seconds(&run["startedAt"]) + 300);
}

#[tokio::test(start_paused = true)]
async fn a_lengthened_interval_has_jitter_and_a_regular_one_has_none() {
    let spawn = Scheduled::with_jitter(
        schedule(&json!({"frequency": "5m", "initialDelay": "0s"})),
        1.0,
    );
    let service = spawn.await;
    service.ended(1).await;
    service.fake.revoke(FakeAuthentik::TOKEN);
    assert_eq!(
        pauses(&service.ended(6).await),
        [300, 300, 300, 750, 1500],
        "a quarter more at most"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cron_expression_that_fails_skips_some_of_its_times() {
    let frequency = json!({"frequency": {"cron": "*/10 * * * *"}, "initialDelay": "0s"});
    let service = Scheduled::spawn(schedule(&frequency)).await;
    service.ended(1).await;
    service.fake.revoke(FakeAuthentik::TOKEN);
    let runs = service.ended(7).await;
    assert_eq!(starts(&runs), [0, 600, 1200, 1800, 3000, 5400, 9000]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_slower_than_an_hour_is_not_slowed_down() {
    let service =
        Scheduled::spawn(schedule(&json!({"frequency": "2h", "initialDelay": "0s"}))).await;
    service.ended(1).await;
    service.fake.revoke(FakeAuthentik::TOKEN);
    assert_eq!(pauses(&service.ended(6).await), [7200; 5]);
}

#[tokio::test(start_paused = true)]
async fn held_runs_do_not_change_the_interval() {
    let service =
        Scheduled::spawn(schedule(&json!({"frequency": "5m", "initialDelay": "0s"}))).await;
    service.ended(1).await;
    service
        .fake
        .edit(|directory| assert!((1..6).all(|pk| directory.set_active(pk, false))));
    let runs = service.ended(6).await;
    assert!(
        runs[1..].iter().all(|run| run["state"] == "held"),
        "{runs:?}"
    );
    assert_eq!(pauses(&runs), [300; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_requested_run_moves_the_next_regular_one() {
    let service = Scheduled::spawn(schedule(&json!({"initialDelay": "0s"}))).await;
    service.ended(1).await;
    later(Duration::from_mins(10)).await;
    let run = service.app.sync().await;
    assert_eq!(service.next().await, seconds(&run["startedAt"]) + 1800);
}

#[tokio::test(start_paused = true)]
async fn a_run_longer_than_the_frequency_is_followed_by_the_next_at_once() {
    let service = Scheduled::spawn(schedule(
        &json!({"frequency": {"seconds": 5}, "initialDelay": "0s"}),
    ))
    .await;
    service
        .fake
        .script(ScriptStep::at(Target::Groups, Action::Delay(Duration::from_secs(12))).always());
    let runs = service.ended(3).await;
    assert!(
        runs.iter().all(|run| run["state"] == "succeeded"),
        "{runs:?}"
    );
    assert_eq!(starts(&runs), [0, 12, 24], "one at a time");
}

#[tokio::test]
async fn posts_during_a_run_share_the_next_one() {
    let pair = Pair::with(crowd(5)).await;
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Groups, Action::gate(&gate)));
    let post = async || {
        let response = pair.app.post("/sync").send().await.unwrap();
        assert_eq!(response.status(), 202);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let run: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(location, format!("/sync/{}", run["id"].as_str().unwrap()));
        location
    };
    let first = post().await;
    gate.waiting(1).await;
    assert_eq!(pair.app.json(&first).await["state"], "running");
    let (second, third) = (post().await, post().await);
    assert_eq!(second, third);
    assert_ne!(second, first);
    assert_eq!(pair.app.json(&second).await["state"], "queued");
    pair.fake.edit(|directory| directory.add_user("late"));
    let (last, ()) = tokio::join!(pair.app.sync(), async { gate.open() });
    assert_eq!(
        format!("/sync/{}", last["id"].as_str().unwrap()),
        second,
        "a third request shares it too"
    );
    assert_eq!(last["users"], 6, "it started after the change");
    assert_eq!(pair.fake.counters().group_lists, 2);
}

#[tokio::test(start_paused = true)]
async fn requested_runs_have_a_cooldown_of_a_second() {
    let fake = FakeAuthentik::new(Release::V2026_5, crowd(5));
    let authentik = RunningAuthentik::spawn(&fake).await;
    let app = TestApp::spawn_as(
        config(&authentik.base, FakeAuthentik::TOKEN),
        clock(),
        |app| app,
    )
    .await;
    let first = app.sync().await;
    let (second, third) = (app.sync().await, app.sync().await);
    for (before, after) in [(&first, &second), (&second, &third)] {
        let [ended, began] = [&before["endedAt"], &after["startedAt"]]
            .map(|time| time.as_str().unwrap().parse::<Timestamp>().unwrap());
        assert!(
            began.duration_since(ended) >= SignedDuration::from_secs(1),
            "{before} {after}"
        );
        assert_eq!(after["state"], "succeeded");
    }
}

#[tokio::test]
async fn two_hundred_posts_at_once_lead_to_two_runs_at_most() {
    let pair = Pair::with(crowd(5)).await;
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Groups, Action::gate(&gate)));
    let post = || async {
        pair.app
            .post("/sync")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let statuses = join_all((0..200).map(|_| post())).await;
    assert!(statuses.iter().all(|status| *status == 202), "{statuses:?}");
    let (last, ()) = tokio::join!(pair.app.sync(), async { gate.open() });
    assert_eq!(last["state"], "succeeded");
    assert!(
        pair.fake.counters().group_lists <= 2,
        "the run in progress and the one that all others share"
    );
}

#[tokio::test]
async fn a_shutdown_ends_the_run_in_progress() {
    let mut pair = Pair::with(crowd(5)).await;
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Anywhere, Action::gate(&gate)).always());
    pair.app.post("/sync").send().await.unwrap();
    gate.waiting(1).await;
    pair.app.shutdown.cancel();
    (&mut pair.app.ended).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_schedule_ends_with_the_service() {
    let mut service =
        Scheduled::spawn(schedule(&json!({"initialDelay": "0s", "frequency": "1m"}))).await;
    service.ended(2).await;
    service.app.shutdown.cancel();
    (&mut service.app.ended).await.unwrap().unwrap();
    let before = service.fake.counters().requests;
    later(Duration::from_hours(1)).await;
    assert_eq!(service.fake.counters().requests, before);
}
