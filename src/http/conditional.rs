//! Conditional requests (RFC 9110, section 13).

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use headers::{ETag, Header, IfNoneMatch};

/// Separators that proxies put between a tag and the name of the coding that they applied: `-` in
/// Apache, `--` in Jetty, `;` in others.
const SEPARATORS: [&str; 3] = ["-", "--", ";"];
/// Codings that proxies apply.
const CODINGS: [&str; 4] = ["gzip", "br", "zstd", "deflate"];

/// Whether the client already has the representation with this tag.
///
/// Only the tag decides: Backstage always sends `cache-control: no-cache` with its tag, which means
/// "revalidate". Tags are compared weakly, as the RFC requires for `If-None-Match`. A proxy that
/// compresses a body adds a suffix to its tag (`"…-gzip"`), which the client sends back: such a tag
/// matches too.
#[must_use]
pub fn is_not_modified(headers: &HeaderMap, etag: &str) -> bool {
    let Ok(condition) = IfNoneMatch::decode(&mut headers.get_all(IF_NONE_MATCH).iter()) else {
        return false;
    };
    let matches = |tag: &str| {
        tag.parse::<ETag>()
            .is_ok_and(|tag| !condition.precondition_passes(&tag))
    };
    matches(etag) || marked(etag).any(|tag| matches(&tag))
}

/// Returns a tag with each suffix that a proxy may add.
fn marked(etag: &str) -> impl Iterator<Item = String> {
    let open = etag.strip_suffix('"').unwrap_or(etag);
    SEPARATORS
        .into_iter()
        .flat_map(move |separator| CODINGS.map(|coding| format!("{open}{separator}{coding}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_matching_tag_gives_304() {
        let not_modified = |value: &str| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, value.parse().unwrap())]);
            is_not_modified(&headers, "\"a\"")
        };
        assert!(!is_not_modified(&HeaderMap::new(), "\"a\""));
        for matching in [
            r#""a""#,
            r#"W/"a""#,
            r#""b", "a""#,
            "*",
            r#""a-gzip""#,
            r#"W/"a-gzip""#,
            r#""a;gzip""#,
            r#"W/"a;gzip""#,
            r#""a--gzip""#,
            r#""b-gzip", W/"a-br""#,
        ] {
            assert!(not_modified(matching), "{matching}");
        }
        for other in [
            r#""b""#,
            r#""b-gzip""#,
            r#""a-""#,
            r#""a-b""#,
            r#""agzip""#,
            r#""a-gzip-gzip""#,
            "a-gzip",
            "a",
            "",
        ] {
            assert!(!not_modified(other), "{other}");
        }
    }
}
