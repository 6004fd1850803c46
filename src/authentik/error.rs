//! What can go wrong between here and Authentik, in words an operator can act on.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;

use super::wire::List;
use crate::counted::counted;

/// Why Authentik cannot even be asked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The token cannot be sent.
    #[error("`token` has a character that cannot stand in a header")]
    Token,
    /// The file with further certificates cannot be used.
    #[error("`entityProvider.caFile` names {}, which cannot be used: {what}", file.display())]
    CaFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The HTTP library refuses, for example because the system's certificates cannot be read.
    #[error("cannot prepare connections")]
    Http(#[from] reqwest::Error),
}

/// Why Authentik could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host has no address.
    #[error(
        "cannot resolve the host of {url} ({cause}); check `baseUrl` and the DNS of this machine"
    )]
    Dns {
        /// What was asked for.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// Nothing answers there.
    #[error(
        "cannot connect to {url} ({cause}); check that Authentik runs there and that no firewall is between"
    )]
    Connect {
        /// What was asked for.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// The other side could not be trusted, or does not speak TLS.
    #[error(
        "TLS with {url} failed ({cause}); check the certificate, name a CA of your own in \
         `entityProvider.caFile`, and check that `baseUrl` has the right scheme"
    )]
    Tls {
        /// What was asked for.
        url: String,
        /// What the TLS library said.
        cause: String,
    },
    /// An answer did not come in time.
    #[error(
        "no complete answer from {url} within {} s; if Authentik is merely slow, raise \
         `entityProvider.requestTimeout` or lower `entityProvider.pageSize`",
        limit.as_secs_f64()
    )]
    Timeout {
        /// What was asked for.
        url: String,
        /// How long one request may take.
        limit: Duration,
    },
    /// The connection ended before the answer did.
    #[error(
        "the connection to {url} broke off ({cause}); if this lasts, check that `baseUrl` has the right scheme"
    )]
    Broken {
        /// What was asked for.
        url: String,
        /// What the HTTP library said.
        cause: String,
    },
    /// Authentik is overloaded or starting.
    #[error(
        "{url} answered {status}{}; Authentik is overloaded, restarting or behind a failing proxy",
        retry_after.map(|pause| format!(" and asks to wait {} s", pause.as_secs())).unwrap_or_default()
    )]
    Unavailable {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
        /// How long to wait, if the answer says so.
        retry_after: Option<Duration>,
    },
    /// Another address was named; the token must not travel there.
    #[error(
        "{url} redirects to {target}; redirects are not followed, set `baseUrl` to the final address"
    )]
    Redirected {
        /// What was asked for.
        url: String,
        /// Where it points.
        target: String,
    },
    /// The token opens nothing.
    #[error(
        "Authentik refuses the token ({detail}); it is mistyped, expired or deleted, its user is inactive, \
         or it is an app password: create a token with the intent `API` that does not expire"
    )]
    Token {
        /// What Authentik said.
        detail: String,
    },
    /// The token is valid and may not see a list.
    #[error(
        "the token is valid but lacks the permission `{}`; give a role with the global permissions \
         `view_user` and `view_group` to its user", list.permission()
    )]
    Permission {
        /// The list that was refused.
        list: List,
    },
    /// Something else answers at the address.
    #[error("{url} is not Authentik's API: {what}; check `baseUrl`")]
    NotAuthentik {
        /// What was asked for.
        url: String,
        /// What gave it away.
        what: String,
    },
    /// Any other refusal.
    #[error("{url} answered {status} ({detail})")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
        /// What Authentik said.
        detail: String,
    },
    /// A row is not what this version expects.
    #[error(
        "{url} sends something unexpected at `{path}`: {problem}; please report this with Authentik's version"
    )]
    Malformed {
        /// What was asked for.
        url: String,
        /// The place in the answer.
        path: String,
        /// What was expected there.
        problem: String,
    },
    /// More than a few rows of a list are not what this version expects.
    #[error(
        "{broken} of {} of the {list} list cannot be read, such as the one with the pk {pk} at \
         `{field}`: {problem}; please report this with Authentik's version",
        counted(*rows, "row")
    )]
    BrokenRows {
        /// The list.
        list: List,
        /// Rows that cannot be read.
        broken: usize,
        /// All rows that were listed.
        rows: usize,
        /// The first broken row.
        pk: String,
        /// The place in it.
        field: Box<str>,
        /// What is wrong there.
        problem: Box<str>,
    },
    /// An answer is larger than any page can be.
    #[error(
        "{url} answers with more than {} MiB, which no page of a list has; lower \
         `entityProvider.pageSize`, or check what else answers there",
        limit >> 20
    )]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A list claims more rows or pages than any list has.
    #[error(
        "the {list} list claims to have {} on {}, more than {limit}; check what answers at `baseUrl`",
        counted(*count, "row"),
        counted(*total_pages, "page")
    )]
    Endless {
        /// The list.
        list: List,
        /// The rows that it claims.
        count: usize,
        /// The pages that it claims.
        total_pages: usize,
        /// How many of either are taken.
        limit: usize,
    },
    /// A list is larger than any that can be kept.
    #[error("the {list} list is larger than {} MiB; check what answers at `baseUrl`", limit >> 20)]
    Oversized {
        /// The list.
        list: List,
        /// The limit in bytes.
        limit: usize,
    },
    /// A list could not be proven complete.
    #[error(
        "the {list} list could not be read completely, {rounds} times over: it changes while it is read, or \
         Authentik's count is wrong ({} read, {count} are counted); the next run tries again",
        counted(*rows, "row")
    )]
    Incomplete {
        /// The list.
        list: List,
        /// Distinct rows that were read.
        rows: usize,
        /// What Authentik counted at the end.
        count: usize,
        /// How often it was read.
        rounds: usize,
    },
    /// No user is visible, not even the token's own.
    #[error(
        "Authentik answers with an empty user list, though the token's own user must be in it (an internal \
         service account without permission gets an empty list and no error); give the token's role the \
         global permission `view_user`"
    )]
    Empty,
}

