//! Names: the rule of the npm module, the repair, and collisions.

use authentik_entity_provider::catalog::name::{is_valid_name, suffix_name};
use fake_authentik::{Access, FakeAuthentik, FakeDirectory, FakeUser, Release};
use serde_json::json;

use crate::support::app::Pair;
use crate::support::directory::{assert_contains, directory, finding, findings, group_pk};

/// Usernames whose unrepaired names Backstage rejects, and one that it accepts.
fn users_with_invalid_names() -> FakeDirectory {
    let long = "x".repeat(70);
    directory(
        &[
            (1, "-edge-"),
            (2, "🚀"),
            (3, &long),
            (4, "Fine.Name"),
            (5, "山田"),
        ],
        &[],
    )
}

/// Returns the pk of the user with a name.
async fn holder(pair: &Pair, name: &str) -> Option<String> {
    let entity = pair.app.entity("user", name).await?;
    Some(
        entity["metadata"]["annotations"]["authentik.goauthentik.io/pk"]
            .as_str()
            .unwrap()
            .to_owned(),
    )
}

#[tokio::test]
async fn the_default_names_are_the_npm_modules_and_refusals_are_reported() {
    let pair = Pair::with(users_with_invalid_names()).await;
    let run = pair.app.sync().await;
    let long = "x".repeat(70);
    assert_eq!(
        holder(&pair, "--").await.as_deref(),
        Some("2"),
        "the lowest pk of two gets the name"
    );
    assert_eq!(
        pair.app.names("user").await,
        ["--", "-edge-", "fine.name", &long]
    );
    let refused = findings(&run, "name-refused");
    let sources: Vec<_> = refused
        .iter()
        .map(|finding| finding["source"].as_str().unwrap())
        .collect();
    assert_eq!(sources, ["-edge-", "🚀", &long], "{run}");
    for finding in refused {
        assert!(finding["name"].is_string());
        assert!(
            finding["remedy"]
                .as_str()
                .unwrap()
                .contains("names: backstage")
        );
    }
}

