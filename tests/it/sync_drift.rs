//! A directory that changes during a full sync: no row is lost, none appears twice.
//!
//! One request at a time and pages of ten make the order of requests deterministic. The users are
//! in no group, so that no membership reveals a lost row.

mod edits;
mod history;
mod proof;

use std::collections::BTreeMap;

use fake_authentik::{
    Action, FakeAuthentik, FakeDirectory, FakeGroup, FakeUser, Release, ScriptStep, Target,
};
use serde_json::Value;

use crate::support::app::Pair;
use crate::support::directory::{directory, failure, group_pk};

/// Users `u-1` to `u-N` in no group, and as many groups without members.
fn users_without_groups(rows: u64) -> FakeDirectory {
    let mut directory = directory(&[], &[]);
    for pk in 1..=rows {
        directory.insert_user(FakeUser::new(pk * 10, &format!("u-{pk:03}")));
        directory.insert_group(FakeGroup::new(
            group_pk(u128::from(pk) * 10),
            &format!("g-{pk:03}"),
        ));
    }
    directory
}

/// A service that reads one page at a time.
async fn one_page_at_a_time(directory: FakeDirectory) -> Pair {
    Pair::spawn(Release::V2026_5, directory, |config| {
        config.service.page_size = 10;
        config.service.concurrency = 1;
    })
    .await
}

/// The name of each row of a kind, by pk.
type Named = BTreeMap<String, String>;

/// Returns the fake Authentik's users and groups.
fn present(fake: &FakeAuthentik) -> [Named; 2] {
    fake.edit(|directory| {
        let users = directory
            .users()
            .iter()
            .map(|user| (user.pk.to_string(), user.username.clone()));
        let groups = directory
            .groups()
            .iter()
            .map(|group| (group.pk.to_string(), group.name.clone()));
        [users.collect(), groups.collect()]
    })
}

/// Returns the served entities of a kind.
async fn served(pair: &Pair, kind: &str) -> Named {
    let entities = pair.app.entities(kind).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let named = entities.iter().map(|entity| {
        let metadata = &entity["metadata"];
        (
            text(&metadata["annotations"]["authentik.goauthentik.io/pk"]),
            text(&metadata["name"]),
        )
    });
    let by_pk: Named = named.collect();
    assert_eq!(by_pk.len(), entities.len(), "a row is served twice");
    by_pk
}

/// Syncs and calls [`assert_served`].
async fn assert_present(pair: &Pair, what: &str) -> Value {
    let before = present(&pair.fake);
    let run = pair.app.sync().await;
    assert_eq!(run["state"], "succeeded", "{what}: {run}");
    assert_served(pair, &before, what).await;
    run
}

/// Asserts that every row present during the whole run is served, that no unknown row is, and that
/// each equals its state at some moment of the run.
async fn assert_served(pair: &Pair, before: &[Named; 2], what: &str) {
    let after = present(&pair.fake);
    for (at, kind) in ["user", "group"].into_iter().enumerate() {
        let (before, after, served) = (&before[at], &after[at], served(pair, kind).await);
        for pk in before.keys().filter(|pk| after.contains_key(*pk)) {
            assert!(served.contains_key(pk), "{what}: {kind} {pk} is lost");
        }
        for (pk, name) in &served {
            let states = [before.get(pk), after.get(pk)];
            let was_never = states == [None, None] && !name.starts_with("new-");
            assert!(!was_never, "{what}: {kind} {pk} was never there");
            let known = states.contains(&Some(name)) || name.starts_with("new-");
            assert!(known, "{what}: {kind} {pk} was never {name}: {states:?}");
        }
    }
}

