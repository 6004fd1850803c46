//! HTTP clients for requests to other servers: trust, proxies and time limits. Redirects are not followed.

mod ca_file;
pub mod error;
mod no_proxy;
pub mod proxy;
mod trust;

use std::path::Path;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use url::Url;

use error::OutboundError;
use proxy::Proxy;

/// The `User-Agent` of every request.
const USER_AGENT: &str = concat!("authentik-entity-provider/", env!("CARGO_PKG_VERSION"));

/// Returns a client for one server, with an optional proxy. It trusts the system's certificates and those of
/// a file.
///
/// # Errors
/// If the file cannot be used, or `https` is needed and there is no trusted certificate.
pub fn client(
    url: &Url,
    proxy: Option<&Proxy>,
    ca_file: Option<&Path>,
) -> Result<ClientBuilder, OutboundError> {
    let is_tls = url.scheme() == "https" || proxy.is_some_and(Proxy::is_https);
    let tls = trust::settings(ca_file, is_tls)?;
    // The library reads these variables too, but ignores invalid values silently.
    let builder = Client::builder().no_proxy();
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy.settings().map_err(OutboundError::Http)?),
        None => builder,
    };
    Ok(builder
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .user_agent(USER_AGENT))
}
