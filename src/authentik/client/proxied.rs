//! Failures of requests that went through a proxy: they name it.

use std::future::Future;

use reqwest::StatusCode;

use super::Client;
use crate::authentik::error::Error;

impl Client {
    /// The outcome of a request. If it failed, the error names the proxy, if there is one.
    pub(super) async fn by_proxy<T>(
        &self,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        request.await.map_err(|error| self.proxied(error))
    }

    /// An error that names the proxy, if there is one. Errors about tokens and permissions come
    /// from Authentik itself, so they do not name it.
    pub(super) fn proxied(&self, error: Error) -> Error {
        let Some(proxy) = self.settings.proxies.of(self.settings.base_url.url()) else {
            return error;
        };
        let proxy = proxy.to_string();
        match error {
            Error::Connect { url, cause } | Error::Dns { url, cause } => {
                Error::Proxy { proxy, url, cause }
            }
            Error::Status { url, status, .. } | Error::Blocked { url, status, .. }
                if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED =>
            {
                let cause = "it asks for a user and a password".to_owned();
                Error::Proxy { proxy, url, cause }
            }
            error @ (Error::Token { .. } | Error::Permission { .. }) => error,
            error => Error::Proxied {
                proxy,
                error: Box::new(error),
            },
        }
    }
}
