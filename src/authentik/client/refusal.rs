//! Finds the cause of a 401 or 403: the token, a missing permission, or a proxy that blocks.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderName, SERVER};
use serde::Deserialize;

use super::{Answer, Client};
use crate::authentik::error::Error;
use crate::authentik::wire::List;
use crate::inert::inert;

/// The maximum length of a header value in an error, in characters.
const HEADER_LENGTH: usize = 60;

/// The body with which Authentik refuses a request (Django REST framework).
#[derive(Deserialize)]
struct RefusalBody {
    #[serde(rename = "detail")]
    _detail: String,
}

impl Answer {
    /// Whether the request was refused, by the server or a forward proxy (407).
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self.status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        )
    }

    /// Whether Authentik itself refused the request.
    fn is_refusal_of_authentik(&self) -> bool {
        self.is_refusal() && serde_json::from_slice::<RefusalBody>(&self.body).is_ok()
    }
}

impl Client {
    /// The error for a refused page: the token, a permission or a proxy. Any valid token may read
    /// the version, so the client requests it to check the token. Texts are translated, so they do
    /// not count.
    pub(super) async fn refusal(&self, list: List, url: &str, refused: &Answer) -> Error {
        if !refused.is_refusal_of_authentik() {
            return self.blocked(url, refused);
        }
        match self.get(&self.version_url()).await {
            Ok(answer) if answer.status == StatusCode::OK => Error::Permission { list },
            Ok(answer) if answer.is_refusal_of_authentik() => self.unknown_token(refused),
            Ok(_) => self.status(url, refused),
            Err(error) => error,
        }
    }

    /// The error for a refused version request, which any valid token may send.
    pub(super) fn refused_version(&self, url: &str, refused: &Answer) -> Error {
        if refused.is_refusal_of_authentik() {
            self.unknown_token(refused)
        } else {
            self.blocked(url, refused)
        }
    }

    /// The error for a token that Authentik refuses.
    fn unknown_token(&self, refused: &Answer) -> Error {
        Error::Token {
            detail: self.summary(&refused.body),
        }
    }

    /// The error for a refusal by a server other than Authentik.
    fn blocked(&self, url: &str, refused: &Answer) -> Error {
        let server = self.header(refused, SERVER);
        let content_type = self.header(refused, CONTENT_TYPE);
        let named = |name: &str, value: Option<String>| match value {
            Some(value) => format!("{name} \"{value}\""),
            None => format!("no {name}"),
        };
        Error::Blocked {
            url: url.into(),
            status: refused.status,
            origin: format!(
                "{}, {}",
                named("server", server),
                named("content type", content_type)
            ),
        }
    }

    /// The beginning of a header value, without control characters.
    fn header(&self, answer: &Answer, name: HeaderName) -> Option<String> {
        let value = answer.headers.get(name)?;
        let text = self.without_token(&String::from_utf8_lossy(value.as_bytes()));
        let beginning: String = text.trim().chars().take(HEADER_LENGTH).collect();
        (!beginning.is_empty()).then(|| inert(&beginning))
    }
}
