//! Users: which become entities, and their content.

use fake_authentik::{FakeDirectory, FakeUser, Release, UserKind};
use serde_json::json;

use crate::support::app::Pair;
use crate::support::directory::{directory, finding, findings, one_user};

/// A person, an inactive person and both kinds of service accounts in one group.
fn mixed_accounts() -> FakeDirectory {
    let users = [
        (1, "pat"),
        (2, "gone"),
        (3, "robot"),
        (4, "outpost"),
        (5, "partner"),
    ];
    let mut directory = directory(&users, &[(1, "team", &[1, 2, 3, 4, 5])]);
    directory.set_active(2, false);
    directory.set_kind(3, UserKind::ServiceAccount);
    directory.set_kind(4, UserKind::InternalServiceAccount);
    directory.set_kind(5, UserKind::External);
    directory
}

/// Returns the default body.
async fn body(pair: &Pair) -> String {
    pair.app.fetch("/entities").await.text().await.unwrap()
}

/// Returns the profile of the only user.
async fn profile(edit: impl FnOnce(&mut FakeUser)) -> serde_json::Value {
    let pair = Pair::with(one_user(edit)).await;
    pair.app.sync().await;
    pair.app.entity("user", "pat").await.unwrap()["spec"]["profile"].clone()
}

#[tokio::test]
async fn every_release_serves_its_active_people() {
    for release in Release::ALL {
        let pair = Pair::spawn(release, FakeDirectory::generate(250), |_| ()).await;
        assert_eq!(
            pair.app.fetch("/entities").await.status(),
            503,
            "the list is not empty"
        );
        let run = pair.app.sync().await;
        assert_eq!(run["state"], "succeeded", "{run}");
        let people = pair.fake.edit(|directory| {
            let person = |kind| matches!(kind, UserKind::Internal | UserKind::External);
            directory
                .users()
                .iter()
                .filter(|user| user.is_active && person(user.kind))
                .count()
        });
        let lost = findings(&run, "name-collision")
            .iter()
            .filter(|finding| finding["kind"] == "user")
            .count();
        assert_eq!(run["users"], people - lost);
        assert_eq!(pair.app.names("user").await.len(), people - lost);
    }
}

