//! The guide's table of errors contains the messages of a real Backstage.

use std::collections::BTreeSet;

use fake_authentik::{FakeAuthentik, FakeDirectory};
use serde_json::json;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::service::Service;
use crate::support::wait::wait_until;

const GUIDE: &str = include_str!("../../docs/backstage.md");
/// A port without a listener: only the system may open it.
const UNREACHABLE: &str = "http://127.0.0.1:9/entities";

/// Returns the messages of the guide; an ellipsis matches any text.
fn messages() -> BTreeSet<&'static str> {
    let (_, section) = GUIDE.split_once("\n## Errors in Backstage\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    section
        .lines()
        .filter_map(|row| row.strip_prefix("| `")?.split('`').next())
        .collect()
}

/// Returns true if a line contains a message of the guide.
fn says(line: &str, message: &str) -> bool {
    let mut rest = Some(line);
    for part in message.split('…') {
        rest = rest.and_then(|rest| Some(rest.split_once(part)?.1));
    }
    rest.is_some()
}

/// Returns the messages of the guide that a Backstage has given.
async fn given(backstage: &Backstage) -> BTreeSet<&'static str> {
    let (errors, log) = (backstage.database.errors().await, backstage.log());
    let lines: Vec<_> = errors
        .values()
        .map(String::as_str)
        .chain(log.lines())
        .collect();
    messages()
        .into_iter()
        .filter(|message| lines.iter().any(|line| says(line, message)))
        .collect()
}

/// A group whose name Backstage rejects and `names: npm-module` does not repair.
fn refused() -> FakeDirectory {
    let mut directory = FakeDirectory::default();
    let (group, user) = (directory.add_group("-refused"), directory.add_user("ann"));
    assert!(directory.add_member(group, user));
    directory
}

#[tokio::test]
async fn every_message_of_the_guide_is_one_that_backstage_gives() {
    let authentik = Authentik::spawn(refused()).await;
    let with = async |more: &[(&str, &str)]| {
        Service::with(&authentik.base, FakeAuthentik::TOKEN, more).await
    };
    let empty = with(&[]).await;
    let closed = with(&[(
        "ENTITY_PROVIDER_AUTH_READ_TOKENS",
        "a-read-token-of-32-characters-for-tests",
    )])
    .await;
    let full = with(&[(
        "ENTITY_PROVIDER_PUBLIC_URL",
        "http://elsewhere.example.com:8080",
    )])
    .await;
    full.sync().await;
    let at = |service: &Service, path: &str| format!("{}{path}", service.base);
    let targets = vec![
        UNREACHABLE.to_owned(),
        at(&empty, "/entities"),
        at(&closed, "/entities"),
        at(&empty, "/nothing"),
        at(&full, "/entities?what=that"),
        at(&full, "/entities?format=json"),
        at(&full, "/entities"),
        at(&full, "/entities?kind=user"),
        at(&full, "/locations?shards=1"),
    ];
    let broad = Backstage::spawn(&Setup {
        targets,
        ..Setup::default()
    })
    .await;
    let narrow = Setup {
        kinds: Some(json!(["Group"])),
        ..Setup::patient(&full.entities_url())
    };
    let narrow = Backstage::spawn(&narrow).await;

    assert!(messages().len() >= 10, "the guide lists errors");
    wait_until("every message", async || {
        let given: BTreeSet<_> = given(&broad)
            .await
            .union(&given(&narrow).await)
            .copied()
            .collect();
        let missing: Vec<_> = messages().difference(&given).copied().collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("never given: {missing:#?}"))
        }
    })
    .await;
}
