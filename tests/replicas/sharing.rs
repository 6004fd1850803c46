//! Several replicas without a fault: one syncs, all serve the same.

use std::path::Path;

use fake_authentik::{Action, FakeDirectory, Gate, ScriptStep, Target};
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::postgres::Postgres;
use crate::support::refreshes::Refreshes;
use crate::support::replica::{Site, parsed};
use crate::support::wait_until;

#[tokio::test]
async fn one_replica_syncs_and_all_serve_the_same_bytes() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    let leader = site.leader().await;
    let followers = [site.replica().await, site.replica().await];
    let before = site.requests();
    let run = followers[0].sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
    let requests = site.requests() - before;
    let (tag, body) = leader.entities().await;
    assert!(body.len() > 10_000);
    for follower in &followers {
        follower.serves(&tag).await;
        assert_eq!(follower.entities().await, (tag.clone(), body.clone()));
    }
    assert_eq!(
        site.requests() - before,
        requests,
        "only one has read Authentik"
    );
    // Every replica knows the run, with its findings and changes.
    let path = format!("/sync/{}", run["id"].as_str().unwrap());
    let known = leader.json(&path).await;
    assert_eq!(known["state"], "succeeded");
    assert!(
        known["changeList"]["added"]
            .as_array()
            .is_some_and(|added| added.len() > 200)
    );
    for follower in &followers {
        wait_until("the run is known", async || {
            let run = follower.json(&path).await;
            if run == known { Ok(()) } else { Err(run) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_run_without_a_change_moves_only_the_time() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    let leader = site.leader().await;
    let follower = site.replica().await;
    leader.sync("").await;
    let (tag, body) = leader.entities().await;
    follower.serves(&tag).await;
    let stored = || {
        site.postgres
            .sql("select rows_version, entities_version from authentik_entity_provider.snapshot")
    };
    let (before, read_at) = (
        stored(),
        follower.json("/health").await["snapshot"]["readAt"].take(),
    );
    leader.sync("").await;
    wait_until("the time is known", async || {
        let later = follower.json("/health").await["snapshot"]["readAt"].take();
        if later == read_at { Err(later) } else { Ok(()) }
    })
    .await;
    assert_eq!(stored(), before, "neither rows nor entities were written");
    assert_eq!(follower.entities().await, (tag, body));
    // What the follower has is enough to take over.
    leader.stop().await;
    follower.leads().await;
    let run = follower.sync("").await;
    assert_eq!(
        (&run["state"], &run["changed"]),
        (&"succeeded".into(), &0.into()),
        "{run}"
    );
}

#[tokio::test]
async fn a_new_replica_is_ready_without_a_request_to_authentik() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let leader = site.leader().await;
    leader.sync("").await;
    let requests = site.requests();
    let (tag, _) = leader.entities().await;
    let second = site.replica().await;
    second.serves(&tag).await;
    assert_eq!(second.get("/health/ready").await.status(), StatusCode::OK);
    assert_eq!(site.requests(), requests);
}

#[tokio::test]
async fn requests_at_several_replicas_share_one_run_that_begins_after_them() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let leader = site.leader().await;
    let followers = [site.replica().await, site.replica().await];
    leader.sync("").await;
    site.fake.edit(|directory| directory.add_user("late"));
    let (one, two) = tokio::join!(followers[0].sync("&full=true"), followers[1].sync(""));
    for (follower, run) in followers.iter().zip([&one, &two]) {
        assert_eq!(run["state"], "succeeded", "{run}");
        wait_until("the user is served", async || {
            let (_, body) = follower.entities().await;
            if body.contains("\"late\"") {
                Ok(())
            } else {
                Err("not yet")
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_held_run_can_be_accepted_at_any_replica() {
    let site = Site::start(FakeDirectory::generate(100)).await;
    let leader = site.leader().await;
    let follower = site.replica().await;
    leader.sync("").await;
    site.fake.edit(|directory| {
        let users: Vec<_> = directory
            .users()
            .iter()
            .map(|user| user.pk)
            .take(60)
            .collect();
        for pk in users {
            directory.remove_user(pk);
        }
    });
    let held = follower.sync("&full=true").await;
    assert_eq!(held["state"], "held", "{held}");
    let accepted = follower.sync("&full=true&accept=shrink").await;
    assert_eq!(accepted["state"], "succeeded", "{accepted}");
    let (tag, _) = leader.entities().await;
    follower.serves(&tag).await;
}

#[tokio::test]
async fn a_webhook_at_any_replica_leads_to_a_run() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let leader = site.leader().await;
    let follower = site.replica().await;
    leader.sync("").await;
    follower.serves(&leader.tag().await).await;
    site.fake.edit(|directory| directory.add_user("announced"));
    let answer = follower.post("/hooks/authentik").await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    wait_until("the user is served", async || {
        let (_, body) = follower.entities().await;
        if body.contains("\"announced\"") {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    let runs = leader.json("/sync").await;
    assert_eq!(runs["runs"][0]["trigger"], "webhook", "{runs}");
}

#[tokio::test]
async fn the_schedule_is_shared_and_a_restart_does_not_reset_it() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let hourly = [
        ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", "{hours: 1}"),
        ("ENTITY_PROVIDER_SCHEDULE_INITIAL_DELAY", "{seconds: 0}"),
    ];
    let first = site.replica_with(&hourly).await;
    first.leads().await;
    let next = wait_until("the first run has ended", async || {
        let runs = first.json("/sync").await;
        let is_over = runs["runs"][0]["state"] == "succeeded";
        if is_over {
            Ok(runs["nextRunAt"].clone())
        } else {
            Err(runs)
        }
    })
    .await;
    assert!(next.is_string());
    let requests = site.requests();
    let second = site.replica_with(&hourly).await;
    wait_until("the runs are known", async || {
        let runs = second.json("/sync").await;
        if runs["runs"][0]["state"] == "succeeded" {
            Ok(())
        } else {
            Err(runs)
        }
    })
    .await;
    first.stop().await;
    second.leads().await;
    let runs = wait_until("the next run is announced", async || {
        let runs = second.json("/sync").await;
        if runs["nextRunAt"].is_string() {
            Ok(runs)
        } else {
            Err(runs)
        }
    })
    .await;
    assert_eq!(runs["nextRunAt"], next, "{runs}");
    assert_eq!(site.requests(), requests, "no replica has polled again");
}

#[tokio::test]
async fn replicas_with_another_configuration_are_named() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let leader = site.leader().await;
    leader.sync("").await;
    let other = site
        .replica_with(&[("ENTITY_PROVIDER_NAMES", "slug")])
        .await;
    let (tag, _) = leader.entities().await;
    other.serves(&tag).await;
    for replica in [&leader, &other] {
        let health = wait_until("the difference is known", async || {
            let health = replica.json("/health").await;
            let differing = &health["replicas"]["differingSettings"];
            if differing.is_array() {
                Ok(health)
            } else {
                Err(health)
            }
        })
        .await;
        let differing: &Value = &health["replicas"]["differingSettings"];
        assert_eq!(differing[0]["key"], "entityProvider.names", "{health}");
        assert_eq!(health["status"], "degraded");
    }
}

#[tokio::test]
async fn with_scope_local_each_replica_syncs_for_itself() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let local = [("ENTITY_PROVIDER_SCHEDULE_SCOPE", "local")];
    let replicas = [
        site.replica_with(&local).await,
        site.replica_with(&local).await,
    ];
    replicas[0].sync("").await;
    let other = replicas[1].get("/entities").await;
    assert_eq!(parsed(other).await["code"], "no-snapshot");
    replicas[1].sync("").await;
    assert_eq!(replicas[0].entities().await, replicas[1].entities().await);
}

#[tokio::test]
async fn a_reader_never_sees_an_older_snapshot_than_before() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    site.silence();
    let leader = site.leader().await;
    let follower = site.replica().await;
    leader.sync("").await;
    follower.serves(&leader.tag().await).await;
    for round in 0..5 {
        let name = format!("round-{round}");
        site.fake.edit(|directory| directory.add_user(&name));
        leader.sync("").await;
        let (tag, _) = leader.entities().await;
        // Without notifications the follower learns of it by this request, or has asked just before.
        let answer = follower.get_unless("/entities", &tag).await;
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "round {round}");
    }
}

#[tokio::test]
async fn during_a_rolling_update_all_replicas_serve_the_same_bytes() {
    let site = Site::start(FakeDirectory::generate(300)).await;
    let old = site.leader().await;
    old.sync("").await;
    let (old_tag, old_body) = old.entities().await;
    assert!(old_body.contains("authentik.goauthentik.io/pk"));
    // The new replica serves what the old one has rendered.
    let new = site.replica_of_other_release().await;
    new.serves(&old_tag).await;
    assert_eq!(new.entities().await.1, old_body);
    assert_eq!(
        new.get("/entities?format=json").await.text().await.unwrap(),
        old.get("/entities?format=json").await.text().await.unwrap()
    );
    // The last old replica is gone: the new one renders.
    old.stop().await;
    new.leads().await;
    let new_body = wait_until("it is rendered again", async || {
        let (_, body) = new.entities().await;
        if body == old_body {
            Err("not yet")
        } else {
            Ok(body)
        }
    })
    .await;
    assert!(new_body.contains("authentik.goauthentik.io/id"));
    // A rollback: the old replica serves what the new one has rendered.
    let old = site.replica().await;
    old.serves(&new.tag().await).await;
    assert_eq!(old.entities().await.1, new_body);
    let live = old.replicas().await;
    let releases: Vec<_> = live["live"]
        .as_array()
        .unwrap()
        .iter()
        .map(|replica| &replica["release"])
        .collect();
    assert_eq!(releases, ["0.2.0", "0.1.0"]);
}

#[tokio::test]
async fn a_run_can_be_followed_at_any_replica() {
    let site = Site::start(FakeDirectory::generate(1000)).await;
    let _leader = site.leader().await;
    let follower = site.replica().await;
    let gate = Gate::new();
    site.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)).nth(5));
    let run = parsed(follower.post("/sync").await).await;
    let path = format!("/sync/{}/events", run["id"].as_str().unwrap());
    let mut events = follower.get(&path).await;
    let mut seen = String::new();
    while !seen.contains("event: succeeded") {
        let chunk = events
            .chunk()
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("the end after {seen}"));
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
        let pages = seen.split(r#"{"done":"#).skip(1);
        if pages.into_iter().any(|pages| !pages.starts_with('0')) {
            gate.open();
        }
    }
}

