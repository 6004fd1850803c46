//! Hostile names are plain data in every answer, header, file and log line.

use fake_authentik::FakeDirectory;
use serde_json::Value;
use url::form_urlencoded;

use crate::support::command::Upstream;
use crate::support::process::{Line, Process, get, post};

/// Names that an Authentik user can choose.
const HOSTILE: [&str; 5] = [
    "<script>alert(1)</script>",
    "eve\r\nSet-Cookie: stolen=1\r\n\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
    "../../../etc/passwd",
    "{\"$text\": \"https://evil.example\"}",
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}",
];

/// Each name twice, so that findings contain it.
fn hostile() -> FakeDirectory {
    let mut directory = FakeDirectory::default();
    for name in HOSTILE {
        for spelling in [name.to_owned(), name.to_uppercase()] {
            let pk = directory.add_user("x");
            directory.edit_user(pk, |user| {
                user.username.clone_from(&spelling);
                user.name.clone_from(&spelling);
                user.email.clone_from(&spelling);
                user.avatar.clone_from(&spelling);
            });
            let group = directory.add_group(&spelling);
            assert!(directory.add_member(group, pk));
        }
    }
    directory
}

/// Returns every string in a value, keys included.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(values) => values
            .iter()
            .flat_map(|(key, value)| [&[key.as_str()][..], &texts(value)].concat())
            .collect(),
        _ => Vec::new(),
    }
}

/// Asserts that a body is JSON, as a whole or in lines, in which no name is a key or breaks a line.
fn assert_inert(body: &str, place: &str) {
    assert!(
        !body.contains(|c: char| c.is_ascii_control() && c != '\n'),
        "{place}: {body}"
    );
    let whole = serde_json::from_str(body).map(|value: Value| vec![value]);
    let documents = whole.unwrap_or_else(|_| {
        let lines = body.lines().filter(|line| *line != "---");
        lines
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{place}: {error}: {line}"))
            })
            .collect()
    });
    assert!(
        !documents.iter().flat_map(texts).any(|text| text == "$text"),
        "{place}: {body}"
    );
}

#[tokio::test]
async fn hostile_names_are_data_in_every_answer_and_in_the_log() {
    let upstream = Upstream::spawn(hostile()).await;
    let variables = [
        ("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0"),
        ("ENTITY_PROVIDER_STATE_DIR", "false"),
    ];
    let mut serve = Process::spawn(
        &["serve"],
        &[&upstream.variables()[..], &variables].concat(),
    );
    let service = serve.serving().await;
    let run = post(&format!("{service}/sync?wait=1m")).await;
    assert_eq!(run["state"], "succeeded", "{run}");
    let mut entries = 0;
    loop {
        let line = serve.until(|line| Some(line.clone())).await;
        let Line::Error(text) = line else {
            panic!("{line:?}")
        };
        assert_inert(&text, "the log");
        entries += 1;
        let entry: Value = serde_json::from_str(&text).unwrap();
        assert_ne!(entry["message"], "forged");
        if entry["message"] == "sync succeeded" {
            break;
        }
    }
    assert!(entries > HOSTILE.len(), "the findings were logged");

    let mut paths = vec![
        format!("/sync/{}", run["id"].as_str().unwrap()),
        "/health".into(),
        "/sync".into(),
    ];
    paths.extend(["yaml", "json", "ndjson"].map(|format| format!("/entities?format={format}")));
    for path in paths {
        assert_answer(&format!("{service}{path}"), 200).await;
    }
    for name in HOSTILE {
        let encoded: String = form_urlencoded::byte_serialize(name.as_bytes())
            .collect::<String>()
            .replace('+', "%20");
        assert_answer(&format!("{service}/explain?user={encoded}"), 200).await;
        assert_answer(&format!("{service}/explain?group=no-{encoded}"), 404).await;
        assert_answer(&format!("{service}/entities?kind={encoded}"), 400).await;
        assert_answer(&format!("{service}/sync/{encoded}"), 404).await;
        assert_answer(
            &format!("{service}/entities/by-name/user/default/{encoded}"),
            404,
        )
        .await;
        assert_answer(&format!("{service}/{encoded}"), 404).await;
    }
}

/// Asserts the status of an answer, that no browser renders it as HTML, and that it contains only
/// data.
async fn assert_answer(url: &str, status: u16) {
    let answer = get(url).await;
    assert_eq!(answer.status(), status, "{url}");
    assert!(answer.headers().get("set-cookie").is_none());
    let media_type = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(!media_type.contains("html"), "{url}: {media_type}");
    let body = answer.text().await.unwrap();
    assert!(
        !body.contains(|c: char| c.is_control() && c != '\n'),
        "{url}: {body:?}"
    );
    assert_inert(&body, url);
}

#[tokio::test]
async fn hostile_names_are_data_in_the_output_of_commands() {
    let upstream = Upstream::spawn(hostile()).await;
    for format in ["yaml", "json", "ndjson"] {
        let ended = upstream.run(&["export", "--format", format]).await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
        assert_inert(&ended.out, format);
        assert!(
            !ended.error.contains(|c: char| c.is_control() && c != '\n'),
            "{:?}",
            ended.error
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entities.ndjson");
    std::fs::write(&file, "").unwrap();
    let diff = upstream
        .run(&["diff", "--against", file.to_str().unwrap()])
        .await;
    assert_eq!(diff.status.code(), Some(1), "{}", diff.error);
    let explained = upstream.run(&["explain", "user", HOSTILE[4]]).await;
    assert_eq!(explained.status.code(), Some(0), "{}", explained.error);
    let checked = upstream.run(&["check"]).await;
    for text in [
        diff.out,
        diff.error,
        explained.out,
        explained.error,
        checked.out,
        checked.error,
    ] {
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text:?}"
        );
        assert!(
            !text.lines().any(|line| line.starts_with("Set-Cookie")),
            "{text}"
        );
    }
}
