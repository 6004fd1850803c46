//! An invalid row neither blocks other rows nor removes a user.

use fake_authentik::{Action, FakeDirectory, ScriptStep, Target};
use serde_json::{Value, json};

use crate::support::app::Pair;
use crate::support::directory::{assert_contains, crowd, failure, finding, findings, group_pk};

/// Replaces a field of the rows with these pks in every later answer.
fn break_field(pair: &Pair, place: Target, pks: &[&str], field: &str, value: &Value) {
    let (pks, field, value) = (
        pks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        field.to_owned(),
        value.clone(),
    );
    let rewrite = move |mut page: Value| {
        for row in page["results"].as_array_mut().into_iter().flatten() {
            let pk = row["pk"]
                .as_str()
                .map_or_else(|| row["pk"].to_string(), str::to_owned);
            if pks.contains(&pk) {
                row[&field] = value.clone();
            }
        }
        page
    };
    pair.fake
        .script(ScriptStep::at(place, Action::rewrite(rewrite)).always());
}

#[tokio::test]
async fn a_broken_user_is_served_as_before_and_other_users_are_current() {
    for (field, value, private) in [
        ("email", json!(47_110_815), "47110815"),
        ("username", json!({"classified": 1}), "classified"),
        ("is_active", json!("classified"), "classified"),
        ("groups", json!(["classified"]), "classified"),
        ("type", Value::Null, "internal"),
    ] {
        let pair = Pair::with(crowd(30)).await;
        pair.app.sync().await;
        let before = pair.app.entity("user", "user-3").await.unwrap();
        pair.fake.edit(|directory| {
            assert!(directory.rename(4, "renamed"));
            assert!(directory.edit_user(3, |user| user.name = "Another Name".into()));
        });
        break_field(&pair, Target::Users, &["3"], field, &value);
        let run = pair.app.sync().await;
        let finding = finding(&run, "broken-row");
        assert_eq!(
            (&finding["pk"], &finding["kind"], &finding["source"]),
            (&"3".into(), &"user".into(), &"user-3".into())
        );
        let message = finding["message"].as_str().unwrap();
        let place = if field == "groups" {
            "`groups[0]`".to_owned()
        } else {
            format!("`{field}`")
        };
        assert_contains(
            message,
            &["pk 3", &place, "last readable version is served"],
        );
        assert!(!message.contains(private), "{message}");
        assert_eq!(
            run["findings"], 1,
            "no list references a row that the other lacks: {run}"
        );
        assert_eq!(pair.app.entity("user", "user-3").await.unwrap(), before);
        assert!(pair.app.entity("user", "renamed").await.is_some());
        assert_eq!(
            pair.app.sync().await["removed"],
            0,
            "it is served in every run"
        );
        pair.fake.clear_script();
        assert_eq!(pair.app.sync().await["findings"], 0);
        let mended = pair.app.entity("user", "user-3").await.unwrap();
        assert_eq!(mended["spec"]["profile"]["displayName"], "Another Name");
    }
}

#[tokio::test]
async fn a_broken_row_without_an_earlier_version_is_left_out_and_hides_no_row() {
    let pair = Pair::with(crowd(30)).await;
    break_field(&pair, Target::Users, &["3"], "username", &json!(7));
    let run = pair.app.sync().await;
    assert_contains(
        finding(&run, "broken-row")["message"].as_str().unwrap(),
        &["pk 3", "left out", "never been read"],
    );
    assert_eq!(
        (&run["users"], &run["findings"]),
        (&29.into(), &1.into()),
        "a member that cannot be read is not hidden: {run}"
    );
    let everyone = pair.app.entity("group", "everyone").await.unwrap();
    assert_eq!(everyone["spec"]["members"].as_array().unwrap().len(), 28);
    assert_eq!(
        pair.fake.counters().user_lists,
        1,
        "nothing is read again for it"
    );
}

