//! Content negotiation (RFC 9110, section 12.5).

use axum::http::header::{ACCEPT, ACCEPT_ENCODING};
use axum::http::{HeaderMap, HeaderName};

use crate::snapshot::rendition::{Encoding, Format};

/// Returns the format that `Accept` prefers, or `None` if it excludes all of them.
#[must_use]
pub fn format(headers: &HeaderMap) -> Option<Format> {
    preferred(
        headers,
        Format::ALL.map(|format| (format, media_types(format))),
    )
}

/// Whether `Accept` prefers `OpenMetrics` to Prometheus' text format, the default.
#[must_use]
pub fn prefers_open_metrics(headers: &HeaderMap) -> bool {
    let choices: [(_, &[_]); 2] = [
        (false, &["text/plain"]),
        (true, &["application/openmetrics-text"]),
    ];
    preferred(headers, choices).unwrap_or_default()
}

/// Whether `Accept` prefers HTML to the formats of entities, as that of a browser does.
#[must_use]
pub fn prefers_html(headers: &HeaderMap) -> bool {
    let [yaml, json, ndjson] = Format::ALL.map(|format| (false, media_types(format)));
    let choices = [yaml, json, ndjson, (true, &["text/html"])];
    preferred(headers, choices).unwrap_or_default()
}

/// Returns the choice whose media types `Accept` prefers: the one with the highest quality value,
/// then with the most specific range, then the first. Without `Accept` this is the first choice.
/// Returns `None` if `Accept` excludes all of them.
fn preferred<T: Copy, const N: usize>(
    headers: &HeaderMap,
    choices: [(T, &'static [&'static str]); N],
) -> Option<T> {
    let ranges = weighted(headers, &ACCEPT);
    if ranges.is_empty() {
        return choices.first().map(|(choice, _)| *choice);
    }
    let rated = choices.into_iter().filter_map(|(choice, names)| {
        let rated = names.iter().filter_map(|name| quality_of(name, &ranges));
        let (specificity, quality) = rated.max()?;
        (quality > 0).then_some((quality, specificity, choice))
    });
    // Reversed, since `max_by_key` returns the last of equal items.
    rated
        .rev()
        .max_by_key(|(quality, specificity, _)| (*quality, *specificity))
        .map(|(.., choice)| choice)
}

/// Returns the coding that `Accept-Encoding` prefers; `identity` without the header, or if it
/// excludes all codings.
///
/// Of codings with equal quality values, the first of [`Encoding::COMPRESSING`] wins. A coding is
/// compared with `identity` only if the header names `identity`. A wildcard means gzip only: a
/// client may not support a coding that it does not name, but every client supports gzip.
#[must_use]
pub fn encoding(headers: &HeaderMap) -> Encoding {
    let accepted = weighted(headers, &ACCEPT_ENCODING);
    let quality = |names: &[&str]| {
        let named = accepted
            .iter()
            .find(|(coding, _)| names.contains(&coding.as_str()));
        named.map(|(_, quality)| *quality)
    };
    let rated = Encoding::COMPRESSING.into_iter().map(|coding| {
        let quality = match coding {
            Encoding::Gzip => quality(&["gzip", "x-gzip"]).or_else(|| quality(&["*"])),
            other => other.name().and_then(|name| quality(&[name])),
        };
        (quality.unwrap_or(0), coding)
    });
    let least = quality(&["identity"]).unwrap_or(0).max(1);
    // Reversed, since `max_by_key` returns the last of equal items.
    let best = rated.rev().max_by_key(|(quality, _)| *quality);
    best.filter(|(quality, _)| *quality >= least)
        .map_or(Encoding::Identity, |(_, coding)| coding)
}

/// Returns the names of a format in `Accept`, the current one first.
fn media_types(format: Format) -> &'static [&'static str] {
    match format {
        Format::Yaml => &[
            "application/yaml",
            "application/x-yaml",
            "text/yaml",
            "text/x-yaml",
        ],
        Format::Json => &["application/json"],
        Format::Ndjson => &[
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
        ],
    }
}

/// Returns how specific the best matching range is, and its quality value in thousandths.
fn quality_of(media_type: &str, ranges: &[(String, u16)]) -> Option<(u8, u16)> {
    let main = media_type.split('/').next().unwrap_or_default();
    let specificity = |range: &str| match range {
        "*/*" => Some(0),
        range if range == media_type => Some(2),
        range if range.strip_suffix("/*") == Some(main) => Some(1),
        _ => None,
    };
    ranges
        .iter()
        .filter_map(|(range, quality)| Some((specificity(range)?, *quality)))
        .max()
}

