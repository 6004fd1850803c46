//! The first question: whether Authentik answers, knows the token, and which version it is.

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;

use super::{Answer, Client, not_authentik};
use crate::authentik::error::Error;

/// How much of a version is repeated.
const LENGTH: usize = 40;

/// What a server says to the question for its version.
#[derive(Debug)]
pub struct Introduction {
    /// When it answered, by its own clock.
    pub date: Option<Timestamp>,
    /// Its version, which any valid token is told, or why it is not known.
    pub version: Result<String, Error>,
}

impl Client {
    /// Asks for the version, once: a server that is down for a moment is told as such.
    ///
    /// # Errors
    /// Whatever keeps an answer from coming.
    pub async fn introduction(&self) -> Result<Introduction, Error> {
        let url = self.version_url();
        let Answer { status, date, body } = self.by_proxy(self.get_once(&url)).await?;
        let version = match status {
            StatusCode::OK => version(&url, &body),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(Error::Token {
                detail: self.summary(&body),
            }),
            StatusCode::NOT_FOUND => Err(not_authentik(&url, "the path is unknown there")),
            _ => Err(Error::Status {
                url,
                status,
                detail: self.summary(&body),
            }),
        };
        let version = version.map_err(|error| self.proxied(error));
        Ok(Introduction { date, version })
    }

    /// The address that answers any valid token.
    pub(super) fn version_url(&self) -> String {
        self.settings.base_url.api("admin/version/")
    }
}

/// The version in the body of an answer.
fn version(url: &str, body: &[u8]) -> Result<String, Error> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| not_authentik(url, "the answer is not JSON"))?;
    let version = body
        .get("version_current")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let version: String = version
        .chars()
        .filter(|c| !c.is_control())
        .take(LENGTH)
        .collect();
    if version.is_empty() {
        Err(not_authentik(url, "the answer has no version"))
    } else {
        Ok(version)
    }
}
