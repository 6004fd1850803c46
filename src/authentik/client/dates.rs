//! Dates and durations in the headers of an answer.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderName, RETRY_AFTER};

use super::Client;

impl Client {
    /// The pause in `Retry-After`: seconds or a date (RFC 9110, section 10.2.3).
    pub(super) fn retry_after(&self, response: &Response) -> Option<Duration> {
        let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = date(response.headers(), RETRY_AFTER)?;
        Some(
            date.duration_since(self.clock.now())
                .try_into()
                .unwrap_or(Duration::ZERO),
        )
    }
}

/// A date in a header (RFC 9110, section 5.6.7).
pub(super) fn date(headers: &HeaderMap, header: HeaderName) -> Option<Timestamp> {
    let text = headers.get(header)?.to_str().ok()?.trim();
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
}
