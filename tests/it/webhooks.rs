//! Webhooks of Authentik: a hint that something changed. Tokio's clock is paused and advances when all tasks
//! are idle.

use std::time::Duration;

use authentik_entity_provider::authentik::cost::ServerCost;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::{Config, Frequency};
use authentik_entity_provider::jitter::Jitter;
use fake_authentik::{Action, FakeAuthentik, FakeDirectory, Release, ScriptStep, Target};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::app::{TestApp, config};
use crate::support::directory::crowd;
use crate::support::{RunningAuthentik, fixture};

/// The path that Authentik posts to.
const HOOK: &str = "/hooks/authentik";

/// A service that syncs every 30 minutes, after its first run. Each run takes at least two seconds.
struct Hooked {
    fake: FakeAuthentik,
    app: TestApp,
    _authentik: RunningAuthentik,
}

impl Hooked {
    async fn spawn(release: Release, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut directory = crowd(400);
        // The changes are older than the overlap.
        for _ in 0..100 {
            directory.tick();
        }
        let fake = FakeAuthentik::new(release, directory).with_directory_time();
        slow_down(&fake);
        let authentik = RunningAuthentik::spawn(&fake).await;
        let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
        config.authentik.schedule.frequency = Frequency::Every(Duration::from_mins(30));
        config.authentik.schedule.initial_delay = Duration::ZERO;
        config.service.incremental_overlap = Duration::from_secs(5);
        adjust(&mut config);
        let (begin, started) = (
            "2026-01-05T08:00:00Z".parse::<Timestamp>().unwrap(),
            Instant::now(),
        );
        let clock = Clock::new(move || {
            begin + SignedDuration::try_from(started.elapsed()).unwrap_or_default()
        });
        let app = TestApp::spawn_as(config, clock, |app| {
            app.with_jitter(Jitter::new(|| 0.0))
                .with_server_cost(ServerCost::FREE)
        });
        Self {
            fake,
            app: app.await,
            _authentik: authentik,
        }
    }

    /// As [`Self::spawn`], after the first run.
    async fn of(release: Release) -> Self {
        let hooked = Self::spawn(release, |_| ()).await;
        assert_eq!(hooked.ended(1).await[0]["state"], "succeeded");
        hooked
    }

    /// Posts a webhook and returns the status.
    async fn post(&self) -> u16 {
        let answer = self.app.post(HOOK).body("{}").send().await.unwrap();
        answer.status().as_u16()
    }

    /// Posts a webhook after a user was added.
    async fn add_user(&self, name: &str) {
        self.fake.edit(|directory| directory.add_user(name));
        assert_eq!(self.post().await, 202);
    }

    /// Returns the ended runs, oldest first, once there are this many.
    async fn ended(&self, number: usize) -> Vec<Value> {
        loop {
            let mut runs = self.runs().await;
            runs.retain(|run| run.get("endedAt").is_some());
            if runs.len() >= number {
                runs.reverse();
                return runs;
            }
            later(Duration::from_millis(100)).await;
        }
    }

    async fn runs(&self) -> Vec<Value> {
        let mut list = self.app.json("/sync").await;
        serde_json::from_value(list["runs"].take()).unwrap()
    }
}

/// Lets every run take two seconds or more.
fn slow_down(fake: &FakeAuthentik) {
    let slow = Action::Delay(Duration::from_secs(2));
    fake.script(ScriptStep::at(Target::Groups, slow).always());
}

/// Advances the paused clock.
async fn later(duration: Duration) {
    tokio::time::sleep(duration).await;
}

fn time(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    text.parse().unwrap()
}

/// Returns the seconds between the end of a run and the start of another.
fn pause(before: &Value, after: &Value) -> f64 {
    let pause = time(&after["startedAt"]).duration_since(time(&before["endedAt"]));
    pause.as_secs_f64()
}

fn duration(run: &Value) -> f64 {
    run["durationSeconds"].as_f64().unwrap()
}

