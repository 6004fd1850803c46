//! Faults of replicas and of the database. Whatever happens, no replica serves what another one has not
//! published, and a failed run changes nothing.

use std::collections::BTreeMap;

use authentik_entity_provider::app::App;
use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::Config;
use fake_authentik::{Action, FakeDirectory, Gate, ScriptStep, Target};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::replica::{Reader, Replica, Site, parsed};
use crate::support::wait_until;

/// The schema in SQL.
const SCHEMA: &str = "authentik_entity_provider";

/// A leader with a snapshot, and a follower that serves it.
async fn pair(users: usize) -> (Site, Replica, Replica) {
    let site = Site::start(FakeDirectory::generate(users)).await;
    let leader = site.leader().await;
    let follower = site.replica().await;
    let run = leader.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    follower.serves(&leader.tag().await).await;
    (site, leader, follower)
}

#[tokio::test]
async fn after_a_kill_another_replica_continues_with_an_incremental_sync() {
    let (site, leader, follower) = pair(3000).await;
    let tag = follower.tag().await;
    leader.process.signal(Signal::KILL);
    follower.leads().await;
    assert_eq!(
        follower.tag().await,
        tag,
        "a takeover alone changes nothing"
    );
    site.fake
        .edit(|directory| directory.add_user("after-the-kill"));
    let run = follower.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(run["mode"], "incremental", "{run}");
    assert!(follower.entities().await.1.contains("\"after-the-kill\""));
    // The shrink guard compares with what the previous leader has published.
    site.fake.edit(|directory| {
        let users: Vec<_> = directory.users().iter().map(|user| user.pk).collect();
        for pk in users.into_iter().skip(1000) {
            directory.remove_user(pk);
        }
    });
    let held = follower.sync("&full=true").await;
    assert_eq!(held["state"], "held", "{held}");
}

#[tokio::test]
async fn a_run_that_exceeds_its_timeout_lets_another_replica_try() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    let limit = [
        ("ENTITY_PROVIDER_FULL_SYNC_TIMEOUT", "{seconds: 1}"),
        ("ENTITY_PROVIDER_SCHEDULE_TIMEOUT", "{seconds: 1}"),
    ];
    let leader = site.replica_with(&limit).await;
    leader.leads().await;
    let follower = site.replica_with(&limit).await;
    site.fake
        .script(ScriptStep::at(Target::Users, Action::Hang));
    let run = follower.sync("&full=true").await;
    assert_eq!(run["error"]["code"], "timeout", "{run}");
    follower.leads().await;
    let run = leader.sync("&full=true").await;
    assert_eq!(run["state"], "succeeded", "{run}");
}

#[tokio::test]
async fn a_run_of_a_killed_leader_is_ended_for_those_who_wait_for_it() {
    let (site, leader, follower) = pair(300).await;
    let gate = Gate::new();
    site.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let waiting = follower.sync("&full=true");
    let killing = async {
        gate.waiting(1).await;
        leader.process.signal(Signal::KILL);
    };
    let (run, ()) = tokio::join!(waiting, killing);
    assert_eq!(run["error"]["code"], "interrupted", "{run}");
    gate.open();
    let run = follower.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
}

#[tokio::test]
async fn a_run_that_takes_longer_than_the_lease_keeps_it() {
    let (site, leader, follower) = pair(300).await;
    let gate = Gate::new();
    site.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let waiting = leader.sync("&full=true");
    let watching = async {
        gate.waiting(1).await;
        let lease = format!("select extract(epoch from expires_at) from {SCHEMA}.lease");
        let expires_at = || site.postgres.sql(&lease).parse::<f64>().unwrap();
        let first = expires_at();
        wait_until(
            "the lease was renewed for longer than it lasts",
            async || {
                let renewed = expires_at() - first;
                if renewed > 11.0 { Ok(()) } else { Err(renewed) }
            },
        )
        .await;
        gate.open();
    };
    let (run, ()) = tokio::join!(waiting, watching);
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(follower.replicas().await["isLeader"], false);
}