#[tokio::test]
async fn repaired_names_are_valid_and_reported_and_valid_names_are_unchanged() {
    let pair = Pair::with_repaired_names(Release::V2026_5, users_with_invalid_names()).await;
    let run = pair.app.sync().await;
    let names = pair.app.names("user").await;
    assert!(names.iter().all(|name| is_valid_name(name)), "{names:?}");
    let long = names.iter().find(|name| name.starts_with("xxx")).unwrap();
    assert_eq!(long.len(), 63);
    assert_eq!(names, ["edge", "fine.name", "user-2", "user-5", long]);
    let repaired = findings(&run, "name-repaired");
    assert_eq!(repaired.len(), 4, "{run}");
    for finding in repaired {
        let (source, name) = (
            finding["source"].as_str().unwrap(),
            finding["name"].as_str().unwrap(),
        );
        assert!(names.iter().any(|known| known == name));
        assert_contains(
            finding["message"].as_str().unwrap(),
            &[&format!("{source:?}"), &format!("{name:?}")],
        );
        assert!(!finding["remedy"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn group_names_follow_the_same_rules() {
    let groups = directory(&[(1, "pat")], &[(1, "Tech Ops!", &[1]), (2, "!!!", &[])]);
    let seed = Pair::with(groups.clone()).await;
    seed.app.sync().await;
    assert_eq!(seed.app.names("group").await, ["---", "tech-ops-"]);
    let repaired = Pair::with_repaired_names(Release::V2026_5, groups).await;
    repaired.app.sync().await;
    let names = repaired.app.names("group").await;
    assert_eq!(
        names,
        ["group-00000000-0000-0000-0000-000000000002", "tech-ops"]
    );
    let pat = repaired.app.entity("user", "pat").await.unwrap();
    assert_eq!(
        pat["spec"]["memberOf"],
        json!(["tech-ops"]),
        "references use the repaired name"
    );
}

#[tokio::test]
async fn under_npm_module_a_colliding_row_is_left_out_and_reported_with_both_names() {
    let users = [(3, "Alice.Smith"), (4, "alice.smith")];
    let pair = Pair::with(directory(
        &users,
        &[(1, "admins", &[3]), (2, "guests", &[4])],
    ))
    .await;
    let run = pair.app.sync().await;
    assert_eq!(holder(&pair, "alice.smith").await.as_deref(), Some("3"));
    let alice = pair.app.entity("user", "alice.smith").await.unwrap();
    assert_eq!(
        alice["spec"]["memberOf"],
        json!(["admins"]),
        "no user gets the groups of another user with the same name"
    );
    let guests = pair.app.entity("group", "guests").await.unwrap();
    assert_eq!(
        guests["spec"]["members"],
        json!([]),
        "the other user of the name is not a member of the group"
    );
    let finding = finding(&run, "name-collision");
    assert_eq!(
        (&finding["kind"], &finding["pk"]),
        (&json!("user"), &json!("4"))
    );
    let parts = [
        "\"Alice.Smith\" (pk 3)",
        "\"alice.smith\" (pk 4)",
        "left out",
    ];
    assert_contains(finding["message"].as_str().unwrap(), &parts);
    assert_contains(
        finding["remedy"].as_str().unwrap(),
        &["rename", "names: backstage"],
    );
}

#[tokio::test]
async fn under_backstage_a_colliding_row_gets_a_suffix_that_depends_on_its_pk_alone() {
    let users = [(3, "Alice.Smith"), (4, "alice.smith")];
    let groups: &[(u128, &str, &[u64])] = &[(1, "admins", &[3]), (2, "guests", &[4])];
    let pair = Pair::with_repaired_names(Release::V2026_5, directory(&users, groups)).await;
    let run = pair.app.sync().await;
    let suffixed = suffix_name("alice.smith", "user", 4, 8);
    assert_eq!(pair.app.names("user").await, ["alice.smith", &suffixed]);
    let members = |group: &'static str| pair.app.entity("group", group);
    assert_eq!(
        members("admins").await.unwrap()["spec"]["members"],
        json!(["alice.smith"])
    );
    assert_eq!(
        members("guests").await.unwrap()["spec"]["members"],
        json!([suffixed])
    );
    let finding = finding(&run, "name-collision");
    assert_eq!(finding["name"], suffixed);
    assert_contains(
        finding["message"].as_str().unwrap(),
        &["\"Alice.Smith\"", "\"alice.smith\"", &suffixed],
    );
}

#[tokio::test]
async fn a_lower_pk_that_appears_later_does_not_take_a_held_name() {
    for repaired in [false, true] {
        let directory = directory(&[(9, "alice")], &[(1, "admins", &[9])]);
        let pair = if repaired {
            Pair::with_repaired_names(Release::V2026_5, directory).await
        } else {
            Pair::with(directory).await
        };
        pair.app.sync().await;
        pair.fake
            .edit(|directory| directory.insert_user(FakeUser::new(2, "ALICE")));
        for _ in 0..3 {
            let run = pair.app.sync().await;
            assert_eq!(holder(&pair, "alice").await.as_deref(), Some("9"));
            assert_eq!(
                pair.app.names("user").await.len(),
                1 + usize::from(repaired)
            );
            let admins = pair.app.entity("group", "admins").await.unwrap();
            assert_eq!(admins["spec"]["members"], json!(["alice"]));
            assert_eq!(finding(&run, "name-collision")["pk"], "2");
        }
        pair.fake.edit(|directory| directory.remove_user(9));
        pair.app.sync().await;
        assert_eq!(
            holder(&pair, "alice").await.as_deref(),
            Some("2"),
            "the name is free now"
        );
        let admins = pair.app.entity("group", "admins").await.unwrap();
        assert_eq!(
            admins["spec"]["members"],
            json!([]),
            "the name was not inherited with its groups"
        );
    }
}

#[tokio::test]
async fn a_rename_into_a_held_name_does_not_take_it() {
    let pair = Pair::with(directory(&[(1, "bob"), (2, "alice")], &[])).await;
    pair.app.sync().await;
    pair.fake.edit(|directory| directory.rename(1, "Alice"));
    let run = pair.app.sync().await;
    assert_eq!(holder(&pair, "alice").await.as_deref(), Some("2"));
    assert_eq!(finding(&run, "name-collision")["source"], "Alice");
}

#[tokio::test]
async fn a_failed_run_keeps_the_held_names() {
    let pair = Pair::with(directory(&[(9, "alice")], &[])).await;
    pair.app.sync().await;
    pair.fake.revoke(FakeAuthentik::TOKEN);
    assert_eq!(pair.app.sync().await["state"], "failed");
    pair.fake.grant(FakeAuthentik::TOKEN, Access::Full);
    pair.fake
        .edit(|directory| directory.insert_user(FakeUser::new(2, "ALICE")));
    pair.app.sync().await;
    assert_eq!(holder(&pair, "alice").await.as_deref(), Some("9"));
}

#[tokio::test]
async fn groups_with_the_same_name_stay_separate() {
    let groups: &[(u128, &str, &[u64])] = &[(5, "Ops", &[1]), (6, "OPS", &[2])];
    let pair =
        Pair::with_repaired_names(Release::V2024_2, directory(&[(1, "a"), (2, "b")], groups)).await;
    pair.app.sync().await;
    let suffixed = suffix_name("ops", "group", group_pk(6), 8);
    assert_eq!(pair.app.names("group").await, ["ops", &suffixed]);
    let user = |name: &'static str| pair.app.entity("user", name);
    assert_eq!(user("a").await.unwrap()["spec"]["memberOf"], json!(["ops"]));
    assert_eq!(
        user("b").await.unwrap()["spec"]["memberOf"],
        json!([suffixed])
    );
}

#[tokio::test]
async fn a_user_and_a_group_may_share_a_name() {
    let pair = Pair::with(directory(&[(1, "ops")], &[(1, "ops", &[1])])).await;
    let run = pair.app.sync().await;
    assert_eq!(run["findings"], 0, "{run}");
    assert_eq!(
        (pair.app.names("user").await, pair.app.names("group").await),
        (vec!["ops".into()], vec!["ops".to_owned()])
    );
}
