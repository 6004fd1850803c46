//! Where a request came from, and under which URL this service was asked.
//!
//! What proxies add to a request counts only if the peer is one that the operator trusts; anybody else
//! can write the same headers. Of several values the last one counts, which the peer itself wrote.
//! RFC 7239's `Forwarded` is not read: most proxies pass on what they do not know, and who wrote it
//! could not be told.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;
use url::Url;

use crate::http::error::ApiError;
use crate::http::state::AppState;

/// The longest host and the longest prefix that are taken from a request, in bytes: each of up to 1024
/// targets repeats them. A name in DNS has 253 characters (RFC 1035, section 2.3.4).
const MAX_PART: usize = 300;

/// What the operator says of the ways to this service.
#[derive(Clone, Debug, Default)]
pub struct PublicUrls {
    /// The URL of this service without a trailing slash, whatever requests say.
    pub public_url: Option<String>,
    /// Peers whose forwarded headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether the service itself speaks TLS.
    pub is_tls: bool,
}

/// The URL of this service as clients reach it, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl {
    /// The URL.
    pub base: String,
    /// Whether it was made from the request, and another request may give another one.
    pub is_from_request: bool,
}

impl PublicUrls {
    /// The URL under which a request reached this service.
    ///
    /// # Errors
    /// When the host or what a trusted proxy says cannot stand in a URL.
    pub fn service_url(&self, parts: &Parts) -> Result<ServiceUrl, ApiError> {
        if let Some(base) = &self.public_url {
            return Ok(ServiceUrl {
                base: base.clone(),
                is_from_request: false,
            });
        }
        let trusted = peer(&parts.extensions).is_some_and(|peer| self.trusts(peer));
        let forwarded = |name| {
            if trusted {
                last(&parts.headers, name)
            } else {
                Ok(None)
            }
        };
        let scheme = scheme(forwarded("x-forwarded-proto")?, self.is_tls)?;
        let (named, host) = match forwarded("x-forwarded-host")? {
            Some(host) => ("x-forwarded-host", host),
            None => ("host", request_host(parts)?),
        };
        let prefix = forwarded("x-forwarded-prefix")?
            .unwrap_or_default()
            .trim_end_matches('/');
        let url = root(scheme, host).ok_or(ApiError::Host(named))?;
        let base = below(url, prefix).ok_or(ApiError::Host("x-forwarded-prefix"))?;
        Ok(ServiceUrl {
            base,
            is_from_request: true,
        })
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(&address))
    }
}

impl FromRequestParts<AppState> for ServiceUrl {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        state.public_urls.service_url(parts)
    }
}

/// The other end of the connection; an IPv4 address is one also on a socket for IPv6.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.ip().to_canonical())
}

/// The last value of a list header.
fn last<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ApiError> {
    let Some(value) = headers.get_all(name).iter().next_back() else {
        return Ok(None);
    };
    let value = value.to_str().map_err(|_| ApiError::Host(name))?;
    Ok(value.rsplit(',').next().map(str::trim))
}

/// The host that the client asked: that of the request's own target (HTTP/2 and absolute URLs, RFC
/// 9112, section 3.2.2), else the `Host` header, of which there must be one.
fn request_host(parts: &Parts) -> Result<&str, ApiError> {
    if let Some(authority) = parts.uri.authority() {
        return Ok(authority.as_str());
    }
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (
        hosts.next().and_then(|host| host.to_str().ok()),
        hosts.next(),
    ) {
        (Some(host), None) => Ok(host),
        _ => Err(ApiError::Host("host")),
    }
}

/// The scheme that a proxy was asked with, else that of the service itself.
fn scheme(forwarded: Option<&str>, is_tls: bool) -> Result<&'static str, ApiError> {
    match forwarded.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(if is_tls { "https" } else { "http" }),
        Some("http") => Ok("http"),
        Some("https") => Ok("https"),
        Some(_) => Err(ApiError::Host("x-forwarded-proto")),
    }
}

/// The URL of a host, if the text is a host with or without a port and nothing else.
fn root(scheme: &str, host: &str) -> Option<Url> {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let plain = (1..=MAX_PART).contains(&host.len()) && host.bytes().all(is_host);
    plain.then(|| Url::parse(&format!("{scheme}://{host}")).ok())?
}

/// A URL with a path below it, if the text is a path and nothing else; without a trailing slash.
fn below(mut url: Url, prefix: &str) -> Option<String> {
    // `*` is missing too, since Backstage refuses it in a path.
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let plain = prefix.len() <= MAX_PART && prefix.bytes().all(is_path);
    url.set_path(prefix);
    // A path that leads upwards or does not begin with a slash is another one now.
    let same = url.path().trim_end_matches('/') == prefix;
    (plain && same).then(|| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
