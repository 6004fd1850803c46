//! The errors of requests to Authentik. A message states the problem; `remedy` says what to do.

use std::time::Duration;

use reqwest::StatusCode;

use super::wire::List;
use crate::counted::counted;
use crate::outbound::error::OutboundError;

/// Why no client can be created.
#[derive(Debug, thiserror::Error)]
pub enum ClientSetupError {
    /// The token is not a valid header value.
    #[error("`token` has a character that an HTTP header cannot contain")]
    Token,
    /// The HTTP client cannot be created.
    #[error("{0}")]
    Outbound(#[from] OutboundError),
}

/// Why a request to Authentik failed, or its answer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host has no address.
    #[error("cannot resolve the host of {url} ({cause})")]
    Dns {
        /// The requested URL.
        url: String,
        /// The error of the operating system.
        cause: String,
    },
    /// No connection to the server.
    #[error("cannot connect to {url} ({cause})")]
    Connect {
        /// The requested URL.
        url: String,
        /// The error of the operating system.
        cause: String,
    },
    /// The proxy cannot be reached, or refuses to forward.
    #[error("cannot reach {url} through the proxy {proxy} ({cause})")]
    Proxy {
        /// The proxy and its variable, without credentials.
        proxy: String,
        /// The URL that was requested.
        url: String,
        /// The error of the system or the proxy.
        cause: String,
    },
    /// Another error of a request that went through a proxy.
    #[error("through the proxy {proxy}: {error}")]
    Proxied {
        /// The proxy and its variable, without credentials.
        proxy: String,
        /// The error.
        error: Box<Error>,
    },
    /// The server's certificate is not trusted, or the server does not speak TLS.
    #[error("TLS with {url} failed ({cause})")]
    Tls {
        /// The requested URL.
        url: String,
        /// The error of the TLS library.
        cause: String,
    },
    /// No complete answer within the timeout.
    #[error(
        "no complete answer from {url} within {} s",
        limit.as_secs_f64()
    )]
    Timeout {
        /// The requested URL.
        url: String,
        /// The timeout of a request.
        limit: Duration,
    },
    /// The connection closed before the answer was complete.
    #[error("the connection to {url} was interrupted ({cause})")]
    Broken {
        /// The requested URL.
        url: String,
        /// The error of the HTTP library.
        cause: String,
    },
    /// Authentik is overloaded or starting.
    #[error(
        "{url} answered {status}{}: Authentik is overloaded, restarting or behind a failing proxy",
        retry_after.map(|pause| format!(" with a `Retry-After` of {} s", pause.as_secs())).unwrap_or_default()
    )]
    Unavailable {
        /// The requested URL.
        url: String,
        /// The status.
        status: StatusCode,
        /// The pause in `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// A redirect. The client does not follow it, since it must not send the token to another
    /// address.
    #[error("{url} redirects to {target}, and redirects are not followed")]
    Redirected {
        /// The requested URL.
        url: String,
        /// The target without its query.
        target: String,
    },
    /// Authentik does not accept the token.
    #[error(
        "Authentik refuses the token ({detail}): it is mistyped, expired or deleted, its user is \
         inactive, or it is an app password"
    )]
    Token {
        /// The text of Authentik.
        detail: String,
    },
    /// The token is valid, but may not view a list.
    #[error(
        "the token is valid but lacks the permission `{}`", list.permission()
    )]
    Permission {
        /// The list that was refused.
        list: List,
    },
    /// Something between this service and Authentik refuses the request.
    #[error("{url} answered {status}, and the answer is not Authentik's ({origin})")]
    Blocked {
        /// The requested URL.
        url: String,
        /// The status.
        status: StatusCode,
        /// The `Server` and `Content-Type` headers of the answer.
        origin: String,
    },
    /// Another server answers at the address.
    #[error("{url} is not Authentik's API: {what}")]
    NotAuthentik {
        /// The requested URL.
        url: String,
        /// How the answer differs.
        what: String,
    },
    /// Any other error status.
    #[error("{url} answered {status} ({detail})")]
    Status {
        /// The requested URL.
        url: String,
        /// The status.
        status: StatusCode,
        /// The text of Authentik.
        detail: String,
    },
    /// An answer does not have the form that this version expects.
    #[error("{url} returned unexpected data at `{path}`: {problem}")]
    Malformed {
        /// The requested URL.
        url: String,
        /// The path in the JSON.
        path: String,
        /// What is wrong there.
        problem: String,
    },
    /// More than a few rows of a list do not have the form that this version expects.
    #[error(
        "{broken} of {} of the {list} list cannot be read, such as the one with the pk {pk} at \
         `{field}`: {problem}",
        counted(*rows, "row")
    )]
    BrokenRows {
        /// The list.
        list: List,
        /// Number of broken rows.
        broken: usize,
        /// Number of all rows.
        rows: usize,
        /// The pk of the first broken row.
        pk: String,
        /// The path in that row.
        field: Box<str>,
        /// What is wrong there.
        problem: Box<str>,
    },
    /// An answer is larger than a page can be.
    #[error(
        "{url} answers with more than {} MiB, which is too large for a page",
        limit >> 20
    )]
    TooLarge {
        /// The requested URL.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A list claims more rows or pages than the limit.
    #[error(
        "the {list} list claims to have {} on {}, more than {limit}",
        counted(*count, "row"),
        counted(*total_pages, "page")
    )]
    Endless {
        /// The list.
        list: List,
        /// The claimed number of rows.
        count: usize,
        /// The claimed number of pages.
        total_pages: usize,
        /// The limit for each of them.
        limit: usize,
    },
    /// A list is larger than the limit.
    #[error("the {list} list is larger than {} MiB", limit >> 20)]
    Oversized {
        /// The list.
        list: List,
        /// The limit in bytes.
        limit: usize,
    },
    /// A list could not be proven complete.
    #[error(
        "the {list} list could not be read completely in {rounds} attempts: it changes during each of them, \
         or Authentik's count is wrong ({} read, {count} counted)",
        counted(*rows, "row")
    )]
    Incomplete {
        /// The list.
        list: List,
        /// Number of distinct rows in the last attempt.
        rows: usize,
        /// Authentik's count at its end.
        count: usize,
        /// Number of attempts.
        rounds: usize,
    },
    /// A list is never in the order that the proof of completeness needs.
    #[error(
        "the {list} list was not in the order of `ordering=pk` in {rounds} attempts, so it cannot be proven \
         complete"
    )]
    Unordered {
        /// The list.
        list: List,
        /// Number of attempts.
        rounds: usize,
    },
    /// The user list is empty. It lacks even the token's own user.
    #[error(
        "Authentik answers with an empty user list, though the token's own user must be in it (an internal \
         service account without permission gets an empty list and no error)"
    )]
    Empty,
}

