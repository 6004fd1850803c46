//! Answers of a misbehaving server, or of a proxy in front of it.

mod blocked;

use std::io::Write;
use std::time::Duration;

use axum::http::StatusCode;
use fake_authentik::{Action, CannedAnswer, FakeAuthentik, Release, ScriptStep, Target};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::app::{Pair, TestApp, config};
use crate::support::directory::{assert_contains, crowd, failure};

/// A service in front of 45 users on five pages, after one run.
async fn in_pages() -> Pair {
    let pair = Pair::spawn(Release::V2026_5, crowd(45), |config| {
        config.service.page_size = 10;
    })
    .await;
    assert_eq!(pair.app.sync().await["users"], 45);
    pair
}

/// Asserts that a run fails with a code and that the snapshot stays; returns the message.
async fn assert_fails(pair: &Pair, expected: &str) -> String {
    let run = pair.app.sync().await;
    let (code, message) = failure(&run);
    assert_eq!(code, expected, "{message}");
    assert_eq!(pair.app.names("user").await.len(), 45);
    message.to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_read_within_the_request_timeout() {
    let pair = in_pages().await;
    pair.fake.script(
        ScriptStep::at(Target::Users, Action::Trickle(Duration::from_millis(1500))).page(3),
    );
    let run = pair.app.sync().await;
    assert_eq!(
        (&run["users"], &run["changed"]),
        (&45.into(), &0.into()),
        "{run}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_too_slow_or_stalled_body_ends_at_the_request_timeout() {
    for action in [
        Action::Trickle(Duration::from_secs(15)),
        Action::Stall(1),
        Action::Stall(700),
    ] {
        let (pair, name) = (in_pages().await, format!("{action:?}"));
        pair.fake
            .script(ScriptStep::at(Target::Users, action).page(3).always());
        let message = assert_fails(&pair, "request-timeout").await;
        assert_contains(&message, &["page=3", "within 20 s"]);
        pair.fake.clear_script();
        assert_eq!(pair.app.sync().await["state"], "succeeded", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_once_is_requested_again() {
    let pair = in_pages().await;
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::Stall(700)).page(3));
    assert_eq!(pair.app.sync().await["users"], 45);
}

#[tokio::test(start_paused = true)]
async fn a_reset_connection_is_an_error_of_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let resetting = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 64]).await;
            stream.set_zero_linger().unwrap();
        }
    });
    let app = TestApp::spawn(config(&base, FakeAuthentik::TOKEN)).await;
    let run = app.sync().await;
    let (code, message) = failure(&run);
    assert_eq!(code, "connection-broken", "{message}");
    assert_contains(message, &[&base, "scheme"]);
    resetting.abort();
}

#[tokio::test]
async fn a_permission_lost_during_a_full_sync_changes_nothing() {
    let pair = in_pages().await;
    let refused = Action::answer(
        StatusCode::FORBIDDEN,
        r#"{"detail":"You do not have permission."}"#,
    );
    pair.fake
        .script(ScriptStep::at(Target::Users, refused).page(3).always());
    assert_contains(&assert_fails(&pair, "permission").await, &["`view_user`"]);
}

