//! What one client may take of the service, and how long it may take for it.

use std::time::Duration;

/// The largest head of a request, in bytes: the longest useful query has two kilobytes, and proxies add
/// headers and cookies.
pub const MAX_HEAD: usize = 32 << 10;

/// The most headers of a request; browsers behind proxies send about forty.
pub const MAX_HEADERS: usize = 100;

/// The most requests at once on one HTTP/2 connection; Backstage reads some ten shards at a time.
pub const MAX_STREAMS: u32 = 32;

/// How much of a body is taken from an HTTP/2 client before anybody reads it, which nobody does; the
/// default window of the protocol (RFC 9113, section 6.9.2).
pub const WINDOW: u32 = 65_535;

/// The limits of a listener; tests have shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that are served as they wish. Systems often allow 1024 open files.
    pub connections: usize,
    /// Connections beyond those: one request each, and only `/health` and `/metrics` are answered. They
    /// keep the probes of orchestrators working while others hold all connections.
    pub reserve: usize,
    /// How long a client may take for the TLS handshake, and then until its first request has come.
    pub first_request: Duration,
    /// How long a later request may take, counted from the answer before: also how long a connection may
    /// be idle. Longer than proxies keep idle connections (60 s in nginx), so that they end them first.
    pub next_request: Duration,
    /// How long a client may read nothing of an answer that waits for it.
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
