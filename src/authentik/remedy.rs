//! The remedies for failed requests to Authentik.

use super::error::{ClientSetupError, Error};

const CHECK_BASE_URL: &str = "check what answers at `baseUrl`";
const REPORT: &str = "please report this with Authentik's version";

impl Error {
    /// The remedy. The message of the error states the problem alone.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Dns { .. } => "check `baseUrl` and the DNS of this machine",
            Self::Connect { .. } => {
                "check that Authentik runs there and that no firewall blocks the connection"
            }
            Self::Proxy { .. } => "check the proxy, or name the host in NO_PROXY if it needs none",
            Self::Proxied { error, .. } => error.remedy(),
            Self::Tls { .. } => {
                "check the certificate, set `entityProvider.caFile` for a private CA, and check \
                 that `baseUrl` has the right scheme"
            }
            Self::Timeout { .. } => {
                "if Authentik is only slow, raise `entityProvider.requestTimeout` or lower \
                 `entityProvider.pageSize`"
            }
            Self::Broken { .. } => "if this persists, check that `baseUrl` has the right scheme",
            Self::Unavailable { .. } => "check the load of Authentik, or try again in a moment",
            Self::Redirected { .. } => "set `baseUrl` to the final address",
            Self::Token { .. } => "create a token with the intent `API` that does not expire",
            Self::Permission { .. } => {
                "give a role with the global permissions `view_user` and `view_group` to its user"
            }
            Self::Blocked { .. } => {
                "check the proxy, firewall, CDN or service mesh between this service and \
                 Authentik, and allow the requests to `/api/v3/`"
            }
            Self::NotAuthentik { .. } => "check `baseUrl`",
            Self::Status { .. } => "look into Authentik's log for the reason",
            Self::Malformed { .. } | Self::BrokenRows { .. } => REPORT,
            Self::TooLarge { .. } => {
                "lower `entityProvider.pageSize`, or check what else answers there"
            }
            Self::Endless { .. } | Self::Oversized { .. } => CHECK_BASE_URL,
            Self::Incomplete { .. } => "the next run tries again",
            Self::Unordered { .. } => {
                "check that no proxy or cache on the way drops or rewrites the query of a request"
            }
            Self::Empty => "give the token's role the global permission `view_user`",
        }
    }

    /// The problem and its remedy in one sentence.
    #[must_use]
    pub fn explained(&self) -> String {
        format!("{self}; {}", self.remedy())
    }
}

impl ClientSetupError {
    /// The remedy. The message of the error states the problem alone.
    #[must_use]
    pub fn remedy(&self) -> &str {
        match self {
            Self::Token => "copy it again from Authentik",
            Self::Outbound(error) => error.remedy(),
        }
    }

    /// The problem and its remedy in one sentence.
    #[must_use]
    pub fn explained(&self) -> String {
        format!("{self}; {}", self.remedy())
    }
}
