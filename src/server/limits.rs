//! Limits for sizes, counts and times of one client.

use std::time::Duration;

/// The largest head of a request, in bytes: the longest useful query has two kilobytes, and proxies add
/// headers and cookies.
pub const MAX_HEAD: usize = 32 << 10;

/// The most headers of a request; browsers behind proxies send about forty.
pub const MAX_HEADERS: usize = 100;

/// The most requests at once on one HTTP/2 connection; Backstage reads some ten shards at a time.
pub const MAX_STREAMS: u32 = 32;

/// The HTTP/2 flow-control window in bytes: the default of RFC 9113, section 6.9.2, since no endpoint reads
/// a body.
pub const WINDOW: u32 = 65_535;

/// The limits of a listener; tests have shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of connections. Systems often allow 1024 open files.
    pub connections: usize,
    /// Additional connections for one request each, of which only `/health` and `/metrics` are answered, so
    /// that probes of orchestrators work while all other connections are in use.
    pub reserve: usize,
    /// The time limit for the TLS handshake, and then for the first request.
    pub first_request: Duration,
    /// The time limit from an answer to the next request, so also the idle timeout. Longer than that of
    /// proxies (60 s in nginx), so that the proxy closes an idle connection first.
    pub next_request: Duration,
    /// The time limit for a client that reads no byte of a pending answer.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            reserve: 64,
            first_request: Duration::from_secs(10),
            next_request: Duration::from_secs(75),
            stall: Duration::from_secs(30),
        }
    }
}