/// Syncs with an edit right before the answer for one page of a list.
async fn edited_before(list: Target, page: usize, rows: u64, edit: fn(&mut FakeDirectory)) -> Pair {
    let pair = one_page_at_a_time(users_without_groups(rows)).await;
    let what = format!("{list:?} page {page} of {rows} rows");
    pair.fake
        .script(ScriptStep::at(list, Action::before(edit)).page(page));
    let run = assert_present(&pair, &what).await;
    assert_eq!(run["findings"], 0, "{run}");
    pair
}

#[tokio::test]
async fn a_user_added_between_pages_hides_no_other() {
    for rows in [29, 30, 31] {
        for page in 2..=3 {
            edited_before(Target::Users, page, rows, |directory| {
                directory.add_user("late");
            })
            .await;
        }
    }
}

#[tokio::test]
async fn many_users_added_at_once_hide_no_other() {
    edited_before(Target::Users, 3, 25, |directory| {
        for number in 0..40 {
            directory.add_user(&format!("late-{number:02}"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_deleted_between_pages_hides_no_other() {
    for rows in [21_u64, 30, 31, 35] {
        for page in 2..=rows.div_ceil(10) {
            edited_before(
                Target::Users,
                usize::try_from(page).unwrap(),
                rows,
                |directory| {
                    assert!(directory.remove_user(10));
                },
            )
            .await;
        }
    }
}

#[tokio::test]
async fn a_user_deleted_and_one_added_between_the_same_pages_hide_no_other() {
    for page in 2..=4 {
        edited_before(Target::Users, page, 35, |directory| {
            assert!(directory.remove_user(20) && directory.add_user("late") > 0);
        })
        .await;
    }
}

#[tokio::test]
async fn users_added_and_deleted_around_the_last_page_hide_no_other() {
    let pair = one_page_at_a_time(users_without_groups(20)).await;
    let add = |directory: &mut FakeDirectory| {
        for number in 0..7 {
            directory.add_user(&format!("late-{number}"));
        }
    };
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::after(add)).page(1));
    let delete = |directory: &mut FakeDirectory| assert!(directory.remove_user(110));
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::after(delete)).page(2));
    assert_present(&pair, "the list shrinks below the last page").await;
}

#[tokio::test]
async fn a_user_whose_lower_pk_appears_late_hides_no_other() {
    for page in 1..=3 {
        let pair = one_page_at_a_time(users_without_groups(35)).await;
        let commit =
            |directory: &mut FakeDirectory| directory.insert_user(FakeUser::new(15, "late"));
        pair.fake.script(
            ScriptStep::at(Target::Users, Action::before(commit))
                .page(page)
                .nth(1 + u64::from(page == 1)),
        );
        assert_present(&pair, "a sequence's number is taken before the commit").await;
    }
}

#[tokio::test]
async fn groups_deleted_and_added_at_once_hide_no_other() {
    for page in 1..=4 {
        for (deleted, added) in [(350, 105), (10, 5), (200, 9999), (105, 355)] {
            let pair = one_page_at_a_time(users_without_groups(35)).await;
            let edit = move |directory: &mut FakeDirectory| {
                directory.remove_group(group_pk(deleted));
                directory.insert_group(FakeGroup::new(group_pk(added), "new"));
            };
            pair.fake
                .script(ScriptStep::at(Target::Groups, Action::before(edit)).page(page));
            assert_present(
                &pair,
                &format!("{deleted} goes and {added} comes before page {page}"),
            )
            .await;
        }
    }
}

#[tokio::test]
async fn users_deleted_and_added_between_pages_hide_no_other() {
    let pair = one_page_at_a_time(users_without_groups(35)).await;
    let delete = |directory: &mut FakeDirectory| assert!(directory.remove_user(20));
    let add = |directory: &mut FakeDirectory| assert!(directory.add_user("late") > 0);
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::before(delete)).page(2));
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::before(add)).page(3));
    assert_present(&pair, "the count ends where it began").await;
}

