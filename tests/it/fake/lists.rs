//! Lists: pages, orderings, filters, flags, and differences between releases.

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use serde_json::{Value, json};

use super::{rows, sixty_users};
use crate::support::RunningAuthentik;

fn column<'a>(page: &'a Value, name: &str) -> Vec<&'a Value> {
    rows(page).iter().map(|row| &row[name]).collect()
}

fn keys(row: &Value) -> Vec<&str> {
    row.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn page_sizes_follow_the_release() {
    let directory = FakeDirectory::generate(250);
    for (release, default, large) in [
        (Release::V2024_2, 100, 250),
        (Release::V2025_10, 100, 250),
        (Release::V2026_5, 20, 100),
    ] {
        let fake = FakeAuthentik::new(release, directory.clone());
        let server = RunningAuthentik::spawn(&fake).await;
        assert_eq!(
            rows(&server.json("/api/v3/core/users/").await).len(),
            default,
            "{release}"
        );
        assert_eq!(
            rows(&server.json("/api/v3/core/users/?page_size=300").await).len(),
            large,
            "{release}"
        );
    }
}

#[tokio::test]
async fn an_administrator_can_move_the_page_cap() {
    let fake =
        FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(60)).with_page_cap(Some(7));
    let server = RunningAuthentik::spawn(&fake).await;
    let page = server.json("/api/v3/core/users/?page_size=50&page=9").await;
    let expected = json!({"next": 0, "previous": 8, "count": 60, "current": 9, "total_pages": 9, "start_index": 57, "end_index": 60});
    assert_eq!(page["pagination"], expected);
}

#[tokio::test]
async fn known_orderings_order_and_others_are_ignored() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let list = async |ordering: &str| {
        let path = format!("/api/v3/core/users/?page_size=100&ordering={ordering}");
        column(&server.json(&path).await, "pk")
            .into_iter()
            .map(|pk| pk.as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let mut expected: Vec<_> =
        fake.edit(|directory| directory.users().iter().map(|user| user.pk).collect());
    assert_eq!(list("pk").await, expected);
    expected.reverse();
    assert_eq!(list("-pk").await, expected);
    expected.reverse();
    let name = |pk: &u64| fake.edit(|directory| directory.user(*pk).unwrap().username.clone());
    expected.sort_by_key(name);
    for ordering in ["username", "id", "nonsense", ""] {
        assert_eq!(list(ordering).await, expected, "{ordering}");
    }
}

#[tokio::test]
async fn filters_choose_rows() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let count = async |query: &str| {
        server.json(&format!("/api/v3/core/users/?{query}")).await["pagination"]["count"]
            .as_u64()
            .unwrap()
    };
    let (active, external) = fake.edit(|directory| {
        let kind = fake_authentik::UserKind::External;
        (
            directory
                .users()
                .iter()
                .filter(|user| user.is_active)
                .count() as u64,
            directory
                .users()
                .iter()
                .filter(|user| user.kind == kind)
                .count() as u64,
        )
    });
    assert!(active < 60 && external > 0);
    assert_eq!(count("is_active=true").await, active);
    assert_eq!(count("is_active=False").await, 60 - active);
    assert_eq!(count("type=external").await, external);
    assert_eq!(
        count("type=external&type=internal_service_account").await,
        external + 1
    );
    assert_eq!(
        count("date_joined__gt=2026-01-10T00:00:00Z").await,
        60 - count("date_joined__lt=2026-01-10").await
    );
    assert_eq!(count("last_updated__gt=2030-01-01T00:00:00Z").await, 0);
    for bad in [
        "type=internal,external",
        "last_updated__gt=2026-01-01T00:00:00+00:00",
    ] {
        let status = server
            .get(&format!("/api/v3/core/users/?{bad}"))
            .send()
            .await
            .unwrap()
            .status();
        assert_eq!(status, 400, "{bad}");
    }
}

#[tokio::test]
async fn the_oldest_release_ignores_flags_and_newer_filters() {
    let (_fake, server) = sixty_users(Release::V2024_2).await;
    let users = server
        .json("/api/v3/core/users/?include_groups=false&last_updated__gt=nonsense")
        .await;
    assert_eq!(users["pagination"]["count"], 60);
    assert!(users.get("autocomplete").is_none());
    assert!(
        rows(&users)
            .iter()
            .all(|user| user["groups_obj"].is_array())
    );
    assert!(
        !keys(&rows(&users)[0])
            .iter()
            .any(|key| ["last_updated", "date_joined", "roles"].contains(key))
    );

    let groups = server
        .json("/api/v3/core/groups/?include_users=false&include_children=true")
        .await;
    assert!(
        rows(&groups)
            .iter()
            .all(|group| group["users_obj"].is_array() && group.get("children").is_none())
    );
    for group in rows(&groups) {
        assert_eq!(
            group["parent"].is_null(),
            group.get("parent_name").is_none()
        );
    }
}

#[tokio::test]
async fn only_the_newest_release_knows_two_parents() {
    let mut directory = FakeDirectory::default();
    let (first, second, child) = (
        directory.add_group("a first"),
        directory.add_group("b second"),
        directory.add_group("c child"),
    );
    directory.set_parents(child, &[first, second]);
    for (release, parents) in [
        (Release::V2025_10, Value::Null),
        (Release::V2026_5, json!([first, second])),
    ] {
        let server = RunningAuthentik::spawn(&FakeAuthentik::new(release, directory.clone())).await;
        let page = server.json("/api/v3/core/groups/").await;
        assert_eq!(rows(&page)[2]["parents"], parents, "{release}");
        assert_eq!(rows(&page)[0]["children"], json!([child]), "{release}");
        let seconds = if release == Release::V2026_5 {
            json!([child])
        } else {
            json!([])
        };
        assert_eq!(rows(&page)[1]["children"], seconds, "{release}");
    }
}

#[tokio::test]
async fn a_page_of_one_row_is_a_random_access_probe() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let fifth = fake.edit(|directory| directory.users()[4].pk);
    let page = server
        .json("/api/v3/core/users/?ordering=pk&page_size=1&page=5")
        .await;
    assert_eq!(column(&page, "pk"), [&json!(fifth)]);
    assert_eq!(page["pagination"]["total_pages"], 60);
}

#[tokio::test]
async fn the_trailing_slash_is_required() {
    let (_fake, server) = sixty_users(Release::V2026_5).await;
    let response = server.get("/api/v3/core/users").send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
}

#[tokio::test]
async fn single_rows_equal_rows_of_the_list() {
    for release in Release::ALL {
        let (_fake, server) = sixty_users(release).await;
        for list in ["users", "groups"] {
            let page = server
                .json(&format!("/api/v3/core/{list}/?ordering=pk"))
                .await;
            let row = &rows(&page)[3];
            let pk = row["pk"]
                .as_str()
                .map_or_else(|| row["pk"].to_string(), str::to_owned);
            assert_eq!(
                server.json(&format!("/api/v3/core/{list}/{pk}/")).await,
                *row,
                "{release} {list}"
            );
        }
    }
}