#[tokio::test]
async fn inactive_users_and_service_accounts_appear_nowhere() {
    for release in Release::ALL {
        let pair = Pair::spawn(release, mixed_accounts(), |_| ()).await;
        pair.app.sync().await;
        assert_eq!(pair.app.names("user").await, ["partner", "pat"]);
        let team = pair.app.entity("group", "team").await.unwrap();
        assert_eq!(team["spec"]["members"], json!(["partner", "pat"]));
        let body = body(&pair).await;
        assert!(
            !["gone", "robot", "outpost"]
                .iter()
                .any(|name| body.contains(name)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn service_accounts_are_included_on_request_and_inactive_ones_never() {
    let pair = Pair::spawn(Release::V2026_5, mixed_accounts(), |config| {
        config.authentik.include_service_accounts = true;
    })
    .await;
    pair.app.sync().await;
    assert_eq!(
        pair.app.names("user").await,
        ["outpost", "partner", "pat", "robot"]
    );
    pair.fake.edit(|directory| directory.set_active(3, false));
    pair.app.sync().await;
    assert_eq!(pair.app.names("user").await, ["outpost", "partner", "pat"]);
    let team = pair.app.entity("group", "team").await.unwrap();
    assert_eq!(
        team["spec"]["members"],
        json!(["outpost", "partner", "pat"])
    );
}

#[tokio::test]
async fn a_user_has_exactly_this_shape() {
    let mut directory = directory(
        &[(42, "Alice.Smith")],
        &[(2, "Admins", &[42]), (1, "engineers", &[42])],
    );
    let alice = directory.user_mut(42).unwrap();
    alice.name = "Alice Smith".into();
    alice.email = "alice@example.com".into();
    alice.avatar = "https://cdn.example.com/alice.png".into();
    let pair = Pair::with(directory).await;
    pair.app.sync().await;
    let lines = body(&pair).await;
    let expected = concat!(
        r#"{"apiVersion":"backstage.io/v1alpha1","kind":"User","metadata":{"name":"alice.smith","#,
        r#""annotations":{"authentik.goauthentik.io/pk":"42","#,
        r#""backstage.io/managed-by-location":"authentik:https://authentik.example.com","#,
        r#""backstage.io/managed-by-origin-location":"authentik:https://authentik.example.com"}},"#,
        r#""spec":{"profile":{"displayName":"Alice Smith","email":"alice@example.com","#,
        r#""picture":"https://cdn.example.com/alice.png"},"memberOf":["admins","engineers"]}}"#,
    )
    .replace("https://authentik.example.com", &pair.authentik.base);
    assert_eq!(lines.lines().last(), Some(expected.as_str()));
}

#[tokio::test]
async fn a_user_without_groups_has_an_empty_member_of() {
    let pair = Pair::with(one_user(|_| ())).await;
    pair.app.sync().await;
    assert!(body(&pair).await.ends_with("\"memberOf\":[]}}\n"));
}

#[tokio::test]
async fn empty_fields_are_left_out_and_an_empty_name_becomes_the_username() {
    let profile = profile(|user| {
        user.username = "Pat".into();
        user.name = String::new();
        user.email = String::new();
        user.avatar = String::new();
    })
    .await;
    assert_eq!(profile, json!({"displayName": "Pat"}));
}

#[tokio::test]
async fn an_email_is_trimmed_and_an_email_of_blanks_is_left_out() {
    for (email, served) in [
        (" pat@example.com\t", json!("pat@example.com")),
        ("\u{a0}pat@example.com\r\n", json!("pat@example.com")),
        ("pat smith@example.com", json!("pat smith@example.com")),
        ("   ", json!(null)),
        ("\u{3000}\n", json!(null)),
    ] {
        let profile = profile(|user| user.email = email.into()).await;
        assert_eq!(profile["email"], served, "{email:?}");
    }
}

#[tokio::test]
async fn a_relative_avatar_is_resolved_against_the_base_url() {
    let pair = Pair::with(one_user(|user| user.avatar = "/static/dist/a.png".into())).await;
    pair.app.sync().await;
    let picture =
        pair.app.entity("user", "pat").await.unwrap()["spec"]["profile"]["picture"].clone();
    assert_eq!(
        picture,
        format!("{}/static/dist/a.png", pair.authentik.base)
    );
}

#[tokio::test]
async fn data_and_http_pictures_are_unchanged() {
    for avatar in [
        "data:image/svg+xml;base64,PHN2Zz4=",
        "http://cdn.example.com/a",
        "https://a.example/b?c=d",
    ] {
        assert_eq!(
            profile(|user| user.avatar = avatar.into()).await["picture"],
            avatar
        );
    }
}

#[tokio::test]
async fn other_avatars_are_left_out_and_reported() {
    for avatar in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,<script>",
        "ftp://a/b",
        "a.png",
    ] {
        let pair = Pair::with(one_user(|user| user.avatar = avatar.into())).await;
        let run = pair.app.sync().await;
        let finding = finding(&run, "picture-refused");
        assert_eq!(
            (&finding["source"], &finding["pk"]),
            (&json!("pat"), &json!("1"))
        );
        assert!(!body(&pair).await.contains("picture"), "{avatar}");
    }
}

/// Users with these emails, in the order of their pks.
fn with_emails(emails: &[&str]) -> FakeDirectory {
    let names: Vec<_> = (1..)
        .map(|pk| format!("user-{pk}"))
        .take(emails.len())
        .collect();
    let users: Vec<_> = (1..).zip(names.iter().map(String::as_str)).collect();
    let mut directory = directory(&users, &[]);
    for (pk, email) in (1..).zip(emails) {
        directory.edit_user(pk, |user| (*email).clone_into(&mut user.email));
    }
    directory
}

#[tokio::test]
async fn emails_by_which_users_cannot_sign_in_are_findings() {
    let long = format!("{}@example.com", "a".repeat(190));
    let emails = [
        "ann@example.com",
        "ANN@example.com",
        " bo@example.com",
        "bo@example.com",
        "cy@example.com",
        "",
        "  ",
        "\"d,e\"@example.com",
        &long,
        "Élan@example.com",
        "élan@example.com",
    ];
    let pair = Pair::with(with_emails(&emails)).await;
    let run = pair.app.sync().await;
    assert_eq!(run["findings"], 3, "{run}");
    for (code, users, named) in [
        (
            "email-missing",
            "2 users have",
            "\"user-6\" (pk 6), \"user-7\" (pk 7)",
        ),
        (
            "email-shared",
            "6 users have",
            "\"user-1\" (pk 1), \"user-10\" (pk 10), \"user-11\" (pk 11)",
        ),
        (
            "email-not-found",
            "2 users have",
            "\"user-8\" (pk 8), \"user-9\" (pk 9)",
        ),
    ] {
        let message = finding(&run, code)["message"].as_str().unwrap();
        assert!(
            message.starts_with(users) && message.ends_with(named),
            "{message}"
        );
        assert!(
            !message.contains('@'),
            "no finding has an address: {message}"
        );
    }
}

#[tokio::test]
async fn emails_of_others_than_active_people_are_not_checked() {
    let mut directory = with_emails(&["one@example.com", "one@example.com", ""]);
    directory.set_active(2, false);
    directory.set_kind(3, UserKind::ServiceAccount);
    let pair = Pair::spawn(Release::V2026_5, directory, |config| {
        config.authentik.include_service_accounts = true;
    })
    .await;
    assert_eq!(pair.app.sync().await["findings"], 0);
}
