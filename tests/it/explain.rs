//! The explanation of a row, by `GET /explain` and by the command.

use authentik_entity_provider::catalog::policy::NamePolicy;
use fake_authentik::{Access, FakeAuthentik, FakeDirectory, Release, UserKind};
use serde_json::Value;

use crate::support::app::Pair;
use crate::support::command::Upstream;
use crate::support::directory::{assert_contains, directory, group_pk, one_user};
use crate::support::wire::Answer;

/// Users and groups of which only some become entities.
fn mixed() -> FakeDirectory {
    let users = [
        (1, "pat"),
        (2, "gone"),
        (3, "robot"),
        (4, "Sam.Lee"),
        (5, "sam.lee"),
    ];
    let mut mixed = directory(
        &users,
        &[
            (1, "Team", &[1, 2, 3, 4, 5]),
            (2, "Secret Club", &[1]),
            (3, "loop-a", &[]),
            (4, "loop-b", &[]),
        ],
    );
    mixed.set_active(2, false);
    mixed.set_kind(3, UserKind::ServiceAccount);
    for (child, parent) in [(3, 4), (4, 3), (1, 2)] {
        assert!(mixed.set_parents(group_pk(child), &[group_pk(parent)]));
    }
    mixed
}

/// A service after one sync of the mixed directory.
async fn synced() -> Pair {
    let pair = Pair::spawn(Release::V2026_5, mixed(), |config| {
        config.authentik.exclude_groups = vec!["secret-club".into()];
    });
    let pair = pair.await;
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    pair
}

/// Returns the single explanation of a name.
async fn only(pair: &Pair, query: &str) -> Value {
    let explained = pair.app.json(&format!("/explain?{query}")).await;
    let matches = explained["matches"]
        .as_array()
        .unwrap_or_else(|| panic!("{query}: {explained}"));
    assert_eq!(matches.len(), 1, "{query}: {explained}");
    matches[0].clone()
}