#[tokio::test]
async fn a_user_renamed_between_pages_is_served_once() {
    for page in 2..=4 {
        let pair = one_page_at_a_time(users_without_groups(35)).await;
        let rename = |directory: &mut FakeDirectory| assert!(directory.rename(350, "a-new-name"));
        pair.fake
            .script(ScriptStep::at(Target::Users, Action::before(rename)).page(page));
        let run = assert_present(&pair, "renamed to the front").await;
        assert_eq!(
            (&run["users"], pair.fake.counters().user_lists),
            (&35.into(), 5)
        );
    }
}

#[tokio::test]
async fn a_group_added_between_pages_is_served_at_any_offset() {
    for page in 2..=4 {
        edited_before(Target::Groups, page, 35, |directory| {
            directory.insert_group(FakeGroup::new(group_pk(5), "first-of-all"));
        })
        .await;
        edited_before(Target::Groups, page, 35, |directory| {
            directory.insert_group(FakeGroup::new(group_pk(9999), "last-of-all"));
        })
        .await;
    }
}

#[tokio::test]
async fn a_group_deleted_between_pages_hides_no_other() {
    for rows in [21, 35] {
        edited_before(Target::Groups, 3, rows, |directory| {
            assert!(directory.remove_group(group_pk(10)));
        })
        .await;
    }
}

#[tokio::test]
async fn a_group_renamed_between_pages_is_served_once() {
    edited_before(Target::Groups, 3, 35, |directory| {
        assert!(directory.rename_group(group_pk(350), "a-new-name"));
    })
    .await;
}

#[tokio::test]
async fn an_insert_costs_no_second_crawl() {
    let pair = edited_before(Target::Users, 2, 35, |directory| {
        directory.add_user("late");
    })
    .await;
    let counters = pair.fake.counters();
    assert_eq!(counters.user_lists, 5, "{counters:?}");
}

#[tokio::test]
async fn a_gap_is_read_again_and_not_the_list() {
    for (deleted, more) in [(1, 0..=1), (5, 1..=4), (9, 1..=6)] {
        let pair = one_page_at_a_time(users_without_groups(95)).await;
        pair.app.sync().await;
        let pages = pair.fake.counters().user_lists;
        let delete = move |directory: &mut FakeDirectory| {
            (1..=deleted).for_each(|row| assert!(directory.remove_user(row * 10)));
        };
        pair.fake
            .script(ScriptStep::at(Target::Users, Action::before(delete)).nth(6));
        assert_present(&pair, &format!("{deleted} are deleted")).await;
        let requests = pair.fake.counters().user_lists - 2 * pages;
        assert!(
            more.contains(&requests) && 2 * requests < pages,
            "{requests} more than {pages} for {deleted}"
        );
    }
}

#[tokio::test]
async fn one_delete_for_ten_pages_costs_no_second_crawl() {
    let pair = Pair::with(users_without_groups(3_000)).await;
    pair.app.sync().await;
    let pages = pair.fake.counters().user_lists;
    assert!(pages < 40, "{pages} pages");
    let mut answers = 0;
    let delete = move |directory: &mut FakeDirectory| {
        answers += 1;
        if answers % 10 == 0 {
            assert!(directory.remove_user(answers));
        }
    };
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::before(delete)).always());
    assert_present(&pair, "a user is deleted every ten pages").await;
    assert_eq!(pair.fake.counters().user_lists, 2 * pages);
}

#[tokio::test]
async fn an_unstable_directory_fails_the_run_and_keeps_the_catalog() {
    let pair = one_page_at_a_time(users_without_groups(35)).await;
    pair.app.sync().await;
    let mut next = 0;
    let churn = move |directory: &mut FakeDirectory| {
        next += 10;
        directory.remove_user(next);
    };
    pair.fake.script(
        ScriptStep::at(Target::Users, Action::before(churn))
            .page(2)
            .always(),
    );
    let run = pair.app.sync().await;
    assert_eq!(failure(&run).0, "incomplete");
    assert_eq!(pair.app.names("user").await.len(), 35);
}
