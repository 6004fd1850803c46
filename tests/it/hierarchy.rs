//! The hierarchy of groups, from both generations of releases, without cycles.

use fake_authentik::{FakeDirectory, Release};
use serde_json::{Value, json};

use crate::support::app::Pair;
use crate::support::directory::{assert_contains, directory, finding, findings, group_pk};

/// Groups in the order of their pks, with links from child to parents by number.
fn tree(names: &[&str], links: &[(u128, &[u128])]) -> FakeDirectory {
    let groups: Vec<_> = (1..)
        .zip(names)
        .map(|(number, name)| (number, *name, &[][..]))
        .collect();
    let mut directory = directory(&[(1, "pat")], &groups);
    for (child, parents) in links {
        let parents: Vec<_> = parents.iter().map(|parent| group_pk(*parent)).collect();
        assert!(directory.set_parents(group_pk(*child), &parents));
    }
    directory
}

/// Returns parent and children of each group, by name.
async fn links(pair: &Pair) -> Vec<(String, Value, Value)> {
    let groups = pair.app.entities("group").await.into_iter();
    groups
        .map(|group| {
            let name = group["metadata"]["name"].as_str().unwrap().to_owned();
            (
                name,
                group["spec"]["parent"].clone(),
                group["spec"]["children"].clone(),
            )
        })
        .collect()
}

/// An expected entry of [`links`].
fn link(name: &str, parent: Option<&str>, children: &[&str]) -> (String, Value, Value) {
    (name.to_owned(), json!(parent), json!(children))
}

#[tokio::test]
async fn both_generations_give_the_same_tree() {
    for release in Release::ALL {
        let names = ["company", "engineering", "backend", "sales"];
        let directory = tree(&names, &[(2, &[1]), (3, &[2]), (4, &[1])]);
        let pair = Pair::spawn(release, directory, |_| ()).await;
        let run = pair.app.sync().await;
        assert_eq!(run["findings"], 0, "{run}");
        let expected = [
            link("backend", Some("engineering"), &[]),
            link("company", None, &["engineering", "sales"]),
            link("engineering", Some("company"), &["backend"]),
            link("sales", Some("company"), &[]),
        ];
        assert_eq!(links(&pair).await, expected, "{release}");
        let company = pair.app.entity("group", "company").await.unwrap();
        assert!(
            company["spec"].get("parent").is_none(),
            "left out at the root, not null"
        );
    }
}

#[tokio::test]
async fn the_first_of_several_parents_by_name_is_the_parent_and_all_list_the_child() {
    let pair = Pair::with(tree(&["zeta", "alpha", "shared"], &[(3, &[1, 2])])).await;
    pair.app.sync().await;
    let expected = [
        link("alpha", None, &["shared"]),
        link("shared", Some("alpha"), &[]),
        link("zeta", None, &["shared"]),
    ];
    assert_eq!(links(&pair).await, expected);
}

#[tokio::test]
async fn the_first_parent_by_name_is_chosen_among_those_that_are_served() {
    let directory = tree(&["zeta", "alpha", "shared"], &[(3, &[1, 2])]);
    let pair = Pair::spawn(Release::V2026_5, directory, |config| {
        config.authentik.exclude_groups = vec!["alpha".into()];
    })
    .await;
    pair.app.sync().await;
    assert_eq!(
        links(&pair).await,
        [
            link("shared", Some("zeta"), &[]),
            link("zeta", None, &["shared"])
        ]
    );
}

#[tokio::test]
async fn a_cycle_is_cut_at_its_last_link_by_pk_and_reported() {
    for release in Release::ALL {
        let directory = tree(&["one", "two", "three"], &[(1, &[2]), (2, &[3]), (3, &[1])]);
        let pair = Pair::spawn(release, directory, |_| ()).await;
        let run = pair.app.sync().await;
        let expected = [
            link("one", Some("two"), &[]),
            link("three", None, &["two"]),
            link("two", Some("three"), &["one"]),
        ];
        assert_eq!(links(&pair).await, expected, "{release}");
        let finding = finding(&run, "hierarchy-cycle");
        assert_eq!(
            (&finding["source"], &finding["pk"]),
            (&json!("three"), &json!(group_pk(3)))
        );
        assert_contains(
            finding["message"].as_str().unwrap(),
            &["\"three\"", "\"one\"", "left out"],
        );
        assert!(finding["remedy"].as_str().unwrap().contains("Authentik"));
    }
}

#[tokio::test]
async fn a_group_that_is_its_own_parent_is_a_root_and_reported() {
    let pair = Pair::with(tree(&["self", "child"], &[(1, &[1]), (2, &[1])])).await;
    let run = pair.app.sync().await;
    assert_eq!(
        links(&pair).await,
        [
            link("child", Some("self"), &[]),
            link("self", None, &["child"])
        ]
    );
    assert!(
        finding(&run, "hierarchy-cycle")["message"]
            .as_str()
            .unwrap()
            .contains("its own parent")
    );
}

#[tokio::test]
async fn only_the_links_that_close_a_cycle_are_cut() {
    // A diamond below the root and two cycles above it.
    let links_of = [(2, &[1][..]), (3, &[1]), (4, &[2, 3]), (1, &[4])];
    let pair = Pair::with(tree(&["top", "left", "right", "bottom"], &links_of)).await;
    let run = pair.app.sync().await;
    let expected = [
        link("bottom", None, &["top"]),
        link("left", Some("top"), &[]),
        link("right", Some("top"), &[]),
        link("top", Some("bottom"), &["left", "right"]),
    ];
    assert_eq!(links(&pair).await, expected);
    assert_eq!(findings(&run, "hierarchy-cycle").len(), 2, "{run}");
}

#[tokio::test]
async fn a_moved_group_has_its_new_parent() {
    let pair = Pair::with(tree(&["old", "new", "team"], &[(3, &[1])])).await;
    pair.app.sync().await;
    pair.fake
        .edit(|directory| directory.set_parents(group_pk(3), &[group_pk(2)]));
    let run = pair.app.sync().await;
    assert_eq!(run["changed"], 3, "{run}");
    let expected = [
        link("new", None, &["team"]),
        link("old", None, &[]),
        link("team", Some("new"), &[]),
    ];
    assert_eq!(links(&pair).await, expected);
}