#[tokio::test]
async fn a_change_is_pushed_to_backstage_once() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let mut backstage = Refreshes::start().await;
    let variables = backstage.variables();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let leader = site.replica_with(&variables).await;
    leader.leads().await;
    leader.sync("").await;
    backstage.next().await;
    let follower = site.replica_with(&variables).await;
    wait_until("both are ready", async || {
        let replicas = leader.replicas().await;
        let live = replicas["live"].as_array().unwrap();
        let ready = live.iter().filter(|replica| replica["isReady"] == true);
        if ready.count() == 2 {
            Ok(())
        } else {
            Err(replicas)
        }
    })
    .await;
    site.fake.edit(|directory| directory.add_user("first"));
    leader.sync("").await;
    backstage.next().await;
    let served = [follower.tag().await, leader.tag().await];
    assert_eq!(served[0], served[1], "a reader finds the change anywhere");
    // The replica that takes over has nothing to push.
    leader.stop().await;
    follower.leads().await;
    site.fake.edit(|directory| directory.add_user("second"));
    follower.sync("").await;
    backstage.next().await;
    wait_until("the push is reported", async || {
        let push = follower.json("/sync").await["push"].take();
        if push["refreshed"] == 1 {
            Ok(())
        } else {
            Err(push)
        }
    })
    .await;
    assert_eq!(backstage.waiting(), 0, "three changes, three pushes");
}

