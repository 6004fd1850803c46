//! Each list refers to rows of the other one: the service reads a missing row again, then reports
//! it.

use fake_authentik::{
    Access, Action, FakeAuthentik, FakeDirectory, Gate, Release, ScriptStep, Target,
};
use serde_json::{Value, json};

use crate::support::app::Pair;
use crate::support::directory::{assert_contains, crowd, finding, group_pk};

/// A service that reads one page at a time, users first.
async fn one_page_at_a_time(directory: FakeDirectory) -> Pair {
    Pair::spawn(Release::V2026_5, directory, |config| {
        config.service.page_size = 10;
        config.service.concurrency = 1;
        // The shrink guard would hold most of these snapshots.
        config.service.shrink_guard.enabled = false;
    })
    .await
}

/// A directory of 35 users, 34 of them in a group; the token may view three users and no group.
async fn filtered(users: bool, groups: bool) -> Pair {
    let pair = one_page_at_a_time(crowd(35)).await;
    let every_user = pair
        .fake
        .edit(|directory| directory.users().iter().map(|user| user.pk).collect());
    pair.fake.grant(
        FakeAuthentik::TOKEN,
        Access::ObjectLevel {
            users: if users { [1, 2, 3].into() } else { every_user },
            groups: if groups {
                [].into()
            } else {
                [group_pk(1)].into()
            },
        },
    );
    pair
}

/// Syncs and returns the run and the number of requests to the lists of users and groups.
async fn counted(pair: &Pair) -> (Value, u64, u64) {
    let before = pair.fake.counters();
    let run = pair.app.sync().await;
    let after = pair.fake.counters();
    (
        run,
        after.user_lists - before.user_lists,
        after.group_lists - before.group_lists,
    )
}

#[tokio::test]
async fn hidden_users_are_a_finding_that_names_the_permission() {
    let pair = filtered(true, false).await;
    let run = pair.app.sync().await;
    let finding = finding(&run, "hidden-users");
    assert_contains(
        finding["message"].as_str().unwrap(),
        &["31 users", "pk 4, 5, 6"],
    );
    assert_contains(
        finding["remedy"].as_str().unwrap(),
        &["global permission `view_user`"],
    );
    let everyone = pair.app.entity("group", "everyone").await.unwrap();
    assert_eq!(
        everyone["spec"]["members"],
        json!(["user-1", "user-2", "user-3"])
    );
}

#[tokio::test]
async fn hidden_groups_are_a_finding_that_names_the_permission() {
    let pair = filtered(false, true).await;
    let run = pair.app.sync().await;
    let finding = finding(&run, "hidden-groups");
    assert_contains(
        finding["message"].as_str().unwrap(),
        &["1 group, pk", &group_pk(1).to_string()],
    );
    assert_contains(
        finding["remedy"].as_str().unwrap(),
        &["global permission `view_group`"],
    );
    assert_eq!(run["users"], 35);
}

#[tokio::test]
async fn known_differences_do_not_cost_a_second_crawl_in_later_runs() {
    for (users, groups, pages) in [(true, false, 1), (false, true, 5), (true, true, 1)] {
        let pair = filtered(users, groups).await;
        let (first, _, of_groups) = counted(&pair).await;
        assert!(
            of_groups > 1,
            "the difference is read again before it is reported"
        );
        for _ in 0..2 {
            let (run, of_users, of_groups) = counted(&pair).await;
            assert_eq!(
                (of_users, of_groups),
                (pages, 1),
                "users {users} groups {groups}"
            );
            assert_eq!(run["findingList"], first["findingList"]);
        }
    }
}

#[tokio::test]
async fn a_new_difference_is_read_again_although_others_are_known() {
    let pair = filtered(true, false).await;
    pair.app.sync().await;
    let add = |directory: &mut FakeDirectory| {
        let late = directory.add_user("late");
        assert!(directory.add_member(group_pk(1), late));
    };
    pair.fake
        .script(ScriptStep::at(Target::Groups, Action::before(add)));
    let (run, of_users, of_groups) = counted(&pair).await;
    assert!(of_users > 1 && of_groups > 1);
    assert_contains(
        finding(&run, "hidden-users")["message"].as_str().unwrap(),
        &["32 users"],
    );
}