#[tokio::test]
async fn a_small_answer_that_decompresses_to_a_huge_one_is_rejected() {
    let pair = in_pages().await;
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..40 {
        packer.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let body = packer.finish().unwrap();
    assert!(body.len() < 100_000, "{}", body.len());
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let answer = Action::Answer(CannedAnswer {
        status: StatusCode::OK,
        headers,
        body,
    });
    let before = pair.fake.counters().user_lists;
    pair.fake
        .script(ScriptStep::at(Target::Users, answer).page(5).always());
    assert_contains(
        &assert_fails(&pair, "too-large").await,
        &["page=5", "more than 32 MiB"],
    );
    let pages = pair
        .fake
        .requests()
        .iter()
        .filter(|seen| seen.parameter("page").as_deref() == Some("5"))
        .count();
    assert_eq!(
        pages, 2,
        "a good answer and a bad one, which is not retried; {before} before"
    );
}

#[tokio::test]
async fn a_list_that_claims_billions_of_rows_causes_few_requests() {
    for (place, list) in [(Target::Users, "user"), (Target::Groups, "group")] {
        for key in ["count", "total_pages"] {
            let pair = in_pages().await;
            let before = pair.fake.counters().requests;
            let lie = move |mut page: Value| {
                page["pagination"][key] = json!(5_000_000_000_u64);
                page
            };
            pair.fake
                .script(ScriptStep::at(place.clone(), Action::rewrite(lie)).always());
            let message = assert_fails(&pair, "too-large").await;
            assert_contains(
                &message,
                &[&format!("the {list} list claims"), "5000000000"],
            );
            assert!(pair.fake.counters().requests < before + 10);
        }
    }
}

#[tokio::test]
async fn a_list_that_claims_many_pages_is_read_to_its_real_end() {
    for place in [Target::Users, Target::Groups] {
        let pair = in_pages().await;
        let before = pair.fake.counters().requests;
        let lie = |mut page: Value| {
            page["pagination"]["total_pages"] = json!(900_000);
            page
        };
        pair.fake
            .script(ScriptStep::at(place, Action::rewrite(lie)).always());
        assert_fails(&pair, "incomplete").await;
        assert!(
            pair.fake.counters().requests < before + 100,
            "{:?}",
            pair.fake.counters()
        );
    }
}

#[tokio::test]
async fn a_list_that_grows_with_every_page_ends() {
    let pair = in_pages().await;
    let row = pair
        .authentik
        .json("/api/v3/core/users/?page=1&page_size=1&ordering=pk")
        .await["results"][0]
        .take();
    let mut pages = 5_u64;
    let grow = move |_| {
        pages += 1;
        let mut row = row.clone();
        row["pk"] = json!(pages);
        json!({"pagination": {"count": pages, "total_pages": 1000 + pages}, "results": [row]})
    };
    let before = pair.fake.counters().requests;
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::answer(StatusCode::OK, "{}")).always());
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(grow)).always());
    assert_fails(&pair, "incomplete").await;
    assert!(
        pair.fake.counters().requests < before + 500,
        "{:?}",
        pair.fake.counters()
    );
}

#[tokio::test]
async fn a_server_that_ignores_size_and_order_is_read_correctly_or_not_at_all() {
    for shuffled in [false, true] {
        let pair = in_pages().await;
        let mut page = pair
            .authentik
            .json("/api/v3/core/users/?page=1&page_size=100&ordering=pk")
            .await;
        let rows = page["results"].as_array_mut().unwrap();
        if shuffled {
            rows.reverse();
        }
        pair.fake
            .script(ScriptStep::at(Target::Users, Action::answer(StatusCode::OK, "{}")).always());
        pair.fake
            .script(ScriptStep::at(Target::Users, Action::rewrite(move |_| page.clone())).always());
        let run = pair.app.sync().await;
        assert_eq!(
            (&run["users"], &run["changed"]),
            (&45.into(), &0.into()),
            "one page with everything: {run}"
        );
    }
    let pair = in_pages().await;
    let by_name = pair
        .authentik
        .json("/api/v3/core/users/?page=1&page_size=100&ordering=username")
        .await;
    let rows = by_name["results"].as_array().unwrap().clone();
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::answer(StatusCode::OK, "{}")).always());
    let all =
        move |_| json!({"pagination": {"count": 45, "total_pages": 2}, "results": rows[..40]});
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(all)).always());
    assert_fails(&pair, "unordered").await;
}

#[tokio::test]
async fn a_list_that_is_never_in_the_requested_order_is_named() {
    for (place, list) in [(Target::Users, "user"), (Target::Groups, "group")] {
        let pair = in_pages().await;
        pair.fake.edit(|directory| {
            for number in 0..25 {
                directory.add_group(&format!("team-{number}"));
            }
        });
        let turn = |mut page: Value| {
            if let Some(rows) = page["results"].as_array_mut() {
                rows.reverse();
            }
            page
        };
        pair.fake
            .script(ScriptStep::at(place, Action::rewrite(turn)).always());
        let message = assert_fails(&pair, "unordered").await;
        assert_contains(
            &message,
            &[&format!("the {list} list"), "`ordering=pk`", "cache"],
        );
    }
}

#[tokio::test]
async fn a_list_that_is_once_in_another_order_is_read_again() {
    let pair = in_pages().await;
    let turn = |mut page: Value| {
        page["results"].as_array_mut().unwrap().reverse();
        page
    };
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::rewrite(turn)).page(2));
    assert_eq!(pair.app.sync().await["users"], 45);
}
