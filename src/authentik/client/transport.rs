//! Classifies the failures of a connection.

use super::Client;
use crate::authentik::error::Error;

impl Client {
    /// The error for a failure of the HTTP library.
    pub(super) fn transport(&self, url: &str, error: &reqwest::Error) -> Error {
        let (url, cause) = (url.to_owned(), root_cause(error));
        let chain = || {
            std::iter::successors(Some(error as &dyn std::error::Error), |error| {
                error.source()
            })
        };
        if chain().any(is_tls) {
            Error::Tls { url, cause }
        } else if error.is_timeout() {
            Error::Timeout {
                url,
                limit: self.settings.request_timeout,
            }
        } else if chain().any(|error| error.to_string().starts_with("dns error")) {
            Error::Dns { url, cause }
        } else if error.is_connect() {
            Error::Connect { url, cause }
        } else {
            Error::Broken { url, cause }
        }
    }
}

/// Whether an error comes from the TLS library, possibly inside nested [`std::io::Error`]s, which
/// do not return the inner error as their source.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}

/// The last and most specific error of the chain.
fn root_cause(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |error| error.source());
    chain
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
