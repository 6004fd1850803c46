//! Removes the token from a request.

use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::Requirement;
use crate::config::is_token;
use crate::http::error::ApiError;

/// The query parameter with a token. RFC 6750, section 2.3, has another name; Backstage has none.
const PARAMETER: &str = "token";

/// The token from the query of an allowed request, stored in the request's extensions.
///
/// Only such a token may appear in URLs of a response, since the client already sent it in a URL.
/// It is stored even if reading needs no token, so that URLs do not change when tokens are
/// configured.
#[derive(Clone, Debug)]
pub struct QueryToken(pub SecretString);

/// The token of a request, by the way it was sent.
#[derive(Debug)]
pub(super) enum Presented {
    Nothing,
    Header(SecretString),
    Query(SecretString),
}

impl Presented {
    /// Removes the token from a request.
    ///
    /// # Errors
    /// When there are several tokens, or one in the URL of a request that changes something.
    pub(super) fn take(request: &mut Request, access: Requirement) -> Result<Self, ApiError> {
        let in_query = take_from_query(request.uri_mut())?;
        let may_be_in_query = access == Requirement::Webhook
            || matches!(*request.method(), Method::GET | Method::HEAD);
        if !in_query.is_empty() && !may_be_in_query {
            return Err(ApiError::TokenInQuery);
        }
        let in_header = take_from_header(request.headers_mut())
            .into_iter()
            .map(Self::Header);
        let mut found = in_header.chain(in_query.into_iter().map(Self::Query));
        match (found.next(), found.next()) {
            (None, _) => Ok(Self::Nothing),
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(ApiError::TokenTwice),
        }
    }

    /// Returns the token itself.
    pub(super) fn token(&self) -> Option<&SecretString> {
        match self {
            Self::Nothing => None,
            Self::Header(token) | Self::Query(token) => Some(token),
        }
    }

    /// Returns the token if it was in the query and has the form of this service's tokens.
    pub(super) fn into_query_token(self) -> Option<QueryToken> {
        match self {
            Self::Query(token) if is_token(token.expose_secret()) => Some(QueryToken(token)),
            _ => None,
        }
    }
}

/// Removes the bearer tokens from the header. Other schemes stay: they are for a proxy, for
/// example.
fn take_from_header(headers: &mut HeaderMap) -> Vec<SecretString> {
    let bearer = |text: &str| {
        let (scheme, token) = text.trim().split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim().to_owned())
    };
    let values = headers.get_all(AUTHORIZATION).iter();
    let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let tokens = texts
        .filter_map(|text| bearer(&text))
        .filter(|token| !token.is_empty());
    let tokens = tokens.map(SecretString::from).collect();
    headers.remove(AUTHORIZATION);
    tokens
}

/// Removes the tokens from a query and leaves the other parameters unchanged. Ignores empty tokens.
fn take_from_query(uri: &mut Uri) -> Result<Vec<SecretString>, ApiError> {
    let Some(query) = uri.query() else {
        return Ok(Vec::new());
    };
    let (tokens, others): (Vec<_>, Vec<_>) =
        query.split('&').partition(|pair| value_of(pair).is_some());
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let separator = if others.is_empty() { "" } else { "?" };
    let without_token = format!("{}{separator}{}", uri.path(), others.join("&"));
    let tokens = tokens
        .into_iter()
        .filter_map(value_of)
        .filter(|token| !token.is_empty());
    let tokens = tokens.map(SecretString::from).collect();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query =
        Some(PathAndQuery::try_from(without_token).map_err(|_| ApiError::Internal)?);
    *uri = Uri::from_parts(parts).map_err(|_| ApiError::Internal)?;
    Ok(tokens)
}