#[tokio::test]
async fn a_leader_that_is_suspended_past_its_lease_publishes_nothing() {
    let (site, leader, follower) = pair(300).await;
    let gate = Gate::new();
    site.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let run = parsed(leader.post("/sync?full=true").await).await;
    gate.waiting(1).await;
    leader.process.signal(Signal::STOP);
    follower.leads().await;
    site.fake.edit(|directory| directory.add_user("meanwhile"));
    gate.open();
    let newer = follower.sync("").await;
    assert_eq!(newer["state"], "succeeded", "{newer}");
    let (tag, body) = follower.entities().await;
    assert!(body.contains("\"meanwhile\""));
    leader.process.signal(Signal::CONT);
    // The first request finds the newer snapshot, although this replica has not yet learned of its loss.
    let first = leader.get_unless("/entities", &tag).await;
    assert_eq!(first.status(), StatusCode::NOT_MODIFIED);
    let path = format!("/sync/{}", run["id"].as_str().unwrap());
    wait_until("both know that the run has failed", async || {
        let seen = [leader.json(&path).await, follower.json(&path).await];
        let codes = seen.each_ref().map(|run| run["error"]["code"].clone());
        if codes == ["interrupted", "interrupted"] {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
    assert_eq!(follower.tag().await, tag);
    let replicas = leader.replicas().await;
    assert_eq!(replicas["isLeader"], false, "{replicas}");
}

#[tokio::test]
async fn a_publication_with_an_old_token_is_refused() {
    let (site, leader, follower) = pair(300).await;
    let tag = leader.tag().await;
    let gate = Gate::new();
    site.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    site.fake.edit(|directory| directory.add_user("refused"));
    let releasing = async {
        gate.waiting(1).await;
        site.postgres.sql(&format!(
            "update {SCHEMA}.lease set token = token + 1, holder = gen_random_uuid(),
             expires_at = clock_timestamp() + interval '5 seconds'"
        ));
        gate.open();
    };
    let (run, ()) = tokio::join!(leader.sync("&full=true"), releasing);
    let code = run["error"]["code"].as_str().unwrap();
    assert!(
        ["lease-lost", "cancelled", "interrupted"].contains(&code),
        "{run}"
    );
    assert_eq!(leader.tag().await, tag);
    assert_eq!(follower.tag().await, tag);
    // The unknown holder does not renew its lease.
    let run = wait_until("a replica syncs again", async || {
        let run = follower.sync("").await;
        if run["state"] == "succeeded" {
            Ok(run)
        } else {
            Err(run)
        }
    });
    run.await;
    leader.serves(&follower.tag().await).await;
}

#[tokio::test]
async fn while_the_database_is_away_every_replica_serves_its_last_snapshot_and_says_so() {
    let (site, leader, follower) = pair(300).await;
    let (tag, body) = leader.entities().await;
    site.postgres.stop();
    for replica in [&leader, &follower] {
        let health = wait_until("the outage is known", async || {
            let health = replica.json("/health").await;
            let is_known = health["replicas"]["databaseError"].is_string();
            if is_known { Ok(health) } else { Err(health) }
        })
        .await;
        assert_eq!(health["status"], "degraded", "{health}");
        assert_eq!(replica.entities().await, (tag.clone(), body.clone()));
        assert_eq!(replica.get("/health/ready").await.status(), StatusCode::OK);
        let refused = replica.post("/sync").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(parsed(refused).await["code"], "database");
    }
    site.postgres.resume();
    site.fake.edit(|directory| directory.add_user("afterwards"));
    let run = wait_until("a replica syncs again", async || {
        let answer = follower.post("/sync?wait=1m").await;
        let status = answer.status();
        let run = parsed(answer).await;
        let is_over = status == StatusCode::OK && run["state"] == "succeeded";
        if is_over { Ok(run) } else { Err(run) }
    })
    .await;
    assert_eq!(run["trigger"], "request");
    let (tag, body) = follower.entities().await;
    assert!(body.contains("\"afterwards\""), "{run}");
    leader.serves(&tag).await;
}

#[tokio::test]
async fn a_replica_that_starts_without_the_database_serves_as_soon_as_it_is_there() {
    let (site, leader, _follower) = pair(300).await;
    let tag = leader.tag().await;
    site.postgres.stop();
    let late = site.replica().await;
    assert_eq!(
        late.get("/health/ready").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    site.postgres.resume();
    late.serves(&tag).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_during_a_publication_leaves_the_old_snapshot() {
    let (site, leader, follower) = pair(300).await;
    let tag = leader.tag().await;
    site.postgres.sql(&format!(
        "create function cut() returns trigger language plpgsql as
            $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
         create trigger cut before update on {SCHEMA}.snapshot execute function cut()"
    ));
    site.fake.edit(|directory| directory.add_user("cut-off"));
    let run = leader.sync("&full=true").await;
    assert_eq!(run["error"]["code"], "database", "{run}");
    assert_eq!(leader.tag().await, tag);
    site.postgres
        .sql(&format!("drop trigger cut on {SCHEMA}.snapshot"));
    let run = leader.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    follower.serves(&leader.tag().await).await;
    assert_ne!(leader.tag().await, tag);
}

#[tokio::test]
async fn a_full_disk_of_the_database_leaves_the_old_snapshot() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    let is_mounted = site.postgres.restart_with_small_disk("2m");
    let (leader, follower) = (site.leader().await, site.replica().await);
    if is_mounted {
        let moved = format!("alter table {SCHEMA}.snapshot set tablespace small");
        site.postgres.sql(&moved);
    }
    leader.sync("").await;
    let tag = leader.tag().await;
    follower.serves(&tag).await;
    // What was inserted is rolled back, and its files stay as large as the disk.
    let (fill, make_room) = if is_mounted {
        let filler = "create table filler (content text) tablespace small;
            do $$ begin loop insert into filler values (repeat('x', 1000)); end loop;
                  exception when disk_full then null; end $$";
        (filler.to_owned(), "drop table filler".to_owned())
    } else {
        let trigger = format!(
            "create function full_disk() returns trigger language plpgsql as
                $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
             create trigger full_disk before update on {SCHEMA}.snapshot execute function full_disk()"
        );
        (
            trigger,
            format!("drop trigger full_disk on {SCHEMA}.snapshot"),
        )
    };
    site.postgres.sql(&fill);
    site.fake.edit(|directory| directory.add_user("too-much"));
    let run = follower.sync("&full=true").await;
    assert_eq!(run["error"]["code"], "database", "{run}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("could not extend file"), "{message}");
    assert_eq!(
        [leader.tag().await, follower.tag().await],
        [tag.clone(), tag]
    );
    site.postgres.sql(&make_room);
    let run = follower.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    follower.serves(&leader.tag().await).await;
}

#[tokio::test]
async fn without_notifications_the_replicas_follow_by_asking() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    site.silence();
    let leader = site.leader().await;
    let follower = site.replica().await;
    let run = follower.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    follower.serves(&leader.tag().await).await;
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_changes_no_time() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    for hours in [-1, 1] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let variables = site.variables(&[("ENTITY_PROVIDER_STATE_DIR", "false")]);
        let config = Config::load(&[], &BTreeMap::from_iter(variables)).unwrap();
        let skew = SignedDuration::from_hours(hours);
        let clock = Clock::new(move || Clock::system().now() + skew);
        let stop = CancellationToken::new();
        let app = App::build(config, clock, TimeZone::UTC, stop.clone()).unwrap();
        let running = tokio::spawn(app.run(listener));
        let skewed = Reader::at(base);
        skewed.leads().await;
        let run = skewed.sync("").await;
        assert_eq!(run["state"], "succeeded", "{run}");
        let health = skewed.json("/health").await;
        let read_at: Timestamp = health["snapshot"]["readAt"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let off = Clock::system().now().duration_since(read_at).abs();
        assert!(off < SignedDuration::from_mins(5), "{health}");
        stop.cancel();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_schema_of_a_later_version_is_not_used() {
    let (site, leader, _follower) = pair(300).await;
    site.postgres.sql(&format!(
        "insert into {SCHEMA}.migration (version, description, success, checksum, execution_time)
         values (99, 'later', true, '', 0)"
    ));
    let older = site.replica().await;
    let health = wait_until("the reason is shown", async || {
        let health = older.json("/health").await;
        let is_known = health["replicas"]["databaseError"].is_string();
        if is_known { Ok(health) } else { Err(health) }
    })
    .await;
    let error = health["replicas"]["databaseError"].as_str().unwrap();
    assert!(error.contains("version 99"), "{error}");
    assert_eq!(
        older.get("/health/ready").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    // Replicas that already run go on, since a migration only adds.
    let run = leader.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
}

#[tokio::test]
async fn a_snapshot_that_a_replica_cannot_read_is_replaced_by_a_full_sync() {
    let (site, leader, follower) = pair(300).await;
    let tag = follower.tag().await;
    // As a later version of the program might write it.
    site.postgres.sql(&format!(
        "update {SCHEMA}.snapshot set header = '{{}}', rows_version = version + 1,
             version = version + 1"
    ));
    wait_until("the follower lags", async || {
        let replicas = follower.replicas().await;
        let lag = replicas["lagSeconds"].as_i64().unwrap();
        if lag > 0 { Ok(()) } else { Err(replicas) }
    })
    .await;
    assert_eq!(follower.tag().await, tag);
    site.fake.edit(|directory| directory.add_user("readable"));
    leader.process.signal(Signal::KILL);
    wait_until("the next leader has read everything", async || {
        let runs = follower.json("/sync").await;
        let run = &runs["runs"][0];
        if run["state"] == "succeeded" && run["mode"] == "full" && run["trigger"] == "restart" {
            Ok(())
        } else {
            Err(runs)
        }
    })
    .await;
    assert!(follower.entities().await.1.contains("\"readable\""));
    let third = site.replica().await;
    third.serves(&follower.tag().await).await;
}

#[tokio::test]
async fn a_role_that_owns_only_the_schema_is_enough() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    site.postgres.sql(&format!(
        "create role entities login; revoke create on database postgres from public;
         create schema {SCHEMA} authorization entities"
    ));
    let url = site.postgres.url_of("entities");
    let replica = site
        .replica_with(&[("ENTITY_PROVIDER_DATABASE_URL", &url)])
        .await;
    replica.leads().await;
    let run = replica.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
}