/// Returns a rule's text about a row.
fn says(explanation: &Value, rule: &str) -> String {
    let rules = explanation["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["rule"] == rule);
    rules
        .map(|step| step["says"].as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn an_entity_is_explained_by_name_username_and_pk_and_is_the_one_that_is_served() {
    let pair = synced().await;
    let served = pair.app.entity("user", "pat").await.unwrap();
    for query in ["user=pat", "user=1"] {
        let explanation = only(&pair, query).await;
        assert_eq!(explanation["entity"], served);
        assert!(explanation.get("reason").is_none());
        assert_eq!(explanation["source"]["username"], "pat");
    }
    let team = pair.app.entity("group", "team").await.unwrap();
    let pk = group_pk(1).to_string();
    for query in ["team", "Team", &pk] {
        assert_eq!(only(&pair, &format!("group={query}")).await["entity"], team);
    }
    let body = pair
        .app
        .fetch("/explain?user=pat")
        .await
        .text()
        .await
        .unwrap();
    let all = pair.app.fetch("/entities").await.text().await.unwrap();
    let line = all
        .lines()
        .find(|line| line.contains(r#""name":"pat""#))
        .unwrap();
    assert!(body.contains(line), "byte for byte: {body}");
}

#[tokio::test]
async fn every_reason_for_no_entity_is_given_and_the_last_rule_decided() {
    let pair = synced().await;
    for (query, reason, rule) in [
        ("user=gone", "inactive", "active"),
        ("user=robot", "service account", "service-accounts"),
        ("user=5", "name collides with pk 4", "name"),
        ("group=Secret Club", "excluded", "exclude-groups"),
    ] {
        let explanation = only(&pair, query).await;
        assert_eq!(explanation["reason"], reason, "{query}");
        assert!(explanation.get("entity").is_none(), "{query}");
        assert_eq!(
            explanation["rules"].as_array().unwrap().last().unwrap()["rule"],
            rule,
            "{query}"
        );
    }
    assert_contains(
        &says(&only(&pair, "group=Secret Club").await, "exclude-groups"),
        &["\"secret-club\""],
    );
    assert_contains(
        &says(&only(&pair, "user=robot").await, "service-accounts"),
        &["\"service_account\"", "`includeServiceAccounts` is false"],
    );
}

#[tokio::test]
async fn an_empty_name_is_a_reason_too() {
    let pair = Pair::with(directory(&[(1, "pat")], &[(1, "", &[])])).await;
    pair.app.sync().await;
    let explanation = only(&pair, &format!("group={}", group_pk(1))).await;
    assert_eq!(explanation["reason"], "empty name");
    assert_contains(&says(&explanation, "name"), &["names: backstage"]);
}

#[tokio::test]
async fn namesakes_are_all_explained() {
    let pair = synced().await;
    let explained = pair.app.json("/explain?user=sam.lee").await;
    let matches = explained["matches"].as_array().unwrap();
    let pks: Vec<_> = matches
        .iter()
        .map(|explanation| explanation["pk"].as_str().unwrap())
        .collect();
    assert_eq!(pks, ["4", "5"]);
    assert!(matches[0].get("entity").is_some() && matches[1].get("entity").is_none());
    assert_contains(
        &says(&matches[0], "name"),
        &["\"Sam.Lee\" is sanitized to \"sam.lee\""],
    );
    assert_contains(&says(&matches[1], "name"), &["pk 4 has it"]);
}

#[tokio::test]
async fn a_name_of_the_previous_snapshot_is_explained() {
    let pair = Pair::with(directory(&[(4, "alex"), (2, "other")], &[])).await;
    pair.app.sync().await;
    pair.fake.edit(|directory| directory.rename(2, "Alex"));
    pair.app.sync().await;
    let explanation = only(&pair, "user=2").await;
    assert_eq!(explanation["reason"], "name collides with pk 4");
    assert_contains(
        &says(&explanation, "name"),
        &["pk 4 had the name in the previous snapshot"],
    );
}

#[tokio::test]
async fn a_repaired_and_a_refused_name_are_explained() {
    let edge = || directory(&[(1, "-edge-")], &[]);
    let seed = Pair::with(edge()).await;
    seed.app.sync().await;
    assert_contains(
        &says(&only(&seed, "user=1").await, "name"),
        &["Backstage refuses the name \"-edge-\""],
    );
    let repaired = Pair::with_repaired_names(Release::V2026_5, edge()).await;
    repaired.app.sync().await;
    for query in ["edge", "-edge-", "1"] {
        let explanation = only(&repaired, &format!("user={query}")).await;
        assert_contains(
            &says(&explanation, "name"),
            &["Backstage would refuse \"-edge-\"", "the name is \"edge\""],
        );
    }
}

#[tokio::test]
async fn missing_groups_members_and_parents_are_named_with_the_reason() {
    let pair = synced().await;
    let member_of = says(&only(&pair, "user=pat").await, "member-of");
    assert_contains(
        &member_of,
        &["member of \"team\"", "\"Secret Club\"", "excluded"],
    );
    let team = only(&pair, "group=team").await;
    assert_contains(
        &says(&team, "members"),
        &[
            "2 of 5",
            "\"gone\" (pk 2: inactive)",
            "\"robot\" (pk 3: service account)",
            "name collides with pk 4",
        ],
    );
    assert_contains(
        &says(&team, "parents"),
        &["the parents are none", "\"Secret Club\"", "excluded"],
    );
}

#[tokio::test]
async fn a_cut_link_is_explained_on_both_sides() {
    let pair = synced().await;
    let (child, parent) = (
        only(&pair, "group=loop-b").await,
        only(&pair, "group=loop-a").await,
    );
    assert_contains(
        &says(&child, "parents"),
        &["closes a cycle and is cut: \"loop-a\""],
    );
    assert_contains(
        &says(&parent, "children"),
        &["closes a cycle and is cut: \"loop-b\""],
    );
    assert_contains(
        &says(&parent, "parents"),
        &["the parents are \"loop-b\"; `spec.parent` is \"loop-b\""],
    );
}

#[tokio::test]
async fn an_unknown_member_is_named_as_unknown() {
    let pair = Pair::with(directory(
        &[(1, "pat"), (2, "hidden")],
        &[(1, "team", &[1, 2])],
    ))
    .await;
    let access = Access::ObjectLevel {
        users: [1].into(),
        groups: [group_pk(1)].into(),
    };
    pair.fake.grant(FakeAuthentik::TOKEN, access);
    pair.app.sync().await;
    assert_contains(
        &says(&only(&pair, "group=team").await, "members"),
        &["1 of 2", "pk 2 (unknown)"],
    );
}

#[tokio::test]
async fn the_profile_is_explained_and_an_avatar_is_not_shown_in_full() {
    let avatar = format!("data:image/png;base64,{}", "A".repeat(5000));
    let pair = Pair::with(one_user(|user| {
        user.name = String::new();
        user.email = String::new();
        user.avatar.clone_from(&avatar);
    }));
    let pair = pair.await;
    pair.app.sync().await;
    let explanation = only(&pair, "user=pat").await;
    assert!(explanation["source"]["avatar"].as_str().unwrap().len() < 150);
    assert!(says(&explanation, "picture").len() < 150);
    assert_eq!(explanation["entity"]["spec"]["profile"]["picture"], avatar);
    assert_contains(
        &says(&explanation, "display-name"),
        &["`name` is empty, so it is \"pat\" from `username`"],
    );
    assert_contains(&says(&explanation, "email"), &["left out"]);
    let refused = Pair::with(one_user(|user| user.avatar = "javascript:alert(1)".into())).await;
    refused.app.sync().await;
    assert_contains(
        &says(&only(&refused, "user=1").await, "picture"),
        &["neither http, https nor data:image/"],
    );
}

#[tokio::test]
async fn blanks_around_an_email_are_explained() {
    for (email, expected) in [
        ("pat@example.com", "\"pat@example.com\" from `email`"),
        (" pat@example.com ", "\"pat@example.com\" from `email`"),
        ("  ", "`email` is empty, so it is left out"),
    ] {
        let pair = Pair::with(one_user(|user| user.email = email.into())).await;
        pair.app.sync().await;
        assert_eq!(
            says(&only(&pair, "user=pat").await, "email"),
            expected,
            "{email:?}"
        );
    }
}

#[tokio::test]
async fn invalid_queries_and_unknown_rows_are_problems() {
    let pair = Pair::with(mixed()).await;
    let answer = async |query: &str| Answer::get(&pair.app, &format!("/explain{query}"), &[]).await;
    answer("?user=pat").await.problem(503, "no-snapshot");
    for query in ["", "?user=a&group=b", "?name=a", "?user=a&user=b"] {
        answer(query).await.problem(400, "bad-query");
    }
    pair.app.sync().await;
    assert_contains(
        &answer("?user=nobody").await.problem(404, "unknown-row"),
        &["no user \"nobody\""],
    );
    assert_contains(
        &answer("?group=pat").await.problem(404, "unknown-row"),
        &["no group \"pat\""],
    );
    let detail = answer("?user=patt").await.problem(404, "unknown-row");
    assert_contains(&detail, &["similar names: \"pat\""]);
    let found = answer("?user=pat").await;
    assert_eq!(
        (found.status, found.header("cache-control")),
        (200, "no-store")
    );
}

#[tokio::test]
async fn the_command_prints_the_same_from_the_service_and_from_authentik() {
    let pair = synced().await;
    let upstream = Upstream::spawn(mixed()).await;
    for name in ["pat", "sam.lee", "gone", "1"] {
        let arguments = ["explain", "user", name, "--format", "json"];
        let answer = pair.app.json(&format!("/explain?user={name}")).await;
        let from_service = upstream
            .printed(&[&arguments[..], &["--url", &pair.app.base]].concat())
            .await;
        assert_eq!(
            serde_json::from_str::<Value>(&from_service).unwrap(),
            answer
        );
    }
    let read = upstream.printed(&["explain", "user", "5"]).await;
    assert_contains(
        &read,
        &[
            "user pk 5",
            "username   \"sam.lee\"",
            "\nno entity: name collides with pk 4\n",
        ],
    );
    let read = upstream.printed(&["explain", "group", "Secret Club"]).await;
    assert_contains(&read, &["group pk", "\nentity\n  {\"apiVersion\""]);
}

#[tokio::test]
async fn the_command_takes_the_policy_from_the_configuration() {
    let upstream = Upstream::spawn(mixed()).await;
    let names = [("ENTITY_PROVIDER_NAMES", "backstage")];
    let ended = upstream.run_with(&["explain", "user", "5"], &names).await;
    assert_contains(&ended.out, &["is named \"sam.lee-", "\nentity\n"]);
    assert_eq!(NamePolicy::default(), NamePolicy::NpmModule);
}

#[tokio::test]
async fn an_unknown_user_ends_the_command_with_an_error() {
    let pair = synced().await;
    let upstream = Upstream::spawn(mixed()).await;
    for more in [&[][..], &["--url", &pair.app.base]] {
        let ended = upstream
            .run(&[&["explain", "user", "nobody"], more].concat())
            .await;
        assert_eq!((ended.status.code(), ended.out.as_str()), (Some(1), ""));
        assert_contains(&ended.error, &["no user \"nobody\""]);
        assert!(!ended.error.contains("similar"), "{}", ended.error);
        let ended = upstream
            .run(&[&["explain", "user", "Sam Le"], more].concat())
            .await;
        assert_contains(
            &ended.error,
            &["no user \"Sam Le\"", "; similar names: \"sam.lee\""],
        );
    }
    let ended = upstream
        .run(&["explain", "user", "pat", "--url", "http://127.0.0.1:1"])
        .await;
    assert_eq!(ended.status.code(), Some(1));
    assert_contains(&ended.error, &["is it running there?"]);
}

#[tokio::test]
async fn hostile_names_are_printed_inertly() {
    let hostile = "\u{1b}[2Jevil\u{9b}31m\u{202e}\nuser pk 99";
    let upstream = Upstream::spawn(one_user(|user| {
        user.username = hostile.into();
        user.name = hostile.into();
        user.email = "\u{7f}@example.com".into();
    }));
    let upstream = upstream.await;
    for output in ["text", "json"] {
        let out = upstream
            .printed(&["explain", "user", "1", "--format", output])
            .await;
        assert!(out.contains("evil"));
        assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
        assert!(
            !out.lines().any(|line| line.starts_with("user pk 99")),
            "{out}"
        );
    }
    let text = upstream.printed(&["explain", "user", "1"]).await;
    assert!(!text.contains('\u{202e}'), "{text:?}");
}