/// Returns the value of a pair if its name is `token`. A token has no space, so a plus sign stays a
/// plus sign.
fn value_of(pair: &str) -> Option<String> {
    let (name, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
    (name == PARAMETER).then(|| value.replace(' ', "+"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "abcDEF0123456789ghijkl0123-._~+/==";

    fn request(method: Method, uri: &str, headers: &[&str]) -> Request {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().unwrap();
        for value in headers {
            request
                .headers_mut()
                .append(AUTHORIZATION, value.parse().unwrap());
        }
        request
    }

    #[test]
    fn a_token_is_removed_from_the_query_and_other_parameters_stay() {
        for (uri, left, expected) in [
            ("/a", "/a", None),
            ("/a?", "/a?", None),
            (
                "/a?tokens=1&Token=2&x=token",
                "/a?tokens=1&Token=2&x=token",
                None,
            ),
            ("/a?token=abc", "/a", Some("abc")),
            (
                "/a?kind=user&token=abc&x=%20+%26",
                "/a?kind=user&x=%20+%26",
                Some("abc"),
            ),
            ("/a?%74oken=abc&&b", "/a?&b", Some("abc")),
            (
                "/a?token=abcDEF0123456789ghijkl0123-._~%2B%2F%3D%3D",
                "/a",
                Some(TOKEN),
            ),
            (
                "/a?token=abcDEF0123456789ghijkl0123-._~+/==",
                "/a",
                Some(TOKEN),
            ),
            ("/a?token=", "/a", None),
            ("/a?token", "/a", None),
            ("/a?token=&b=c", "/a?b=c", None),
            ("http://h:80/a?token=abc", "http://h:80/a", Some("abc")),
        ] {
            let mut request = request(Method::GET, uri, &[]);
            let presented = Presented::take(&mut request, Requirement::Read).unwrap();
            assert_eq!(request.uri().to_string(), left);
            assert_eq!(
                presented.token().map(ExposeSecret::expose_secret),
                expected,
                "{uri}"
            );
        }
    }

    #[test]
    fn a_bearer_token_is_removed_from_the_header() {
        for (headers, expected) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bEaReR   abc "], Some("abc")),
            (&["Basic abc", "Bearer def"], Some("def")),
            (&["Basic abc"], None),
            (&["Bearer"], None),
            (&["Bearer "], None),
            (&["Bearerabc"], None),
        ] {
            let mut request = request(Method::POST, "/", headers);
            let presented = Presented::take(&mut request, Requirement::Read).unwrap();
            assert_eq!(
                presented.token().map(ExposeSecret::expose_secret),
                expected,
                "{headers:?}"
            );
            assert!(request.headers().is_empty());
            assert!(presented.into_query_token().is_none());
        }
    }

    #[test]
    fn two_tokens_are_refused_and_so_is_one_in_the_url_of_a_change() {
        for (method, uri, headers, code) in [
            (Method::GET, "/?token=a&token=a", &[][..], "token-twice"),
            (Method::GET, "/?token=a", &["Bearer a"], "token-twice"),
            (Method::GET, "/", &["Bearer a", "Bearer a"], "token-twice"),
            (Method::POST, "/?token=a", &[], "token-in-query"),
            (Method::POST, "/?token=a", &["Bearer a"], "token-in-query"),
        ] {
            let taken = Presented::take(&mut request(method, uri, headers), Requirement::Read);
            assert_eq!(taken.unwrap_err().code(), code, "{uri} {headers:?}");
        }
        assert!(
            Presented::take(
                &mut request(Method::HEAD, "/?token=a&token=", &["Basic x"]),
                Requirement::Read
            )
            .is_ok()
        );
    }

    #[test]
    fn only_a_query_token_of_the_right_form_is_stored() {
        let carried = |uri: &str| {
            let token = Presented::take(&mut request(Method::GET, uri, &[]), Requirement::Read)
                .unwrap()
                .into_query_token();
            token.map(|QueryToken(token)| token.expose_secret().to_owned())
        };
        assert_eq!(
            carried("/?token=abcDEF0123456789ghijkl0123-._~+/=="),
            Some(TOKEN.to_owned())
        );
        for uri in [
            "/?token=short",
            "/?token=%0aabcDEF0123456789abcDEF0123456789",
            "/?token=abcDEF0123456789abcDEF0123456789%26kind=user",
        ] {
            assert_eq!(carried(uri), None, "{uri}");
        }
    }

    /// The pairs of a query as a handler reads them.
    fn pairs(uri: &Uri) -> Vec<(String, String)> {
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect()
    }

    proptest! {
        #[test]
        fn a_handler_sees_every_query_without_its_tokens(
            parts in proptest::collection::vec("(token|tok%65n|t|)(=[a-c%0-9+;?/=]{0,6})?", 0..5),
        ) {
            let uri = format!("/a?{}", parts.join("&"));
            let mut request = request(Method::GET, &uri, &[]);
            let mut expected = pairs(request.uri());
            expected.retain(|(name, _)| name != PARAMETER);
            // Also if the request is refused for several tokens.
            let _ = Presented::take(&mut request, Requirement::Read);
            prop_assert_eq!(pairs(request.uri()), expected);
        }
    }
}
