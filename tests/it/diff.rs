//! `diff`: the changes that a sync would make, compared with a running service or an exported file.

use std::fs;

use fake_authentik::FakeAuthentik;
use serde_json::{Value, json};

use crate::support::app::{TestApp, config};
use crate::support::command::Upstream;
use crate::support::directory::{assert_contains, crowd, directory, group_pk};

/// A fake Authentik and a service after one sync.
async fn synced() -> (Upstream, TestApp) {
    let upstream = Upstream::spawn(crowd(4)).await;
    let app = TestApp::spawn(config(&upstream.authentik.base, FakeAuthentik::TOKEN)).await;
    app.sync().await;
    (upstream, app)
}

/// Adds a user, removes one and changes the address of one.
fn edit(upstream: &Upstream) {
    upstream.fake.edit(|directory| {
        directory.add_user("new.person");
        directory.remove_user(4);
        assert!(directory.edit_user(1, |user| user.email = "other@example.com".into()));
        assert!(directory.add_member(group_pk(1), directory.user_named("new.person").unwrap().pk));
    });
}

const EDITED: &str = "~ group:default/everyone  spec.members
+ user:default/new.person
~ user:default/user-1  spec.profile.email
- user:default/user-4
";

#[tokio::test]
async fn the_exit_code_says_whether_a_running_service_differs() {
    let (upstream, app) = synced().await;
    let arguments = ["diff", "--against", &app.base];
    let same = upstream.run(&arguments).await;
    assert_eq!((same.status.code(), same.out.as_str()), (Some(0), ""));
    assert_contains(
        &same.error,
        &["0 to add, 0 to change, 0 to remove against http://127.0.0.1:"],
    );
    edit(&upstream);
    let edited = upstream.run(&arguments).await;
    assert_eq!(
        (edited.status.code(), edited.out.as_str()),
        (Some(1), EDITED)
    );
    assert_contains(&edited.error, &["1 to add, 2 to change, 1 to remove"]);
    let run = app.sync().await;
    assert_eq!(
        (&run["added"], &run["changed"], &run["removed"]),
        (&json!(1), &json!(2), &json!(1))
    );
    assert_eq!(upstream.run(&arguments).await.status.code(), Some(0));
}

#[tokio::test]
async fn the_configured_address_is_the_default() {
    let (upstream, app) = synced().await;
    let listen = app.base.replace("http://", "");
    let ended = upstream
        .run_with(&["diff"], &[("ENTITY_PROVIDER_LISTEN", &listen)])
        .await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
    let port = listen.rsplit(':').next().unwrap();
    let everywhere = format!("0.0.0.0:{port}");
    let ended = upstream
        .run_with(&["diff"], &[("ENTITY_PROVIDER_LISTEN", &everywhere)])
        .await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
}

#[tokio::test]
async fn the_request_carries_the_configured_token_or_that_of_the_url() {
    const TOKEN: &str = "rEaD7xW2vK9pLmR4tY8uB3nC6hJ1sD5f";
    let upstream = Upstream::spawn(crowd(4)).await;
    let mut config = config(&upstream.authentik.base, FakeAuthentik::TOKEN);
    config.service.auth.read_tokens = vec![TOKEN.into()];
    config.service.auth.allow_anonymous = true;
    let app = TestApp::spawn(config).await;
    assert_eq!(
        app.post("/sync?wait=5m").send().await.unwrap().status(),
        200
    );
    let listen = app.base.replace("http://", "");
    let own = [
        ("ENTITY_PROVIDER_LISTEN", listen.as_str()),
        ("ENTITY_PROVIDER_AUTH_READ_TOKENS", TOKEN),
    ];
    let with_token = format!("{}/entities?token={TOKEN}", app.base);
    for (arguments, variables, code) in [
        (&["diff"][..], &own[..], 0),
        (&["diff"], &own[..1], 2),
        (&["diff", "--against", &with_token], &[], 0),
        // The configured token is sent to the configured service only.
        (&["diff", "--against", &app.base], &own, 2),
    ] {
        let ended = upstream.run_with(arguments, variables).await;
        assert_eq!(
            ended.status.code(),
            Some(code),
            "{arguments:?}: {}",
            ended.error
        );
        assert!(!ended.error.contains(TOKEN), "{}", ended.error);
    }
    let explained = ["explain", "group", "everyone", "--url", &with_token];
    assert!(upstream.printed(&explained).await.contains("everyone"));
}

#[tokio::test]
async fn a_file_of_every_format_can_replace_a_service() {
    let upstream = Upstream::spawn(crowd(4)).await;
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = ["yaml", "json", "ndjson"]
        .iter()
        .map(|format| {
            (
                *format,
                folder.path().join(format).to_str().unwrap().to_owned(),
            )
        })
        .collect();
    for (format, file) in &files {
        upstream
            .printed(&["export", "--format", format, "--output", file])
            .await;
        let same = upstream.run(&["diff", "--against", file]).await;
        assert_eq!(
            (same.status.code(), same.out.as_str()),
            (Some(0), ""),
            "{format}: {}",
            same.error
        );
    }
    edit(&upstream);
    for (format, file) in &files {
        let edited = upstream.run(&["diff", "--against", file]).await;
        assert_eq!(
            (edited.status.code(), edited.out.as_str()),
            (Some(1), EDITED),
            "{format}"
        );
    }
}

