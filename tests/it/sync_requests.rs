//! Requests to Authentik: the cheapest queries, the same headers, limited concurrency.

use std::collections::BTreeSet;

use fake_authentik::{Action, FakeAuthentik, Gate, Release, ScriptStep, Target};

use crate::support::app::Pair;
use crate::support::directory::crowd;

/// A service that reads 45 users in pages of ten.
async fn small_pages(release: Release, concurrency: usize) -> Pair {
    Pair::spawn(release, crowd(45), |config| {
        config.service.page_size = 10;
        config.service.concurrency = concurrency;
    })
    .await
}

#[tokio::test]
async fn pages_and_overlaps_are_requested_once_with_the_cheapest_query() {
    for release in Release::ALL {
        let pair = small_pages(release, 4).await;
        pair.app.sync().await;
        let requested: BTreeSet<_> = pair
            .fake
            .requests()
            .into_iter()
            .map(|request| format!("{}?{}", request.path, request.query))
            .collect();
        let users = |(page, size)| {
            format!(
                "/api/v3/core/users/?page={page}&page_size={size}&ordering=pk&include_groups=false"
            )
        };
        // Rows 1 to 10, 10 to 18, 17 to 24, 21 to 30, 28 to 36, 36 to 42, 41 to 45.
        let pages = [(1, 10), (2, 9), (3, 8), (3, 10), (4, 9), (6, 7), (5, 10)];
        let groups = "/api/v3/core/groups/?page=1&page_size=10&ordering=pk\
                      &include_users=false&include_children=true&include_parents=true";
        let version = "/api/v3/admin/version/?";
        let requested_pages = pages
            .into_iter()
            .map(users)
            .chain([groups.to_owned(), version.to_owned()]);
        assert_eq!(requested, requested_pages.collect::<BTreeSet<_>>());
        assert_eq!(
            pair.fake.counters().requests,
            9,
            "the first answer has the time, the next one the end of the list"
        );
    }
}

#[tokio::test]
async fn every_request_has_the_token_and_requests_english() {
    let pair = small_pages(Release::V2026_5, 4).await;
    pair.app.sync().await;
    pair.fake.revoke(FakeAuthentik::TOKEN);
    pair.app.sync().await;
    let requests = pair.fake.requests();
    assert!(
        requests
            .iter()
            .any(|request| request.path.ends_with("/version/"))
    );
    for request in requests {
        let token = format!("Bearer {}", FakeAuthentik::TOKEN);
        assert_eq!(
            request.header("authorization"),
            Some(token.as_str()),
            "{request:?}"
        );
        assert_eq!(request.header("accept-language"), Some("en"), "{request:?}");
        assert_eq!(
            request.header("accept"),
            Some("application/json"),
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn both_lists_are_fetched_at_once() {
    let pair = small_pages(Release::V2026_5, 4).await;
    let gate = Gate::new();
    for list in [Target::Users, Target::Groups] {
        pair.fake.script(ScriptStep::at(list, Action::gate(&gate)));
    }
    let (run, ()) = tokio::join!(pair.app.sync(), async {
        gate.waiting(2).await;
        let counters = pair.fake.counters();
        assert_eq!(
            (counters.user_lists, counters.group_lists),
            (1, 1),
            "before any answer was given"
        );
        gate.open();
    });
    assert_eq!(run["users"], 45, "{run}");
}

#[tokio::test]
async fn pages_are_read_in_parallel_within_the_bound() {
    for concurrency in [1, 2, 4] {
        let pair = small_pages(Release::V2026_5, concurrency).await;
        let gate = Gate::new();
        pair.fake.script(
            ScriptStep::at(Target::Users, Action::gate(&gate))
                .nth(3)
                .always(),
        );
        let (run, ()) = tokio::join!(pair.app.sync(), async {
            gate.waiting(concurrency).await;
            gate.open();
        });
        assert_eq!(run["users"], 45, "{run}");
        assert_eq!(pair.fake.counters().max_in_flight, concurrency as u64);
    }
}

#[tokio::test]
async fn the_default_bound_is_four() {
    let pair = Pair::spawn(Release::V2026_5, crowd(45), |config| {
        config.service.page_size = 1;
    })
    .await;
    let gate = Gate::new();
    pair.fake.script(
        ScriptStep::at(Target::Users, Action::gate(&gate))
            .nth(3)
            .always(),
    );
    let (run, ()) = tokio::join!(pair.app.sync(), async {
        gate.waiting(4).await;
        gate.open();
    });
    assert_eq!(run["users"], 45, "{run}");
    assert_eq!(pair.fake.counters().max_in_flight, 4);
}

#[tokio::test]
async fn any_page_cap_gives_the_same_rows() {
    for release in Release::ALL {
        // Without a cap, lower ones than the requested size, and a higher one.
        for (cap, requests) in [(None, 4), (Some(7), 88), (Some(20), 25), (Some(1000), 4)] {
            let pair = Pair::spawn(release, crowd(345), |_| ()).await;
            let fake = pair.fake.clone().with_page_cap(cap);
            let run = pair.app.sync().await;
            assert_eq!(
                (&run["users"], &run["findings"]),
                (&345.into(), &0.into()),
                "{release} {cap:?}: {run}"
            );
            assert_eq!(fake.counters().user_lists, requests, "{release} {cap:?}");
            assert_eq!(run["pages"]["done"], run["pages"]["total"]);
        }
    }
}
