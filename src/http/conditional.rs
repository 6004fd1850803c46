//! Conditional requests (RFC 9110, section 13).

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use headers::{ETag, Header, IfNoneMatch};

/// Whether the client has the representation with this tag already.
///
/// Backstage sends `cache-control: no-cache` with its tag and means "ask again", so that only the
/// tag decides. Tags are compared weakly, as the RFC says for `If-None-Match`.
#[must_use]
pub fn is_not_modified(headers: &HeaderMap, etag: &str) -> bool {
    let Ok(condition) = IfNoneMatch::decode(&mut headers.get_all(IF_NONE_MATCH).iter()) else {
        return false;
    };
    etag.parse::<ETag>()
        .is_ok_and(|etag| !condition.precondition_passes(&etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_matching_tag_is_answered_with_304() {
        let asked = |value: &str| {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, value.parse().unwrap())]);
            is_not_modified(&headers, "\"a\"")
        };
        assert!(!is_not_modified(&HeaderMap::new(), "\"a\""));
        for matching in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(asked(matching), "{matching}");
        }
        for other in ["\"b\"", "\"a-gzip\"", "a", ""] {
            assert!(!asked(other), "{other}");
        }
    }
}
