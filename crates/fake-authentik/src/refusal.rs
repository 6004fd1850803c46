//! Answers without data: status, text and translation.

use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, StatusCode};

use super::query::BadFilter;

/// The reason why a request is rejected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rejection {
    MissingCredentials,
    UnsupportedScheme,
    BadToken,
    Forbidden,
    NoSuchPage,
    NoMatch(&'static str),
    BadFilter(BadFilter),
    Internal,
}

impl From<BadFilter> for Rejection {
    fn from(filter: BadFilter) -> Self {
        Self::BadFilter(filter)
    }
}

impl From<serde_json::Error> for Rejection {
    fn from(_: serde_json::Error) -> Self {
        Self::Internal
    }
}

impl Rejection {
    /// Returns the status. Authentik never answers 401.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::MissingCredentials
            | Self::UnsupportedScheme
            | Self::BadToken
            | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NoSuchPage | Self::NoMatch(_) => StatusCode::NOT_FOUND,
            Self::BadFilter(_) => StatusCode::BAD_REQUEST,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Writes the body in German or English, by the request's `Accept-Language`.
    pub(super) fn body(&self, headers: &HeaderMap) -> String {
        let value = match self {
            Self::BadFilter(BadFilter {
                parameter,
                sentence,
            }) => {
                serde_json::json!({ *parameter: [sentence] })
            }
            other => serde_json::json!({ "detail": other.detail(german(headers)) }),
        };
        value.to_string()
    }

    fn detail(&self, german: bool) -> String {
        let text = match (self, german) {
            (Self::MissingCredentials, false) => "Authentication credentials were not provided.",
            (Self::MissingCredentials, true) => "Anmeldedaten fehlen.",
            (Self::UnsupportedScheme, _) => "Unsupported authentication type",
            (Self::BadToken, _) => "Token invalid/expired",
            (Self::Forbidden, false) => "You do not have permission to perform this action.",
            (Self::Forbidden, true) => "Sie sind nicht berechtigt diese Aktion durchzuführen.",
            (Self::NoSuchPage, false) => "Invalid page.",
            (Self::NoSuchPage, true) => "Ungültige Seite.",
            (Self::NoMatch(model), _) => return format!("No {model} matches the given query."),
            (Self::BadFilter(_) | Self::Internal, _) => "A server error occurred.",
        };
        text.to_owned()
    }
}

fn german(headers: &HeaderMap) -> bool {
    let language = headers
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    language.is_some_and(|language| language.to_ascii_lowercase().starts_with("de"))
}
