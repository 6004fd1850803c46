//! Scripted faults and changes, and the record of requests.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use fake_authentik::{
    Action, CannedAnswer, Cost, FakeAuthentik, FakeDirectory, Gate, Release, ScriptStep, Target,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::Service;

use super::{rows, sixty_users};

const USERS: &str = "/api/v3/core/users/?ordering=pk";
const VERSION: &str = "/api/v3/admin/version/";

#[tokio::test]
async fn a_canned_answer_is_given_once_unless_said_otherwise() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let starting = CannedAnswer {
        status: StatusCode::SERVICE_UNAVAILABLE,
        headers: vec![("retry-after".into(), "5".into())],
        body: br#"{"error":"authentik starting"}"#.to_vec(),
    };
    fake.script(ScriptStep::at(Target::Users, Action::Answer(starting)));
    fake.script(
        ScriptStep::at(
            Target::Groups,
            Action::answer(StatusCode::BAD_GATEWAY, "{}"),
        )
        .always(),
    );
    let first = server.get(USERS).send().await.unwrap();
    assert_eq!(
        (first.status().as_u16(), &first.headers()["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    assert_eq!(server.get(USERS).send().await.unwrap().status(), 200);
    for _ in 0..3 {
        assert_eq!(
            server
                .get("/api/v3/core/groups/")
                .send()
                .await
                .unwrap()
                .status(),
            502
        );
    }
    fake.clear_script();
    assert_eq!(
        server
            .get("/api/v3/core/groups/")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_step_can_name_a_page_a_turn_and_a_number_of_times() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let busy = || Action::answer(StatusCode::BAD_GATEWAY, "{}");
    fake.script(
        ScriptStep::at(Target::Users, busy())
            .page(2)
            .nth(2)
            .times(2),
    );
    fake.script(ScriptStep::at(
        Target::Path("/api/v3/core/nonsense/".into()),
        busy(),
    ));
    let mut statuses = Vec::new();
    for page in [1, 2, 1, 2, 2, 2] {
        statuses.push(
            server
                .get(&format!("{USERS}&page={page}"))
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
        );
    }
    assert_eq!(statuses, [200, 200, 200, 502, 502, 200]);
    assert_eq!(
        server
            .get("/api/v3/core/nonsense/")
            .send()
            .await
            .unwrap()
            .status(),
        502
    );
}

#[tokio::test]
async fn a_cut_body_breaks_after_the_bytes() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    fake.script(ScriptStep::at(Target::Users, Action::Cut(1000)));
    fake.script(ScriptStep::at(
        Target::Users,
        Action::after(|directory| assert!(directory.remove_user(2))),
    ));
    let mut response = server.get(USERS).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.content_length().unwrap() > 1000);
    let mut received = 0;
    let broken = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => received += bytes.len(),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert_eq!((received, broken), (1000, true));
    assert_eq!(fake.edit(|directory| directory.users().len()), 59);
}

#[tokio::test]
async fn a_dropped_connection_gives_no_answer() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    fake.script(ScriptStep::at(Target::Anywhere, Action::Drop));
    assert!(server.get(USERS).send().await.is_err());
    assert_eq!(server.get(USERS).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_redirect_points_elsewhere() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    fake.script(ScriptStep::at(
        Target::Version,
        Action::redirect("https://sso.example.com/login"),
    ));
    let response = server.get(VERSION).send().await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(
        response.headers()["location"],
        "https://sso.example.com/login"
    );
}

#[tokio::test]
async fn a_deletion_between_two_pages_loses_a_row() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let pks: Vec<u64> =
        fake.edit(|directory| directory.users().iter().map(|user| user.pk).collect());
    let first = pks[0];
    let edit = move |directory: &mut FakeDirectory| assert!(directory.remove_user(first));
    fake.script(ScriptStep::at(Target::Users, Action::before(edit)).page(2));
    let mut seen = Vec::new();
    for page in 1..=3 {
        let page = server.json(&format!("{USERS}&page={page}")).await;
        seen.extend(rows(&page).iter().map(|row| row["pk"].as_u64().unwrap()));
    }
    assert!(
        !seen.contains(&pks[20]),
        "the row that moved to the first page is lost"
    );
    assert_eq!(seen.len(), 59);
}

#[tokio::test]
async fn an_edit_after_answering_shows_in_the_next_answer() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    fake.script(ScriptStep::at(
        Target::Users,
        Action::after(|directory| {
            directory.add_user("late");
        }),
    ));
    assert_eq!(server.json(USERS).await["pagination"]["count"], 60);
    assert_eq!(server.json(USERS).await["pagination"]["count"], 61);
}