fn summary(run: &Value) -> [&str; 4] {
    ["trigger", "mode", "reason", "state"].map(|key| run[key].as_str().unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn a_recorded_webhook_leads_to_an_incremental_sync() {
    for name in ["webhook-default", "webhook-mapped"] {
        let recorded: Value =
            serde_json::from_str(&fixture(&format!("2026.5/{name}.json"))).unwrap();
        let hooked = Hooked::of(Release::V2026_5).await;
        hooked.fake.edit(|directory| directory.add_user("new"));
        let mut request = hooked.app.post(HOOK).body(recorded["body"].to_string());
        for (header, value) in recorded["headers"].as_object().unwrap() {
            request = request.header(header, value.as_str().unwrap());
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 202, "{name}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.text().await.unwrap(), "");
        let run = &hooked.ended(2).await[1];
        assert_eq!(
            summary(run),
            ["webhook", "incremental", "", "succeeded"],
            "{run}"
        );
        assert_eq!(run["added"], 1, "{run}");
    }
}

#[tokio::test(start_paused = true)]
async fn webhooks_during_a_run_share_the_next_one_after_a_pause() {
    let hooked = Hooked::of(Release::V2026_5).await;
    hooked.add_user("first").await;
    while hooked.runs().await[0]["state"] != "running" {
        later(Duration::from_millis(10)).await;
    }
    for number in 0..20 {
        hooked.add_user(&format!("late-{number}")).await;
    }
    let health = hooked.app.json("/health").await;
    assert!(health["webhookPendingSince"].is_string(), "{health}");
    let runs = hooked.ended(3).await;
    assert_eq!(summary(&runs[2])[..2], ["webhook", "incremental"]);
    let added: u64 = runs[1..]
        .iter()
        .map(|run| run["added"].as_u64().unwrap())
        .sum();
    assert_eq!(added, 21);
    assert!(
        pause(&runs[1], &runs[2]) >= 10.0 * duration(&runs[1]),
        "{runs:?}"
    );
    assert_eq!(
        hooked.app.json("/health").await.get("webhookPendingSince"),
        None
    );
    later(Duration::from_mins(20)).await;
    assert_eq!(hooked.runs().await.len(), 3, "nothing is left to read");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_webhooks_do_not_load_an_authentik_without_incremental_syncs() {
    let hooked = Hooked::of(Release::V2024_2).await;
    let posts = (0..1000).map(|_| hooked.post());
    let statuses = join_all(posts).await;
    assert!(statuses.iter().all(|status| *status == 202));
    let health = hooked.app.json("/health").await;
    let first = &hooked.ended(1).await[0];
    let (since, next) = (
        time(&health["webhookPendingSince"]),
        time(&health["nextRunAt"]),
    );
    assert!(since >= time(&first["endedAt"]), "{health}");
    let earliest = SignedDuration::from_secs_f64(10.0 * duration(first));
    assert!(next >= time(&first["endedAt"]) + earliest, "{health}");
    assert_eq!(health["status"], "ok", "{health}");
    for _ in 0..1000 {
        later(Duration::from_millis(500)).await;
        assert_eq!(hooked.post().await, 202);
    }
    let runs = hooked.ended(2).await;
    for pair in runs.windows(2) {
        let [before, after] = pair else { panic!() };
        assert_eq!(
            summary(after),
            ["webhook", "full", "unsupported", "succeeded"],
            "{after}"
        );
        assert!(pause(before, after) >= 10.0 * duration(before), "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_sync_that_a_webhook_turns_out_to_need_is_postponed() {
    let hooked = Hooked::of(Release::V2026_5).await;
    hooked.fake.clear_script();
    let capped = |mut page: Value| {
        page["pagination"]["total_pages"] = 99.into();
        page
    };
    slow_down(&hooked.fake);
    let step = ScriptStep::at(Target::Users, Action::rewrite(capped));
    hooked.fake.script(step);
    hooked.add_user("new").await;
    let runs = hooked.ended(2).await;
    assert_eq!(summary(&runs[1]), ["webhook", "incremental", "", "failed"]);
    assert_eq!(runs[1]["error"]["code"], "full-sync-postponed", "{runs:?}");
    let health = hooked.app.json("/health").await;
    assert!(health["webhookPendingSince"].is_string(), "{health}");
    assert_eq!(
        health["status"], "degraded",
        "a change is known and not served"
    );
    let runs = hooked.ended(3).await;
    assert_eq!(
        summary(&runs[2]),
        ["webhook", "full", "unsupported", "succeeded"]
    );
    assert_eq!(runs[2]["added"], 1, "{}", runs[2]);
    assert!(
        pause(&runs[0], &runs[2]) >= 10.0 * duration(&runs[0]),
        "{runs:?}"
    );
    hooked.add_user("newer").await;
    let runs = hooked.ended(4).await;
    assert_eq!(summary(&runs[3])[..2], ["webhook", "incremental"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_not_postponed_with_the_webhook_that_it_joins() {
    let hooked = Hooked::of(Release::V2024_2).await;
    assert_eq!(hooked.post().await, 202);
    later(Duration::from_secs(1)).await;
    let run = hooked.app.follow().await;
    assert_eq!(summary(&run)[3], "succeeded", "{run}");
    assert_eq!(
        hooked.app.json("/health").await.get("webhookPendingSince"),
        None,
        "the run began after the webhook"
    );
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_webhooks_leads_to_one_run_after_its_end() {
    let hooked = Hooked::of(Release::V2026_5).await;
    for number in 0..5 {
        hooked.add_user(&format!("burst-{number}")).await;
        later(Duration::from_millis(300)).await;
    }
    let runs = hooked.ended(2).await;
    assert_eq!((&runs[1]["added"], runs.len()), (&5.into(), 2), "{runs:?}");
    later(Duration::from_mins(10)).await;
    assert_eq!(hooked.runs().await.len(), 2, "nothing is left to read");
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_webhooks_does_not_delay_the_run_for_ever() {
    let hooked = Hooked::of(Release::V2026_5).await;
    for _ in 0..20 {
        assert_eq!(hooked.post().await, 202);
        later(Duration::from_millis(300)).await;
    }
    let runs = hooked.runs().await;
    assert!(runs.len() > 1, "one began after five seconds: {runs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_right_before_a_run_leads_to_another_one() {
    let hooked = Hooked::of(Release::V2026_5).await;
    // The cooldown of the first run is over, so that the next one starts at once.
    later(Duration::from_secs(2)).await;
    assert_eq!(hooked.post().await, 202);
    let run = hooked.app.follow().await;
    assert_eq!(summary(&run)[3], "succeeded", "{run}");
    let health = hooked.app.json("/health").await;
    assert!(
        health["webhookPendingSince"].is_string(),
        "the change may not have been committed: {health}"
    );
    let runs = hooked.ended(3).await;
    assert_eq!(summary(&runs[2])[..2], ["webhook", "incremental"]);
    assert_eq!(
        hooked.app.json("/health").await.get("webhookPendingSince"),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn webhooks_do_not_shorten_the_pauses_after_failures() {
    let hooked = Hooked::of(Release::V2026_5).await;
    hooked.fake.revoke(FakeAuthentik::TOKEN);
    hooked.add_user("new").await;
    let failed = &hooked.ended(2).await[1];
    assert_eq!(summary(failed)[3], "failed");
    hooked.post().await;
    later(Duration::from_mins(20)).await;
    assert_eq!(hooked.runs().await.len(), 2);
    let next = &hooked.ended(3).await[2];
    assert_eq!(summary(next)[0], "schedule");
}

#[tokio::test(start_paused = true)]
async fn before_the_first_run_webhooks_wait_for_the_initial_delay() {
    let hooked = Hooked::spawn(Release::V2026_5, |config| {
        config.authentik.schedule.initial_delay = Duration::from_secs(40);
    })
    .await;
    assert_eq!(hooked.post().await, 202);
    later(Duration::from_secs(30)).await;
    assert_eq!(hooked.fake.counters().requests, 0);
    assert_eq!(summary(&hooked.ended(1).await[0])[0], "schedule");
}

#[tokio::test(start_paused = true)]
async fn without_a_schedule_webhooks_start_every_run() {
    let hooked = Hooked::spawn(Release::V2026_5, |config| {
        config.authentik.schedule.frequency = Frequency::Manual;
    })
    .await;
    assert_eq!(hooked.post().await, 202);
    let runs = hooked.ended(1).await;
    assert_eq!(summary(&runs[0]), ["webhook", "full", "first", "succeeded"]);
    hooked.add_user("new").await;
    let runs = hooked.ended(2).await;
    assert_eq!(
        summary(&runs[1]),
        ["webhook", "incremental", "", "succeeded"]
    );
}

#[tokio::test]
async fn only_a_webhook_token_allows_webhooks_and_it_allows_nothing_else() {
    let [read, sync, webhook] = ["r", "s", "w"].map(|letter| letter.repeat(32));
    let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(5));
    let authentik = RunningAuthentik::spawn(&fake).await;
    let mut config = config(&authentik.base, FakeAuthentik::TOKEN);
    config.service.auth.read_tokens = vec![read.as_str().into()];
    config.service.auth.sync_tokens = vec![sync.as_str().into()];
    config.service.auth.webhook_tokens = vec![webhook.as_str().into()];
    let app = TestApp::spawn(config.clone()).await;
    let status = async |method: Method, path: &str, token: &str| {
        let request = match method {
            Method::POST => app.post(path),
            _ => app.get(path),
        };
        let request = match token {
            "" => request,
            token => request.bearer_auth(token),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let problem: Value =
            serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        (
            status,
            problem["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let in_url = format!("{HOOK}?token={webhook}");
    for (method, path, token, expected) in [
        (Method::POST, HOOK, webhook.as_str(), (202, "")),
        (Method::POST, &in_url, "", (202, "")),
        (Method::POST, HOOK, "", (401, "token-missing")),
        (Method::POST, HOOK, &read, (403, "token-kind")),
        (Method::POST, HOOK, &sync, (403, "token-kind")),
        (Method::POST, HOOK, &"x".repeat(32), (401, "token-invalid")),
        (Method::GET, HOOK, &webhook, (405, "unknown-method")),
        (Method::POST, "/sync", &webhook, (403, "token-kind")),
        (Method::GET, "/sync", &webhook, (403, "token-kind")),
        (Method::GET, "/metrics", &webhook, (403, "token-kind")),
        (Method::GET, "/entities", &webhook, (403, "token-kind")),
    ] {
        let found = status(method.clone(), path, token).await;
        assert_eq!(
            found,
            (expected.0, expected.1.to_owned()),
            "{method} {path} {token}"
        );
    }
    config.service.auth.webhook_tokens.clear();
    let closed = TestApp::spawn(config).await;
    let answer = closed.post(HOOK).bearer_auth(&sync).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let problem = answer.text().await.unwrap();
    assert!(
        problem.contains("webhook-closed") && problem.contains("entityProvider.auth.webhookTokens"),
        "{problem}"
    );
}
