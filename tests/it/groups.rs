//! Groups: which become entities, their content, and the effects of an exclusion.

use authentik_entity_provider::catalog::policy::NamePolicy;
use fake_authentik::{FakeDirectory, Release};
use serde_json::{Value, json};

use crate::support::app::Pair;
use crate::support::directory::{directory, finding, findings, group_pk};

/// A chain of groups: root, middle (`Authentik Admins`), leaf; one user is in all of them.
fn chain() -> FakeDirectory {
    let mut directory = directory(
        &[(1, "pat"), (2, "sam")],
        &[
            (1, "root", &[1]),
            (2, "Authentik Admins", &[1, 2]),
            (3, "leaf", &[1]),
        ],
    );
    directory.set_parents(group_pk(2), &[group_pk(1)]);
    directory.set_parents(group_pk(3), &[group_pk(2)]);
    directory
}

/// A service with the chain and excluded groups.
async fn excluding(release: Release, entries: &[&str]) -> (Pair, Value) {
    let pair = Pair::spawn(release, chain(), |config| {
        config.authentik.exclude_groups = entries.iter().map(|entry| (*entry).to_owned()).collect();
    })
    .await;
    let run = pair.app.sync().await;
    (pair, run)
}

#[tokio::test]
async fn a_group_has_exactly_this_shape() {
    let pair = Pair::with(chain()).await;
    pair.app.sync().await;
    let body = pair.app.fetch("/entities").await.text().await.unwrap();
    let document = |name: &str, pk: u128, spec: &str| {
        let start = r#"{"apiVersion":"backstage.io/v1alpha1","kind":"Group","metadata":{"name":""#;
        let (base, pk) = (&pair.authentik.base, group_pk(pk));
        format!(
            "{start}{name}\",\"annotations\":{{\"authentik.goauthentik.io/pk\":\"{pk}\",\
             \"backstage.io/managed-by-location\":\"authentik:{base}\",\
             \"backstage.io/managed-by-origin-location\":\"authentik:{base}\"}}}},\"spec\":{spec}}}"
        )
    };
    let expected = [
        document(
            "authentik-admins",
            2,
            r#"{"type":"team","children":["leaf"],"members":["pat","sam"],"parent":"root"}"#,
        ),
        document(
            "leaf",
            3,
            r#"{"type":"team","children":[],"members":["pat"],"parent":"authentik-admins"}"#,
        ),
        document(
            "root",
            1,
            r#"{"type":"team","children":["authentik-admins"],"members":["pat"]}"#,
        ),
    ];
    let lines: Vec<_> = body.lines().filter(|line| *line != "---").take(3).collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn groups_come_before_users_and_all_lists_are_sorted_by_name() {
    let names = [(1, "c"), (2, "A"), (3, "b"), (4, "B.x")];
    let groups: &[(u128, &str, &[u64])] = &[
        (1, "Zeta", &[1, 2, 3, 4]),
        (2, "alpha", &[3, 1]),
        (3, "Mid", &[1]),
    ];
    let mut directory = directory(&names, groups);
    directory.set_parents(group_pk(1), &[group_pk(3)]);
    directory.set_parents(group_pk(2), &[group_pk(3)]);
    let pair = Pair::with(directory).await;
    pair.app.sync().await;
    let all = pair.app.json("/entities?format=json").await;
    let refs: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|entity| {
            (
                entity["kind"].as_str().unwrap(),
                entity["metadata"]["name"].as_str().unwrap(),
            )
        })
        .collect();
    let (groups, users) = (["alpha", "mid", "zeta"], ["a", "b", "b.x", "c"]);
    let expected: Vec<_> = groups
        .map(|name| ("Group", name))
        .into_iter()
        .chain(users.map(|name| ("User", name)))
        .collect();
    assert_eq!(refs, expected);
    assert_eq!(all[2]["spec"]["members"], json!(["a", "b", "b.x", "c"]));
    assert_eq!(all[1]["spec"]["children"], json!(["alpha", "zeta"]));
    assert_eq!(all[6]["spec"]["memberOf"], json!(["alpha", "mid", "zeta"]));
}