#[tokio::test]
async fn a_broken_group_keeps_its_members() {
    let pair = Pair::with(crowd(30)).await;
    pair.app.sync().await;
    let before = pair.app.entity("group", "everyone").await.unwrap();
    break_field(
        &pair,
        Target::Groups,
        &[&group_pk(1).to_string()],
        "users",
        &json!([1, "two", 3]),
    );
    let run = pair.app.sync().await;
    assert_contains(
        finding(&run, "broken-row")["message"].as_str().unwrap(),
        &["`users[1]`"],
    );
    assert_eq!(run["findings"], 1, "{run}");
    assert_eq!(pair.app.entity("group", "everyone").await.unwrap(), before);
}

#[tokio::test]
async fn references_of_a_broken_row_are_neither_hidden_nor_linked() {
    let pair = Pair::with(crowd(30)).await;
    pair.app.sync().await;
    break_field(
        &pair,
        Target::Groups,
        &[&group_pk(1).to_string()],
        "name",
        &json!(null),
    );
    pair.fake
        .edit(|directory| assert!(directory.remove_user(3)));
    let run = pair.app.sync().await;
    assert_eq!(
        (findings(&run, "broken-row").len(), &run["findings"]),
        (1, &1.into()),
        "{run}"
    );
    assert_eq!(run["removed"], 1);
    let everyone = pair.app.entity("group", "everyone").await.unwrap();
    assert!(
        !everyone["spec"]["members"]
            .as_array()
            .unwrap()
            .contains(&json!("user-3"))
    );
}

#[tokio::test]
async fn a_deleted_broken_row_is_removed() {
    let pair = Pair::with(crowd(30)).await;
    break_field(&pair, Target::Users, &["3"], "username", &json!(7));
    pair.app.sync().await;
    pair.fake
        .edit(|directory: &mut FakeDirectory| assert!(directory.remove_user(3)));
    let run = pair.app.sync().await;
    assert_eq!(
        (&run["findings"], &run["users"]),
        (&0.into(), &29.into()),
        "{run}"
    );
}

#[tokio::test]
async fn more_than_a_few_broken_rows_fail_the_run() {
    let pks: Vec<String> = (1..=6).map(|pk| pk.to_string()).collect();
    let pks: Vec<&str> = pks.iter().map(String::as_str).collect();
    let pair = Pair::with(crowd(600)).await;
    pair.app.sync().await;
    break_field(&pair, Target::Users, &pks, "is_active", &json!("yes"));
    let run = pair.app.sync().await;
    assert_eq!(
        findings(&run, "broken-row").len(),
        6,
        "one percent of 600 rows may be broken"
    );

    let pair = Pair::with(crowd(100)).await;
    pair.app.sync().await;
    break_field(&pair, Target::Users, &pks[1..], "is_active", &json!("yes"));
    assert_eq!(
        findings(&pair.app.sync().await, "broken-row").len(),
        5,
        "five rows may always be broken"
    );
    break_field(&pair, Target::Users, &pks, "is_active", &json!("yes"));
    let run = pair.app.sync().await;
    let (code, message) = failure(&run);
    assert_eq!(code, "broken-rows");
    assert_contains(
        message,
        &[
            "6 of 100 rows of the user list",
            "pk 1 at `is_active`",
            "Authentik's version",
        ],
    );
    assert_eq!(pair.app.names("user").await.len(), 100);
}

#[tokio::test]
async fn a_too_large_row_is_a_broken_row() {
    let pair = Pair::with(crowd(30)).await;
    pair.app.sync().await;
    break_field(
        &pair,
        Target::Users,
        &["3"],
        "name",
        &json!("x".repeat(5 << 20)),
    );
    let run = pair.app.sync().await;
    assert_contains(
        finding(&run, "broken-row")["message"].as_str().unwrap(),
        &["pk 3", "larger than 4 MiB"],
    );
    assert_eq!(run["changed"], 0);
    assert!(pair.app.entity("user", "user-3").await.is_some());
}
