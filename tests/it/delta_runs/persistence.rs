//! The mode of the first sync after a restart.

use authentik_entity_provider::config::StateDir;

use super::*;

/// Starts a service on a state directory at an hour; returns its first run.
async fn restarted(following: &Following, state: &std::path::Path, hours: i64) -> (TestApp, Value) {
    let begin = "2026-01-05T08:00:00Z".parse::<Timestamp>().unwrap();
    let mut config = config(&following.pair.authentik.base, FakeAuthentik::TOKEN);
    config.service.incremental_overlap = Duration::from_secs(5);
    config.service.state_dir = StateDir::At(state.to_owned());
    let clock = Clock::new(move || begin + SignedDuration::from_hours(hours));
    let app = TestApp::spawn_at(config, clock).await;
    let run = app.follow().await;
    (app, run)
}

/// Stops a service; its snapshot is then on disk.
async fn end(mut app: TestApp) {
    app.shutdown.cancel();
    (&mut app.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn after_a_restart_the_sync_is_incremental_until_a_full_sync_is_due() {
    let state = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let following = Following::of(settled(300)).await;
    let (app, run) = restarted(&following, state.path(), 0).await;
    assert_eq!(reason(&run), "first");
    end(app).await;
    following
        .pair
        .fake
        .edit(|directory| assert!(directory.remove_user(5) && directory.rename(6, "six")));
    let before = following.pair.fake.counters().user_rows;
    let (app, run) = restarted(&following, state.path(), 23).await;
    assert_eq!(
        (mode(&run), &run["removed"], &run["added"]),
        ("incremental", &json!(2), &json!(1)),
        "{run}"
    );
    assert!(following.pair.fake.counters().user_rows - before < 100);
    assert_eq!(app.names("user").await.len(), 299);
    end(app).await;
    let (app, run) = restarted(&following, state.path(), 24).await;
    assert_eq!(
        reason(&run),
        "due",
        "an incremental sync does not postpone it"
    );
    end(app).await;
    let (_app, run) = restarted(&following, state.path(), 25).await;
    assert_eq!(mode(&run), "incremental");
}

#[tokio::test]
async fn a_broken_row_causes_a_full_sync_after_a_restart() {
    let state = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let following = Following::of(settled(30)).await;
    let (app, _) = restarted(&following, state.path(), 0).await;
    let break_row = |mut page: Value| {
        for row in page["results"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .filter(|row| row["pk"] == 17)
        {
            row["email"] = 7.into();
        }
        page
    };
    following
        .pair
        .fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(break_row)).always());
    assert_eq!(findings(&app.sync().await, "broken-row").len(), 1);
    end(app).await;
    following.pair.fake.clear_script();
    let (_app, run) = restarted(&following, state.path(), 0).await;
    assert_eq!(
        reason(&run),
        "first",
        "the file does not contain which row is broken"
    );
}
