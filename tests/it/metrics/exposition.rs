//! The format for a scraper; CI also parses both formats with parsers of other projects.

use super::*;

/// Fetches the metrics without a requested format.
pub(super) async fn classic(app: &TestApp) -> String {
    let answer = Answer::get(app, "/metrics", &[]).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    answer.text()
}

/// Returns the lines with samples that a scrape itself does not change, sorted: a family of the library has no
/// order.
fn samples(text: &str) -> BTreeSet<&str> {
    let changing = ["process_", "authentik_entity_provider_http_"];
    text.lines()
        .filter(|line| {
            !line.starts_with('#') && !changing.iter().any(|prefix| line.starts_with(prefix))
        })
        .collect()
}

#[tokio::test]
async fn both_formats_have_the_same_samples() {
    let pair = Pair::with(crowd(35)).await;
    pair.app.sync().await;
    let (classic, open) = (classic(&pair.app).await, scraped(&pair.app).await);
    assert!(samples(&classic).len() > 20, "{classic}");
    assert_eq!(samples(&classic), samples(&open));
}

#[tokio::test]
async fn a_family_of_the_text_format_has_the_name_and_type_of_its_samples() {
    let pair = Pair::with(crowd(35)).await;
    pair.app.sync().await;
    let text = classic(&pair.app).await;
    let (mut family, mut is_histogram) = ("", false);
    for line in text.lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] => {
                assert!(help.len() > 10, "{line}");
                family = name;
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(name, family, "{line}");
                let is_counter = name.ends_with("_total");
                is_histogram = kind == "histogram";
                assert_eq!(kind == "counter", is_counter, "{line}");
                assert!(is_counter || is_histogram || kind == "gauge", "{line}");
            }
            ["#", ..] => panic!("no such comment: {line}"),
            _ => {
                let name = line.split(['{', ' ']).next().unwrap();
                let suffix = name.strip_prefix(family).expect(line);
                let parts: &[&str] = if is_histogram {
                    &["_bucket", "_count", "_sum"]
                } else {
                    &[""]
                };
                assert!(parts.contains(&suffix), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn the_format_follows_accept_and_vary_names_it() {
    let pair = Pair::with(crowd(5)).await;
    for (accept, media_type) in [
        ("*/*", "text/plain"),
        ("text/html, */*;q=0.5", "text/plain"),
        ("image/png", "text/plain"),
        (
            "text/plain, application/openmetrics-text;q=0.9",
            "text/plain",
        ),
        (
            "application/openmetrics-text;version=1.0.0, text/plain;q=0.5",
            "application/openmetrics-text",
        ),
    ] {
        let answer = Answer::get(&pair.app, "/metrics", &[("accept", accept)]).await;
        assert_eq!(answer.status, 200, "{accept}");
        let (given, vary) = (answer.header("content-type"), answer.header("vary"));
        assert!(
            given.starts_with(&format!("{media_type};")),
            "{accept}: {given}"
        );
        assert_eq!(vary, "Accept");
    }
}