#[tokio::test]
async fn an_excluded_group_leaves_no_trace() {
    for release in Release::ALL {
        let (pair, run) = excluding(release, &["authentik-admins"]).await;
        assert_eq!(pair.app.names("group").await, ["leaf", "root"]);
        let body = pair.app.fetch("/entities").await.text().await.unwrap();
        assert!(!body.contains("authentik-admins"), "{release}: {body}");
        assert!(
            !body.contains(&group_pk(2).to_string()),
            "{release}: {body}"
        );
        let leaf = pair.app.entity("group", "leaf").await.unwrap();
        assert_eq!(
            leaf["spec"],
            json!({"type": "team", "children": [], "members": ["pat"]})
        );
        let root = pair.app.entity("group", "root").await.unwrap();
        assert_eq!(root["spec"]["children"], json!([]));
        let pat = pair.app.entity("user", "pat").await.unwrap();
        assert_eq!(pat["spec"]["memberOf"], json!(["leaf", "root"]));
        assert_eq!(run["findings"], 0, "{run}");
    }
}

#[tokio::test]
async fn exclusion_follows_the_npm_modules_rule_even_if_names_are_repaired() {
    let pair = Pair::spawn(
        Release::V2026_5,
        directory(
            &[(1, "pat")],
            &[
                (1, "Tech Ops!", &[1]),
                (2, "TECH OPS!", &[1]),
                (3, "Tech Ops", &[1]),
            ],
        ),
        |config| {
            config.service.names = NamePolicy::Backstage;
            config.authentik.exclude_groups = vec!["tech-ops-".into()];
        },
    )
    .await;
    let run = pair.app.sync().await;
    assert_eq!(pair.app.names("group").await, ["tech-ops"]);
    assert_eq!(run["findings"], 0, "{run}");
}

#[tokio::test]
async fn an_entry_that_is_not_sanitized_excludes_no_group_and_is_reported_with_the_right_spelling()
{
    let (pair, run) = excluding(Release::V2026_5, &["Authentik Admins"]).await;
    assert_eq!(pair.app.names("group").await.len(), 3);
    let finding = finding(&run, "exclude-misspelt");
    assert_eq!(finding["source"], "Authentik Admins");
    assert_eq!(finding["remedy"], "write \"authentik-admins\"");
}

#[tokio::test]
async fn an_entry_that_matches_no_group_is_reported_with_the_closest_name() {
    let (_pair, run) = excluding(
        Release::V2026_5,
        &["authentik-admin", "root", "no-such-thing"],
    )
    .await;
    let found = findings(&run, "exclude-unmatched");
    let remedies: Vec<_> = found
        .iter()
        .map(|finding| (&finding["source"], &finding["remedy"]))
        .collect();
    assert_eq!(remedies.len(), 2, "{run}");
    assert_eq!(remedies[0].0, "authentik-admin");
    assert!(
        remedies[0]
            .1
            .as_str()
            .unwrap()
            .contains("write \"authentik-admins\""),
        "{run}"
    );
    assert!(
        remedies[1].1.as_str().unwrap().contains("remove the entry"),
        "{run}"
    );
}

#[tokio::test]
async fn no_reference_points_at_an_entity_that_is_missing() {
    for release in Release::ALL {
        let directory = FakeDirectory::generate(300);
        let exclude = vec!["engineering".to_owned(), "finance".to_owned()];
        let pair = Pair::spawn(release, directory, |config| {
            config.authentik.exclude_groups = exclude.clone();
        })
        .await;
        pair.app.sync().await;
        let (groups, users) = (pair.app.names("group").await, pair.app.names("user").await);
        assert!(!groups.iter().any(|name| exclude.contains(name)));
        for group in pair.app.entities("group").await {
            let spec = &group["spec"];
            assert!(
                known(&spec["children"], &groups) && known(&spec["members"], &users),
                "{group}"
            );
            assert!(
                spec.get("parent")
                    .is_none_or(|parent| known(&json!([parent]), &groups)),
                "{group}"
            );
        }
        for user in pair.app.entities("user").await {
            assert!(known(&user["spec"]["memberOf"], &groups), "{user}");
        }
    }
}

/// Returns true if all names of a list are known.
fn known(list: &Value, names: &[String]) -> bool {
    list.as_array()
        .unwrap()
        .iter()
        .all(|name| names.iter().any(|known| name == known))
}