#[tokio::test]
async fn a_user_added_to_a_group_during_the_crawl_is_served_as_its_member() {
    let pair = Pair::spawn(Release::V2026_5, crowd(35), |config| {
        config.service.page_size = 10;
        config.service.concurrency = 2;
    })
    .await;
    // The group list is answered after the last page of users, the fifth request.
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Groups, Action::gate(&gate)));
    let add = move |directory: &mut FakeDirectory| {
        let late = directory.add_user("late");
        assert!(directory.add_member(group_pk(1), late));
        gate.open();
    };
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::after(add)).nth(5));
    let run = pair.app.sync().await;
    assert_eq!(run["findings"], 0, "{run}");
    let everyone = pair.app.entity("group", "everyone").await.unwrap();
    assert!(
        everyone["spec"]["members"]
            .as_array()
            .unwrap()
            .contains(&json!("late")),
        "{everyone}"
    );
    assert_eq!(
        pair.fake.counters().user_lists,
        6,
        "five pages, and the end of the list again, which has the new user"
    );
}

#[tokio::test]
async fn a_group_deleted_during_the_crawl_is_no_hidden_group() {
    let pair = one_page_at_a_time(crowd(5)).await;
    let delete = |directory: &mut FakeDirectory| assert!(directory.remove_group(group_pk(1)));
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::after(delete)));
    let run = pair.app.sync().await;
    assert_eq!(
        (&run["findings"], &run["groups"]),
        (&json!(0), &json!(0)),
        "{run}"
    );
    let user = pair.app.entity("user", "user-1").await.unwrap();
    assert_eq!(user["spec"]["memberOf"], json!([]));
}

/// A service whose user list is answered after an edit that follows the group list.
async fn edited_between_the_lists(edit: fn(&mut FakeDirectory)) -> Pair {
    let pair = Pair::with(crowd(5)).await;
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let edit = move |directory: &mut FakeDirectory| {
        edit(directory);
        gate.open();
    };
    pair.fake
        .script(ScriptStep::at(Target::Groups, Action::after(edit)));
    pair
}

#[tokio::test]
async fn a_user_who_joins_a_group_after_it_was_read_is_served_as_its_member() {
    let join = |directory: &mut FakeDirectory| {
        let late = directory.add_user("late");
        assert!(directory.add_member(group_pk(1), late));
    };
    let pair = edited_between_the_lists(join).await;
    let (run, of_users, of_groups) = counted(&pair).await;
    assert_eq!(
        (&run["users"], &run["findings"], of_users, of_groups),
        (&json!(6), &json!(0), 1, 2),
        "{run}"
    );
    let late = pair.app.entity("user", "late").await.unwrap();
    assert_eq!(late["spec"]["memberOf"], json!(["everyone"]));
}

#[tokio::test]
async fn a_user_deleted_during_the_crawl_is_no_hidden_user() {
    let pair = edited_between_the_lists(|directory| assert!(directory.remove_user(2))).await;
    let (run, _, of_groups) = counted(&pair).await;
    assert_eq!(
        (&run["findings"], &run["users"], of_groups),
        (&json!(0), &json!(4), 2),
        "{run}"
    );
    let everyone = pair.app.entity("group", "everyone").await.unwrap();
    assert_eq!(
        everyone["spec"]["members"],
        json!(["user-1", "user-3", "user-4"])
    );
}

#[tokio::test]
async fn a_group_added_during_the_crawl_costs_only_the_cheap_list() {
    let add = |directory: &mut FakeDirectory| {
        let late = directory.add_group("late");
        assert!(directory.add_member(late, 5));
    };
    let pair = edited_between_the_lists(add).await;
    let (run, of_users, of_groups) = counted(&pair).await;
    assert_eq!(
        (&run["findings"], of_users, of_groups),
        (&json!(0), 1, 2),
        "{run}"
    );
    let user = pair.app.entity("user", "user-5").await.unwrap();
    assert_eq!(user["spec"]["memberOf"], json!(["late"]));
}