/// Returns the elements of a list header in lower case, each with its quality value in thousandths.
fn weighted(headers: &HeaderMap, name: &HeaderName) -> Vec<(String, u16)> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter_map(element)
        .collect()
}

/// Parses one element: a name with an optional parameter `q`. Ignores other parameters.
fn element(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts
        .next()
        .filter(|name| !name.is_empty())?
        .to_ascii_lowercase();
    let quality =
        parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((name, quality.map_or(1000, thousandths)))
}

/// Parses a quality value. An invalid one counts as 0.
fn thousandths(text: &str) -> u16 {
    let quality = text.trim().parse().unwrap_or(0.0_f32).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=1000"
    )]
    let thousandths = (quality * 1000.0).round() as u16;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_format_with_the_highest_quality_wins() {
        use Format::{Json, Ndjson, Yaml};
        assert_eq!(format(&HeaderMap::new()), Some(Yaml));
        for (accept, expected) in [
            ("*/*", Some(Yaml)),
            ("application/json", Some(Json)),
            ("application/json, */*", Some(Json)),
            ("application/json;q=0.5, application/x-ndjson", Some(Ndjson)),
            ("application/json;q=0.5, */*;q=0.8", Some(Yaml)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Yaml)),
            ("text/yaml", Some(Yaml)),
            ("APPLICATION/JSON; charset=utf-8", Some(Json)),
            ("application/*", Some(Yaml)),
            ("application/yaml;q=0, */*", Some(Json)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("", Some(Yaml)),
        ] {
            assert_eq!(format(&headers(ACCEPT, accept)), expected, "{accept}");
        }
    }

    #[test]
    fn metrics_are_in_the_text_format_unless_open_metrics_is_preferred() {
        assert!(!prefers_open_metrics(&HeaderMap::new()));
        for (accept, expected) in [
            ("*/*", false),
            ("text/plain", false),
            ("text/html,application/xhtml+xml,*/*;q=0.8", false),
            ("text/html", false),
            ("application/openmetrics-text", true),
            ("application/openmetrics-text, text/plain", false),
            ("application/openmetrics-text, */*", true),
            ("application/openmetrics-text;q=0, */*", false),
            (
                "application/openmetrics-text;q=0.3, text/plain;q=0.5",
                false,
            ),
            // Prometheus 2.42 and 3, with and without Prometheus' binary format.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                 application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                 text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                true,
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
                 text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.1",
                false,
            ),
        ] {
            assert_eq!(
                prefers_open_metrics(&headers(ACCEPT, accept)),
                expected,
                "{accept}"
            );
        }
    }

    #[test]
    fn the_coding_with_the_highest_quality_wins() {
        use Encoding::{Brotli, Gzip, Identity, Zstd};
        assert_eq!(encoding(&HeaderMap::new()), Identity);
        for (accept, expected) in [
            ("gzip, deflate", Gzip),
            ("gzip, deflate, br", Brotli),
            ("gzip, deflate, br, zstd", Zstd),
            ("zstd;q=0.8, br;q=0.9, gzip", Gzip),
            ("zstd;q=0.8, br;q=0.9, gzip;q=0.7", Brotli),
            ("zstd;q=0, br;q=0, gzip", Gzip),
            ("zstd;q=0", Identity),
            ("gzip;q=0", Identity),
            ("*", Gzip),
            ("*;q=0", Identity),
            ("*;q=0, br", Brotli),
            ("br, *", Brotli),
            ("br;q=0.5, *", Gzip),
            ("gzip;q=0, *", Identity),
            ("*, x-gzip;q=0", Identity),
            ("compress, deflate", Identity),
            ("identity", Identity),
            ("gzip;q=0.5, identity", Identity),
            ("gzip;q=0.5", Gzip),
            ("identity;q=0.5, br;q=0.6, gzip;q=0.4", Brotli),
            ("identity;q=0.5, gzip;q=1.0", Gzip),
            ("GZIP", Gzip),
            ("ZStd", Zstd),
            ("identity;q=0", Identity),
            ("gzip;q=nonsense", Identity),
        ] {
            assert_eq!(
                encoding(&headers(ACCEPT_ENCODING, accept)),
                expected,
                "{accept}"
            );
        }
    }
}