#[tokio::test]
async fn a_body_can_be_rewritten() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let lie = |mut page: Value| {
        page["pagination"]["next"] = json!(1);
        page
    };
    fake.script(ScriptStep::at(Target::Users, Action::rewrite(lie)).always());
    let page = server.json(&format!("{USERS}&page=3")).await;
    assert_eq!(
        (&page["pagination"]["next"], rows(&page).len()),
        (&json!(1), 20)
    );
}

#[tokio::test]
async fn a_gate_holds_a_request_until_it_opens() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let gate = Gate::new();
    fake.script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    let request = tokio::spawn(server.get(USERS).send());
    gate.waiting(1).await;
    assert_eq!(fake.counters().in_flight, 1);
    fake.edit(|directory| directory.add_user("late"));
    gate.open();
    let body = request.await.unwrap().unwrap().text().await.unwrap();
    assert!(body.contains(r#""count":61"#));
}

#[tokio::test]
async fn a_worker_that_is_recycled_fails_what_is_in_flight() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let gate = Gate::new();
    fake.recycle_every(3);
    fake.script(ScriptStep::at(Target::Users, Action::gate(&gate)).times(2));
    let waiting = [(); 2].map(|()| tokio::spawn(server.get(USERS).send()));
    gate.waiting(2).await;
    assert_eq!(fake.recycled(), 0);
    let last = server.get(VERSION).send().await.unwrap();
    let [one, two] = waiting;
    for answer in [
        one.await.unwrap().unwrap(),
        two.await.unwrap().unwrap(),
        last,
    ] {
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(answer.status(), 500);
        assert_eq!(
            (header("content-type"), header("connection")),
            ("text/plain".to_owned(), "close".to_owned())
        );
        assert_eq!(answer.text().await.unwrap(), "Internal Server Error");
    }
    assert_eq!(fake.recycled(), 1);
    assert_eq!(server.get(USERS).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_hanging_request_ends_when_the_client_gives_up() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    let gate = Gate::new();
    fake.script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    fake.script(ScriptStep::at(Target::Users, Action::Hang));
    let request = tokio::spawn(server.get(USERS).send());
    gate.waiting(1).await;
    gate.open();
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert_eq!(server.get(USERS).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_hanging_request_is_let_go_when_the_server_stops() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    fake.script(ScriptStep::at(Target::Users, Action::Hang));
    let request = tokio::spawn(server.get(USERS).send());
    fake.reached(1).await;
    drop(server);
    assert!(request.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn answers_cost_time_for_each_user() {
    let cost = Cost {
        latency: Duration::from_millis(20),
        per_user: Duration::from_millis(7),
        workers: Some(1),
    };
    let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(60)).with_cost(cost);
    assert_eq!(
        time_of(&fake, "/api/v3/core/users/?page_size=10").await,
        Duration::from_millis(90)
    );
    assert_eq!(
        time_of(&fake, "/api/v3/core/groups/").await,
        Duration::from_millis(20)
    );
    fake.set_cost(Cost::default());
    fake.script(ScriptStep::at(
        Target::Version,
        Action::Delay(Duration::from_secs(3)),
    ));
    assert_eq!(time_of(&fake, VERSION).await, Duration::from_secs(3));
}

/// Measures an answer on the paused clock, in whole milliseconds.
async fn time_of(fake: &FakeAuthentik, path: &str) -> Duration {
    let authorization = format!("Bearer {}", FakeAuthentik::TOKEN);
    let request = Request::get(path)
        .header("authorization", authorization)
        .body(Body::empty())
        .unwrap();
    let begun = Instant::now();
    assert_eq!(fake.router().call(request).await.unwrap().status(), 200);
    Duration::from_millis(u64::try_from(begun.elapsed().as_millis()).unwrap())
}

#[tokio::test]
async fn requests_are_recorded_and_counted() {
    let (fake, server) = sixty_users(Release::V2026_5).await;
    server
        .get("/api/v3/core/users/?page=2&page_size=15")
        .header("accept-language", "en")
        .send()
        .await
        .unwrap();
    server.json("/api/v3/core/groups/").await;
    server.json(VERSION).await;
    let seen = fake.requests();
    assert_eq!(
        (seen[0].path.as_str(), seen[0].parameter("page").as_deref()),
        ("/api/v3/core/users/", Some("2"))
    );
    assert_eq!(seen[0].header("accept-language"), Some("en"));
    let counters = fake.counters();
    assert_eq!(
        (counters.requests, counters.user_lists, counters.group_lists),
        (3, 1, 1)
    );
    assert_eq!((counters.user_rows, counters.group_rows), (15, 12));
    assert!(counters.max_in_flight >= 1);
}
