//! `--output json`: its documented shape.

use fake_authentik::{Access, FakeAuthentik, Release};
use serde_json::{Value, json};

use super::{check, small};
use crate::support::replay::{OBJECT_LEVEL, Replay};

async fn report(base: &str, token: &str) -> (Option<i32>, Value) {
    let ended = check(base, token, &["--format", "json"]).await;
    (
        ended.status.code(),
        serde_json::from_str(&ended.out).unwrap(),
    )
}

#[tokio::test]
async fn the_json_report_is_one_object() {
    let replay = Replay::spawn("2026.5").await;
    let (status, report) = report(&replay.base, OBJECT_LEVEL).await;
    assert_eq!((status, &report["status"]), (Some(1), &json!("failed")));
    let text = serde_json::to_string_pretty(&report).unwrap();
    insta::assert_snapshot!(
        "json",
        text.replace(&replay.base, "https://authentik.example.com")
    );
}

#[tokio::test]
async fn every_fault_has_a_code_and_a_remedy() {
    let (fake, authentik) = small(Release::V2026_5).await;
    for (token, access) in [
        ("nothing", Access::NoPermission),
        ("users", Access::ViewUserOnly),
        ("groups", Access::ViewGroupOnly),
        ("empty-user-list", Access::InternalServiceAccount),
    ] {
        fake.grant(token, access);
        let (status, report) = report(&authentik.base, token).await;
        assert_eq!(status, Some(1), "{report}");
        let steps = report["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 10, "{report}");
        for step in steps
            .iter()
            .filter(|step| ["warning", "failed"].contains(&step["status"].as_str().unwrap()))
        {
            assert!(
                step["code"].is_string() && step["remedy"].is_string(),
                "{step}"
            );
        }
    }
}

#[tokio::test]
async fn each_permission_has_its_entry() {
    let (fake, authentik) = small(Release::V2026_5).await;
    for (access, user, group) in [
        (Access::NoPermission, "failed", "failed"),
        (Access::ViewUserOnly, "ok", "failed"),
        (Access::ViewGroupOnly, "failed", "ok"),
        (Access::Full, "ok", "ok"),
    ] {
        fake.grant(FakeAuthentik::TOKEN, access);
        let (_, report) = report(&authentik.base, FakeAuthentik::TOKEN).await;
        let status = |name: &str| {
            let steps = report["steps"].as_array().unwrap();
            steps.iter().find(|step| step["step"] == name).unwrap()["status"].clone()
        };
        assert_eq!(
            (status("view-user"), status("view-group")),
            (user.into(), group.into()),
            "{report}"
        );
    }
}