impl Error {
    /// A stable name of the kind of failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Timeout { .. } => "request-timeout",
            Self::Broken { .. } => "connection-broken",
            Self::Unavailable { .. } => "unavailable",
            Self::Redirected { .. } => "redirect",
            Self::Token { .. } => "token",
            Self::Permission { .. } => "permission",
            Self::NotAuthentik { .. } => "not-authentik",
            Self::Status { .. } => "status",
            Self::Malformed { .. } => "malformed",
            Self::BrokenRows { .. } => "broken-rows",
            Self::TooLarge { .. } | Self::Endless { .. } | Self::Oversized { .. } => "too-large",
            Self::Incomplete { .. } => "incomplete",
            Self::Empty => "empty",
        }
    }

    /// What in the message are the words of whatever answered: they may be anything.
    #[must_use]
    pub fn quoted(&self) -> Option<&str> {
        match self {
            Self::Redirected { target: words, .. }
            | Self::Token { detail: words }
            | Self::Status { detail: words, .. }
            | Self::NotAuthentik { what: words, .. }
            | Self::Malformed { problem: words, .. } => Some(words),
            _ => None,
        }
    }

    /// What is the matter and what to do about it, apart from each other.
    #[must_use]
    pub fn parts(&self) -> (String, String) {
        let told = self.to_string();
        match self {
            Self::Status { .. } => (told, "look into Authentik's log for the reason".into()),
            Self::Unavailable { .. } => (told, "try again in a moment".into()),
            // Every other message ends with its remedy, behind the last semicolon or colon.
            Self::Token { .. } => apart(&told, ": "),
            _ => apart(&told, "; "),
        }
    }

    /// Whether the same request may succeed in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Dns { .. }
                | Self::Timeout { .. }
                | Self::Broken { .. }
                | Self::Unavailable { .. }
        )
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The text before the last separator and the one behind it.
fn apart(text: &str, separator: &str) -> (String, String) {
    let (what, remedy) = text
        .rsplit_once(separator)
        .unwrap_or((text, "look into Authentik's log for the reason"));
    (what.to_owned(), remedy.to_owned())
}
