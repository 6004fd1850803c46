//! `GET /sync/{id}`: the entities that a run added, changed and removed.

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use serde_json::{Value, json};

use crate::support::app::Pair;
use crate::support::directory::crowd;

#[tokio::test]
async fn a_run_names_the_entities_that_an_edit_added_changed_and_removed() {
    let mut directory = FakeDirectory::default();
    let [anna, _, clara, dora] =
        ["Anna", "bert", "clara", "dora"].map(|name| directory.add_user(name));
    let group = directory.add_group("engineers");
    let pair = Pair::with(directory).await;
    let everything = [
        "group:default/engineers",
        "user:default/anna",
        "user:default/bert",
        "user:default/clara",
        "user:default/dora",
    ];
    let first = pair.app.sync().await;
    assert_eq!(
        first["changeList"],
        json!({"added": everything, "changed": [], "removed": []})
    );
    let second = pair.app.sync().await;
    assert_eq!(
        second["changeList"],
        json!({"added": [], "changed": [], "removed": []})
    );
    pair.fake.edit(|directory| {
        assert!(directory.add_member(group, anna));
        assert!(directory.remove_user(clara));
        assert!(directory.rename(dora, "dorothea"));
        directory.add_user("emil");
    });
    let third = pair.app.sync().await;
    assert_eq!(
        third["changeList"],
        json!({
            "added": ["user:default/dorothea", "user:default/emil"],
            "changed": ["group:default/engineers", "user:default/anna"],
            "removed": ["user:default/clara", "user:default/dora"],
        })
    );
}

#[tokio::test]
async fn the_changes_of_a_run_stay_the_same_when_others_follow() {
    let pair = Pair::with(crowd(3)).await;
    let first = pair.app.sync().await;
    pair.fake.edit(|directory| directory.add_user("later"));
    pair.app.sync().await;
    let path = format!("/sync/{}", first["id"].as_str().unwrap());
    assert_eq!(pair.app.json(&path).await, first);
}

#[tokio::test]
async fn a_thousand_changes_are_listed_and_all_are_counted() {
    let pair = Pair::with(crowd(1005)).await;
    let run = pair.app.sync().await;
    let added: Vec<String> = serde_json::from_value(run["changeList"]["added"].clone()).unwrap();
    assert_eq!((added.len(), &run["added"]), (1000, &json!(1006)));
    assert_eq!(added[0], "group:default/everyone");
    assert!(
        added[1..].is_sorted()
            && added[1..]
                .iter()
                .all(|entity| entity.starts_with("user:default/user-"))
    );
}

#[tokio::test]
async fn only_the_detail_of_a_successful_run_lists_changes() {
    let pair = Pair::spawn(Release::V2026_5, crowd(3), |_| ()).await;
    pair.app.sync().await;
    pair.fake.revoke(FakeAuthentik::TOKEN);
    assert_eq!(pair.app.sync().await.get("changeList"), None::<&Value>);
    for run in pair.app.json("/sync").await["runs"].as_array().unwrap() {
        assert_eq!(run.get("changeList"), None, "the list of runs omits it");
    }
}
