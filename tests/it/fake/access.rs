//! Tokens: what each may view, and what leaks nevertheless.

use fake_authentik::{Access, FakeAuthentik, FakeDirectory, Release};
use serde_json::{Value, json};

use super::rows;
use crate::support::RunningAuthentik;

const USERS: &str = "/api/v3/core/users/";
const GROUPS: &str = "/api/v3/core/groups/";

async fn status(server: &RunningAuthentik, path: &str, token: &str) -> u16 {
    server
        .request(path)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

async fn page(server: &RunningAuthentik, path: &str, token: &str) -> Value {
    let response = server
        .request(path)
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn each_permission_opens_its_own_list() {
    let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(30))
        .with_token("nothing", Access::NoPermission)
        .with_token("users", Access::ViewUserOnly)
        .with_token("groups", Access::ViewGroupOnly)
        .with_token("internal", Access::InternalServiceAccount);
    let server = RunningAuthentik::spawn(&fake).await;
    for (token, users, groups) in [
        ("nothing", 403, 403),
        ("users", 200, 403),
        ("groups", 403, 200),
        ("internal", 200, 200),
        ("unknown", 403, 403),
    ] {
        assert_eq!(status(&server, USERS, token).await, users, "{token} users");
        assert_eq!(
            status(&server, GROUPS, token).await,
            groups,
            "{token} groups"
        );
    }
    assert_eq!(
        page(&server, GROUPS, "internal").await["pagination"]["count"],
        0
    );
}

#[tokio::test]
async fn an_object_level_view_filters_rows_and_leaks_keys() {
    let mut directory = FakeDirectory::default();
    let (seen, hidden) = (directory.add_user("seen"), directory.add_user("hidden"));
    let (shown, veiled) = (directory.add_group("shown"), directory.add_group("veiled"));
    for user in [seen, hidden] {
        directory.add_member(shown, user);
    }
    directory.add_member(veiled, seen);
    directory.set_parents(shown, &[veiled]);
    let access = Access::ObjectLevel {
        users: [seen].into(),
        groups: [shown].into(),
    };
    let fake = FakeAuthentik::new(Release::V2026_5, directory).with_token("some", access);
    let server = RunningAuthentik::spawn(&fake).await;

    let users = page(&server, USERS, "some").await;
    assert_eq!(users["pagination"]["count"], 1);
    assert_eq!(rows(&users)[0]["groups"], json!([shown, veiled]));
    let groups = page(&server, GROUPS, "some").await;
    assert_eq!(rows(&groups).len(), 1);
    assert_eq!(rows(&groups)[0]["users"], json!([seen, hidden]));
    assert_eq!(rows(&groups)[0]["parents"], json!([veiled]));
    assert_eq!(
        status(&server, &format!("{USERS}{hidden}/"), "some").await,
        404
    );
    assert_eq!(
        status(&server, &format!("{GROUPS}{shown}/"), "some").await,
        200
    );
}

#[tokio::test]
async fn access_can_change_while_serving() {
    let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(30));
    let server = RunningAuthentik::spawn(&fake).await;
    assert_eq!(
        page(&server, USERS, FakeAuthentik::TOKEN).await["pagination"]["count"],
        30
    );
    fake.grant(FakeAuthentik::TOKEN, Access::InternalServiceAccount);
    assert_eq!(
        page(&server, USERS, FakeAuthentik::TOKEN).await["pagination"]["count"],
        0
    );
    fake.revoke(FakeAuthentik::TOKEN);
    let refused = page(&server, USERS, FakeAuthentik::TOKEN).await;
    assert_eq!(refused, json!({"detail": "Token invalid/expired"}));
}

#[tokio::test]
async fn texts_follow_the_language() {
    let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::default());
    let server = RunningAuthentik::spawn(&fake).await;
    let german = server
        .request(USERS)
        .header("accept-language", "de-DE,de;q=0.9")
        .send()
        .await
        .unwrap();
    assert_eq!(
        german.text().await.unwrap(),
        r#"{"detail":"Anmeldedaten fehlen."}"#
    );
}
