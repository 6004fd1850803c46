//! Records who reads the entities, so that an operator sees whether Backstage does.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::USER_AGENT;
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use moka::ops::compute::Op;
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
    reads: Cache<Reader, LastRead>,
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
        let mut all: Vec<_> = self.reads.iter().collect();
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    /// Records an answer.
    fn add(&self, reader: Reader, status: u16) {
        let at = self.clock.now();
        self.reads.entry(reader).and_compute_with(|last| {
            let requests = last.map_or(0, |last| last.into_value().requests) + 1;
            Op::Put(LastRead {
                at,
                status,
                requests,
            })
        });
    }
}

impl Reader {
    /// Returns the reader that sent a request.
    fn of(request: &Request) -> Self {
        let agent = request.headers().get(USER_AGENT);
        let agent = agent
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default();
        Self {
            target: target(
                request.uri().path(),
                request.uri().query().unwrap_or_default(),
            ),
            agent: agent.chars().take(AGENT_LENGTH).collect(),
        }
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

/// Records the reader of a request and the status of its answer. The requests of the page for people do not
/// count; a browser marks them by a header (Fetch Metadata).
pub(super) async fn record(
    State(readers): State<Arc<ReaderLog>>,
    request: Request,
    next: Next,
) -> Response {
    let site = request.headers().get("sec-fetch-site");
    if site.is_some_and(|site| site == "same-origin") {
        return next.run(request).await;
    }
    let reader = Reader::of(&request);
    let response = next.run(request).await;
    readers.add(reader, response.status().as_u16());
    response
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
