//! The version request: whether Authentik answers and accepts the token, and which version it is.

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;

use super::{Client, not_authentik};
use crate::authentik::error::Error;

/// The maximum length of a version, in characters.
const LENGTH: usize = 40;

/// The answer to a version request.
#[derive(Debug)]
pub struct Introduction {
    /// The server's clock when it answered.
    pub date: Option<Timestamp>,
    /// Its version, which any valid token may read, or why it is unknown.
    pub version: Result<String, Error>,
}

impl Client {
    /// Requests the version without retries, so that a short outage is reported.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn introduction(&self) -> Result<Introduction, Error> {
        let url = self.version_url();
        let answer = self.by_proxy(self.get_once(&url)).await?;
        let version = match answer.status {
            StatusCode::OK => version(&url, &answer.body),
            StatusCode::NOT_FOUND => Err(not_authentik(&url, "the path is unknown there")),
            _ if answer.is_refusal() => Err(self.refused_version(&url, &answer)),
            _ => Err(self.status(&url, &answer)),
        };
        Ok(Introduction {
            date: answer.date(),
            version: version.map_err(|error| self.proxied(error)),
        })
    }

    /// The URL of the version, which any valid token may request.
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