impl Error {
    /// The stable code of the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Proxy { .. } => "proxy",
            Self::Proxied { error, .. } => error.code(),
            Self::Tls { .. } => "tls",
            Self::Timeout { .. } => "request-timeout",
            Self::Broken { .. } => "connection-broken",
            Self::Unavailable { .. } => "unavailable",
            Self::Redirected { .. } => "redirect",
            Self::Token { .. } => "token",
            Self::Permission { .. } => "permission",
            Self::Blocked { .. } => "blocked",
            Self::NotAuthentik { .. } => "not-authentik",
            Self::Status { .. } => "status",
            Self::Malformed { .. } => "malformed",
            Self::BrokenRows { .. } => "broken-rows",
            Self::TooLarge { .. } | Self::Endless { .. } | Self::Oversized { .. } => "too-large",
            Self::Incomplete { .. } => "incomplete",
            Self::Unordered { .. } => "unordered",
            Self::Empty => "empty-user-list",
        }
    }

    /// The part of the message that the server controls. It may contain anything.
    #[must_use]
    pub fn quoted(&self) -> Option<&str> {
        match self {
            Self::Redirected { target: words, .. }
            | Self::Token { detail: words }
            | Self::Status { detail: words, .. }
            | Self::Blocked { origin: words, .. }
            | Self::NotAuthentik { what: words, .. }
            | Self::Malformed { problem: words, .. } => Some(words),
            Self::Proxied { error, .. } => error.quoted(),
            _ => None,
        }
    }

    /// Whether a retry may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Dns { .. }
            | Self::Timeout { .. }
            | Self::Broken { .. }
            | Self::Unavailable { .. } => true,
            // A worker that Authentik recycles answers 500 to the requests in flight.
            Self::Status { status, .. } => status.is_server_error(),
            _ => false,
        }
    }

    /// The pause that the server requires before a retry.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl ClientSetupError {
    /// Returns the stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Token => "client",
            Self::Outbound(error) => error.code(),
        }
    }
}