#[tokio::test]
async fn the_difference_as_json_has_the_same_refs() {
    let (upstream, app) = synced().await;
    edit(&upstream);
    let ended = upstream
        .run(&["diff", "--against", &app.base, "--format", "json"])
        .await;
    assert_eq!(ended.status.code(), Some(1));
    let expected = json!({
        "against": app.base,
        "added": ["user:default/new.person"],
        "changed": [
            {"ref": "group:default/everyone", "paths": ["spec.members"]},
            {"ref": "user:default/user-1", "paths": ["spec.profile.email"]},
        ],
        "removed": ["user:default/user-4"],
    });
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap(), expected);
}

#[tokio::test]
async fn names_in_the_service_are_held_names() {
    let upstream = Upstream::spawn(directory(&[(2, "other"), (4, "alex")], &[])).await;
    let app = TestApp::spawn(config(&upstream.authentik.base, FakeAuthentik::TOKEN)).await;
    app.sync().await;
    upstream.fake.edit(|directory| directory.rename(2, "Alex"));
    let ended = upstream.run(&["diff", "--against", &app.base]).await;
    assert_eq!(
        ended.out, "- user:default/other\n",
        "pk 4 has the name, not the lower pk"
    );
    let run = app.sync().await;
    assert_eq!(
        (&run["added"], &run["changed"], &run["removed"]),
        (&json!(0), &json!(0), &json!(1))
    );
}

#[tokio::test]
async fn a_failed_comparison_has_its_own_exit_code() {
    let upstream = Upstream::spawn(crowd(4)).await;
    let unsynced = TestApp::spawn(config(&upstream.authentik.base, FakeAuthentik::TOKEN)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no-export");
    fs::write(&file, "---\nkind: User\n").unwrap();
    for (against, expected) in [
        (unsynced.base.as_str(), "no snapshot has been read"),
        (&upstream.authentik.base, "is it this service?"),
        ("http://127.0.0.1:1", "is it running there?"),
        (file.to_str().unwrap(), "line 2"),
        ("/nonexistent/file", "cannot read /nonexistent/file"),
    ] {
        let ended = upstream.run(&["diff", "--against", against]).await;
        assert_eq!(
            (ended.status.code(), ended.out.as_str()),
            (Some(2), ""),
            "{against}"
        );
        assert_contains(&ended.error, &["error: ", expected]);
    }
    upstream.fake.revoke(FakeAuthentik::TOKEN);
    fs::write(&file, "").unwrap();
    let ended = upstream
        .run(&["diff", "--against", file.to_str().unwrap()])
        .await;
    assert_eq!(
        ended.status.code(),
        Some(2),
        "a failed sync is an error, not a difference"
    );
    assert_contains(&ended.error, &["(token)"]);
    let ended = crate::support::process::Process::run(&["diff"], &[]).await;
    assert_eq!(
        ended.status.code(),
        Some(2),
        "an invalid configuration is an error too"
    );
}

#[tokio::test]
async fn a_password_in_the_url_is_not_repeated() {
    let upstream = Upstream::spawn(crowd(4)).await;
    let ended = upstream
        .run(&["diff", "--against", "http://me:hunter2@127.0.0.1:1"])
        .await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(!ended.error.contains("hunter2"), "{}", ended.error);
    let (upstream, app) = synced().await;
    let url = app.base.replace("http://", "http://me:hunter2@");
    for output in ["text", "json"] {
        let ended = upstream
            .run(&["diff", "--against", &url, "--format", output])
            .await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
        assert!(
            !ended.error.contains("hunter2") && !ended.out.contains("hunter2"),
            "{ended:?}"
        );
    }
}

#[tokio::test]
async fn hostile_refs_in_a_file_are_printed_inertly() {
    let upstream = Upstream::spawn(crowd(1)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile");
    let entity = json!({"kind": "User", "metadata": {"name": "\u{1b}[2J\u{202e}\n+ fake", "namespace": "\u{9b}"}});
    fs::write(&file, entity.to_string()).unwrap();
    for output in ["text", "json"] {
        let ended = upstream
            .run(&[
                "diff",
                "--against",
                file.to_str().unwrap(),
                "--format",
                output,
            ])
            .await;
        assert_eq!(ended.status.code(), Some(1));
        assert!(
            !ended.out.chars().any(|c| c.is_control() && c != '\n'),
            "{:?}",
            ended.out
        );
        assert!(
            ended.out.contains("\\u001b[2J") && !ended.out.contains("\n+ fake"),
            "{:?}",
            ended.out
        );
    }
}
