//! The URL of this service as the client reaches it.
//!
//! Forwarded headers apply only if the operator trusts the peer, since every client can write the
//! same headers. Of several values the last one applies: the peer itself wrote it. RFC 7239's
//! `Forwarded` is ignored: a proxy that does not know it passes it on, so a client may have written
//! it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;
use url::Url;

use crate::http::error::ApiError;
use crate::http::state::AppState;

/// The maximum length of a host and of a prefix from a request, in bytes: up to 1024 targets repeat
/// them. A name in DNS has at most 253 characters (RFC 1035, section 2.3.4).
const MAX_PART: usize = 300;

/// The configuration of the service's URL.
#[derive(Clone, Debug, Default)]
pub struct PublicUrls {
    /// The URL of this service without a trailing slash; overrides every request.
    pub public_url: Option<String>,
    /// Peers whose forwarded headers apply.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether the service itself serves TLS.
    pub is_tls: bool,
}

/// The URL of this service as clients reach it, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl {
    /// The URL.
    pub base: String,
    /// Whether it depends on the request.
    pub is_from_request: bool,
}

impl PublicUrls {
    /// Returns the URL under which a request reached this service.
    ///
    /// # Errors
    /// When the host or a header of a trusted proxy is not valid in a URL.
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

/// Returns the address of the peer. An IPv4 peer of an IPv6 socket has its IPv4 address.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.ip().to_canonical())
}

/// Returns the last value of a list header.
fn last<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ApiError> {
    let Some(value) = headers.get_all(name).iter().next_back() else {
        return Ok(None);
    };
    let value = value.to_str().map_err(|_| ApiError::Host(name))?;
    Ok(value.rsplit(',').next().map(str::trim))
}

/// Returns the requested host: from the request's target (HTTP/2 and absolute URLs, RFC 9112,
/// section 3.2.2), otherwise from the `Host` header, which must occur once.
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

/// Returns the scheme of the request to the proxy, or that of the service itself.
fn scheme(forwarded: Option<&str>, is_tls: bool) -> Result<&'static str, ApiError> {
    match forwarded.map(str::to_ascii_lowercase).as_deref() {
        None => Ok(if is_tls { "https" } else { "http" }),
        Some("http") => Ok("http"),
        Some("https") => Ok("https"),
        Some(_) => Err(ApiError::Host("x-forwarded-proto")),
    }
}

/// Returns the URL of a host, if the text is only a host with an optional port.
fn root(scheme: &str, host: &str) -> Option<Url> {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let plain = (1..=MAX_PART).contains(&host.len()) && host.bytes().all(is_host);
    plain.then(|| Url::parse(&format!("{scheme}://{host}")).ok())?
}

/// Returns a URL with a path, without a trailing slash, if the text is only a path.
fn below(mut url: Url, prefix: &str) -> Option<String> {
    // `*` is excluded too, since Backstage refuses it in a path.
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let plain = prefix.len() <= MAX_PART && prefix.bytes().all(is_path);
    url.set_path(prefix);
    // The parser changes a path with `..`, or without a leading slash.
    let same = url.path().trim_end_matches('/') == prefix;
    (plain && same).then(|| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
