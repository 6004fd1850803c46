//! Records who reads the entities, so that an operator sees whether Backstage does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU16, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::USER_AGENT;
use jiff::Timestamp;
use moka::sync::Cache;
use url::form_urlencoded;

use crate::clock::Clock;

/// The maximum number of recorded readers: twice the maximum number of shards.
const CAPACITY: u64 = 2048;
/// How long a reader is recorded after its last request.
const RECORDED: Duration = Duration::from_hours(24);
/// The longest part of a `User-Agent` that is recorded, in characters.
const AGENT_LENGTH: usize = 100;
/// The query parameters that are recorded, in this order; the token is none of them.
const PARAMETERS: [&str; 4] = ["kind", "shard", "shards", "format"];
/// The maximum length of a recorded value, in bytes. Every valid value is shorter.
const VALUE_LENGTH: usize = 9;

/// A client, by its `User-Agent`, and what it requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reader {
    /// The path and the parameters that select entities.
    pub target: String,
    /// The `User-Agent`, shortened.
    pub agent: String,
}

/// The last request of a reader.
#[derive(Clone, Copy, Debug)]
pub struct LastRead {
    /// When it was answered.
    pub at: Timestamp,
    /// The status of the answer.
    pub status: u16,
    /// The number of requests since the reader is recorded.
    pub requests: u64,
}

/// The readers of the last day, bounded.
#[derive(Debug)]
pub struct ReaderLog {
    clock: Clock,
    reads: Cache<Reader, Arc<Reads>>,
}

/// The requests of a reader. Every poll changes them, so they are atomic.
#[derive(Debug, Default)]
struct Reads {
    last_millisecond: AtomicI64,
    status: AtomicU16,
    requests: AtomicU64,
}

impl ReaderLog {
    /// Returns an empty record.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            reads: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_idle(RECORDED)
                .build(),
        }
    }

    /// Returns the readers, sorted by target and agent.
    #[must_use]
    pub fn all(&self) -> Vec<(Arc<Reader>, LastRead)> {
        let all = self.reads.iter();
        let mut all: Vec<_> = all.map(|(reader, reads)| (reader, reads.last())).collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    /// Records an answer.
    pub(super) fn add(&self, reader: Reader, status: u16) {
        let reads = self.reads.get_with(reader, Arc::default);
        let now = self.clock.now().as_millisecond();
        reads.last_millisecond.store(now, Relaxed);
        reads.status.store(status, Relaxed);
        reads.requests.fetch_add(1, Relaxed);
    }
}

impl Reads {
    /// Returns the last request.
    fn last(&self) -> LastRead {
        let at = Timestamp::from_millisecond(self.last_millisecond.load(Relaxed));
        LastRead {
            at: at.unwrap_or_default(),
            status: self.status.load(Relaxed),
            requests: self.requests.load(Relaxed),
        }
    }
}

impl Reader {
    /// Returns the reader that sent a request. The page for people is none; a browser marks its requests by a
    /// header (Fetch Metadata).
    pub(super) fn of(request: &Request) -> Option<Self> {
        let site = request.headers().get("sec-fetch-site");
        if site.is_some_and(|site| site == "same-origin") {
            return None;
        }
        let agent = request.headers().get(USER_AGENT);
        let agent = agent
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default();
        Some(Self {
            target: target(
                request.uri().path(),
                request.uri().query().unwrap_or_default(),
            ),
            agent: agent.chars().take(AGENT_LENGTH).collect(),
        })
    }
}

/// Returns the path with the parameters that select entities, in a fixed order.
fn target(path: &str, query: &str) -> String {
    let mut target = path.to_owned();
    for name in PARAMETERS {
        let mut given = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        let value = given.next().map(|(_, value)| value);
        if let Some(value) = value.filter(|value| value.len() <= VALUE_LENGTH) {
            target.push(if target.len() == path.len() { '?' } else { '&' });
            target.extend([name, "=", &value]);
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_the_selection_and_never_a_token() {
        let target = |query| target("/entities", query);
        assert_eq!(target(""), "/entities");
        assert_eq!(
            target("token=secret&shard=3%2F64&kind=user"),
            "/entities?kind=user&shard=3/64"
        );
        assert_eq!(target("kind=a-token-in-the-wrong-place"), "/entities");
    }

    #[test]
    fn the_last_answer_and_the_number_of_requests_are_recorded() {
        let readers = ReaderLog::new(Clock::new(|| Timestamp::UNIX_EPOCH));
        let reader = |target: &str| Reader {
            target: target.into(),
            agent: "node".into(),
        };
        for (target, status) in [("/entities", 200), ("/entities", 304), ("/", 401)] {
            readers.add(reader(target), status);
        }
        let all = readers.all();
        let seen: Vec<_> = all
            .iter()
            .map(|(reader, last)| (&*reader.target, last.status, last.requests))
            .collect();
        assert_eq!(seen, [("/", 401, 1), ("/entities", 304, 2)]);
    }
}
