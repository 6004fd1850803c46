//! How this process sends requests: which servers it trusts. No redirect is ever followed.

mod ca_file;
pub mod error;
mod trust;

use std::path::Path;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use url::Url;

use error::OutboundError;

/// The `User-Agent` of every request.
const USER_AGENT: &str = concat!("authentik-entity-provider/", env!("CARGO_PKG_VERSION"));

/// Prepares a client for one server. It trusts the system's certificates, and those of a file.
///
/// # Errors
/// When the file cannot be used, or when `https` is needed and no certificate is known at all.
pub fn client(url: &Url, ca_file: Option<&Path>) -> Result<ClientBuilder, OutboundError> {
    let tls = trust::settings(ca_file, url.scheme() == "https")?;
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .user_agent(USER_AGENT))
}