#[tokio::test]
async fn the_metrics_say_which_replica_syncs() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let leader = site.leader().await;
    let follower = site.replica().await;
    leader.sync("").await;
    follower.serves(&leader.tag().await).await;
    for (replica, leads) in [(&leader, 1), (&follower, 0)] {
        let leads = format!("leader {leads}\n");
        wait_until("the metrics are right", async || {
            let text = replica.get("/metrics").await.text().await.unwrap();
            let lines = [&leads, "database_up 1\n", "replica_lag_seconds 0.0\n"];
            let is_shown =
                |line: &&str| text.contains(&format!("\nauthentik_entity_provider_{line}"));
            if lines.iter().all(is_shown) {
                Ok(())
            } else {
                Err(text)
            }
        })
        .await;
    }
    site.postgres.stop();
    wait_until("the metric follows", async || {
        let text = follower.get("/metrics").await.text().await.unwrap();
        if text.contains("authentik_entity_provider_database_up 0\n") {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
}

#[tokio::test]
async fn check_tries_the_database_and_changes_nothing_there() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let ended = site.check(&[]).await;
    assert!(ended.out.contains("✓ database"), "{}", ended.out);
    assert!(
        ended.out.contains("the first replica creates the schema"),
        "{}",
        ended.out
    );
    site.postgres
        .sql("create role guest login; revoke create on database postgres from public");
    let url = site.postgres.url_of("guest");
    let ended = site.check(&[("ENTITY_PROVIDER_DATABASE_URL", &url)]).await;
    assert!(ended.out.contains("✗ database"), "{}", ended.out);
    assert!(
        ended
            .out
            .contains("create schema authentik_entity_provider authorization"),
        "{}",
        ended.out
    );
    site.leader().await;
    let ended = site.check(&[]).await;
    assert!(
        ended
            .out
            .contains("has the schema `authentik_entity_provider`"),
        "{}",
        ended.out
    );
    site.postgres.stop();
    let ended = site.check(&[]).await;
    assert!(ended.out.contains("✗ database"), "{}", ended.out);
    assert!(!ended.status.success());
}

#[tokio::test]
async fn replicas_that_start_at_once_create_the_schema_together() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let (one, two, three) = tokio::join!(site.replica(), site.replica(), site.replica());
    for replica in [&one, &two, &three] {
        wait_until("all take part", async || {
            let replicas = replica.replicas().await;
            let live = replicas["live"].as_array().map_or(0, Vec::len);
            if live == 3 && replicas["databaseError"].is_null() {
                Ok(())
            } else {
                Err(replicas)
            }
        })
        .await;
    }
    let run = two.sync("").await;
    assert_eq!(run["state"], "succeeded", "{run}");
}

#[tokio::test]
async fn the_connection_to_the_database_is_encrypted_and_its_certificate_verified() {
    let site = Site::start(FakeDirectory::generate(50)).await;
    let ca = site.postgres.restart_with_tls();
    let url = |ca: &Path| {
        let port = site.postgres.port();
        format!(
            "postgres://service@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={}",
            ca.display()
        )
    };
    let replica = site
        .replica_with(&[("ENTITY_PROVIDER_DATABASE_URL", &url(&ca))])
        .await;
    replica.leads().await;
    let encrypted = "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid)
                     where application_name = 'authentik-entity-provider'";
    assert_eq!(site.postgres.sql(encrypted), "t");
    let other = Postgres::start();
    let stranger = other.restart_with_tls();
    let ended = site
        .check(&[("ENTITY_PROVIDER_DATABASE_URL", &url(&stranger))])
        .await;
    assert!(ended.out.contains("✗ database"), "{}", ended.out);
    assert!(ended.out.contains("certificate"), "{}", ended.out);
}
