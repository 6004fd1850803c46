//! A client of a running service, for `diff`, `explain` and `healthcheck`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::config::{Environment, ProcessEnvironment, ServiceConfig};
use crate::inert::inert;
use crate::outbound;
use crate::outbound::proxy::Proxies;

/// The parameter of a URL that holds a token.
const TOKEN: &str = "token";
/// Paths that may follow the base URL of a service. A longer path comes before its suffix.
const KNOWN_PATHS: [&str; 6] = [
    "/health/ready",
    "/health/live",
    "/health",
    "/entities",
    "/locations",
    "/explain",
];
/// The time limit of a request.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A client of a running service.
#[derive(Debug)]
pub(super) struct ServiceClient {
    http: reqwest::Client,
    base: Url,
    proxy: Option<String>,
    token: Option<SecretString>,
}

impl ServiceClient {
    /// Returns the client for a base URL, or for the URL of an endpoint. A `?token=` is sent as a header.
    pub(super) fn at(url: &str) -> anyhow::Result<Self> {
        let (base, token) = split(url)?;
        let proxies = Proxies::from_env(|name| ProcessEnvironment.var(name))?;
        let proxy = proxies.of(&base);
        let client = outbound::client(&base, proxy, None)?.timeout(TIMEOUT);
        Ok(Self {
            http: client.build()?,
            proxy: proxy.map(ToString::to_string),
            base,
            token,
        })
    }

    /// Sets the token, unless the URL had one.
    pub(super) fn with_token(self, token: Option<SecretString>) -> Self {
        Self {
            token: self.token.or(token),
            ..self
        }
    }

    /// Returns the URL of the service with a configuration on this machine.
    pub(super) fn url_of(service: &ServiceConfig) -> String {
        let listen = service.listen;
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!(
            "{}://{}",
            service.scheme(),
            SocketAddr::new(ip, listen.port())
        )
    }

    /// Returns the URL of an endpoint, from the base URL or the URL of another endpoint.
    pub(super) fn address_of(url: &str, path: &str) -> anyhow::Result<Url> {
        let (mut address, _) = split(url)?;
        address.set_path(&format!("{}{path}", address.path().trim_end_matches('/')));
        Ok(address)
    }

    /// Returns the URL without password and token.
    pub(super) fn shown(url: &str) -> String {
        let Ok(mut shown) = Url::parse(url) else {
            return url.to_owned();
        };
        let has_token = shown.query_pairs().any(|(name, _)| name == TOKEN);
        if shown.username().is_empty() && shown.password().is_none() && !has_token {
            return url.to_owned();
        }
        if has_token {
            shown.set_query(None);
        }
        // This fails only for a URL without a host, which has no password.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.as_str().trim_end_matches('/').to_owned()
    }

    /// Returns the body of an answer.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        // Without a password in the URL, for errors.
        let place = format!("{}{}", url.origin().ascii_serialization(), url.path());
        let place = match &self.proxy {
            Some(proxy) => format!("{place} through the proxy {proxy}"),
            None => place,
        };
        let request = self.http.get(url).query(query);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        let sent = request.send().await.map_err(cause);
        let answer = sent.with_context(|| format!("cannot read {place}; is it running there?"))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(cause);
        let body = body.with_context(|| format!("cannot read {place}"))?;
        let problem = || {
            serde_json::from_slice::<Value>(&body).ok()?["detail"]
                .as_str()
                .map(str::to_owned)
        };
        if let Some(detail) = Some(())
            .filter(|()| !status.is_success())
            .and_then(|()| problem())
        {
            bail!("{}", inert(&detail));
        }
        ensure!(
            status.is_success(),
            "{place} answers {status}; is it this service?"
        );
        Ok(body.into())
    }
}

/// Splits the URL of an endpoint, such as a Backstage target, into the base URL and the token.
fn split(url: &str) -> anyhow::Result<(Url, Option<SecretString>)> {
    let base = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    let mut base = base.context(
        "the URL of the service must be like `http://127.0.0.1:8080`; check --url or --against",
    )?;
    let path = base.path().trim_end_matches('/');
    let base_path = KNOWN_PATHS.iter().find_map(|end| path.strip_suffix(end));
    let path = base_path.unwrap_or(path).to_owned();
    base.set_path(&path);
    let mut pairs = base.query_pairs();
    let token = pairs
        .find(|(name, _)| name == TOKEN)
        .map(|(_, token)| token.replace(' ', "+").into());
    base.set_query(None);
    base.set_fragment(None);
    Ok((base, token))
}

/// Returns the root cause of a failed request, such as `Connection refused`.
pub(super) fn cause(error: reqwest::Error) -> anyhow::Error {
    anyhow!("{}", anyhow::Error::new(error.without_url()).root_cause())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_on_all_addresses_is_reached_on_loopback() {
        for (listen, url) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:81", "http://[::1]:81"),
            ("192.0.2.1:82", "http://192.0.2.1:82"),
        ] {
            let service = ServiceConfig {
                listen: listen.parse().unwrap(),
                ..ServiceConfig::default()
            };
            assert_eq!(ServiceClient::url_of(&service), url);
        }
    }

    #[test]
    fn the_url_may_be_that_of_any_endpoint() {
        for url in [
            "http://h/base",
            "http://h/base/health",
            "http://h/base/health/ready/",
            "http://h/base/health/live?a#b",
            "http://h/base/entities?format=json",
        ] {
            let ready = ServiceClient::address_of(url, "/health/ready").unwrap();
            assert_eq!(ready.as_str(), "http://h/base/health/ready", "{url}");
        }
        let ready = ServiceClient::address_of("http://h:1", "/health/ready").unwrap();
        assert_eq!(ready.as_str(), "http://h:1/health/ready");
    }

    #[test]
    fn the_url_may_be_that_of_the_entities() {
        for url in [
            "http://h/base",
            "http://h/base/",
            "http://h/base/entities?format=json",
        ] {
            assert_eq!(
                ServiceClient::at(url).unwrap().base.as_str(),
                "http://h/base"
            );
        }
        let url = "http://h/base/entities?kind=user&token=a%2Bb+c";
        let service = ServiceClient::at(url)
            .unwrap()
            .with_token(Some("other".into()));
        assert_eq!(service.token.unwrap().expose_secret(), "a+b+c");
        assert_eq!(service.base.as_str(), "http://h/base");
        assert_eq!(ServiceClient::shown(url), "http://h/base/entities");
        assert!(ServiceClient::at("file.yaml").is_err());
    }
}
