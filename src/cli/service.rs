//! Asks a running service.

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
/// What people copy from a service, which may follow its URL; of two with the same end the longer one comes
/// first.
const ANSWERED: [&str; 6] = [
    "/health/ready",
    "/health/live",
    "/health",
    "/entities",
    "/locations",
    "/explain",
];
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A service that someone runs.
#[derive(Debug)]
pub(super) struct Service {
    http: reqwest::Client,
    base: Url,
    proxy: Option<String>,
    token: Option<SecretString>,
}

impl Service {
    /// A service by its URL, or by that of something it answers. A `?token=` is sent in the header.
    pub(super) fn at(url: &str) -> anyhow::Result<Self> {
        let (base, token) = split(url)?;
        let proxies = Proxies::from_env(|name| ProcessEnvironment.var(name))?;
        let proxy = proxies.of(&base);
        let client = outbound::client(&base, proxy, None)?.timeout(PATIENCE);
        Ok(Self {
            http: client.build()?,
            proxy: proxy.map(ToString::to_string),
            base,
            token,
        })
    }

    /// The service with a token, unless its URL had one.
    pub(super) fn with_token(self, token: Option<SecretString>) -> Self {
        Self {
            token: self.token.or(token),
            ..self
        }
    }

    /// The URL of a service with a configuration on this machine.
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

    /// The URL of something that a service answers, by the URL of the service or of anything it answers.
    pub(super) fn address_of(url: &str, path: &str) -> anyhow::Result<Url> {
        let (mut address, _) = split(url)?;
        address.set_path(&format!("{}{path}", address.path().trim_end_matches('/')));
        Ok(address)
    }

    /// The URL as it may be shown: without a password and a token.
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
        // Only a URL without a host refuses, and such a URL has no password.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.as_str().trim_end_matches('/').to_owned()
    }

    /// The body of an answer.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        // The URL may hold a password, which errors do not repeat.
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

/// The base URL of a service and the token in a URL of it, such as that of a Backstage target.
fn split(url: &str) -> anyhow::Result<(Url, Option<SecretString>)> {
    let base = Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    let mut base = base.context(
        "the URL of the service must be like `http://127.0.0.1:8080`; check --url or --against",
    )?;
    let path = base.path().trim_end_matches('/');
    let shorter = ANSWERED.iter().find_map(|end| path.strip_suffix(end));
    let path = shorter.unwrap_or(path).to_owned();
    base.set_path(&path);
    let mut pairs = base.query_pairs();
    let token = pairs
        .find(|(name, _)| name == TOKEN)
        .map(|(_, token)| token.replace(' ', "+").into());
    base.set_query(None);
    base.set_fragment(None);
    Ok((base, token))
}

/// What lies at the bottom of a failed request, such as `Connection refused`.
pub(super) fn cause(error: reqwest::Error) -> anyhow::Error {
    anyhow!("{}", anyhow::Error::new(error.without_url()).root_cause())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_asked_on_loopback() {
        for (listen, url) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:81", "http://[::1]:81"),
            ("192.0.2.1:82", "http://192.0.2.1:82"),
        ] {
            let service = ServiceConfig {
                listen: listen.parse().unwrap(),
                ..ServiceConfig::default()
            };
            assert_eq!(Service::url_of(&service), url);
        }
    }

    #[test]
    fn the_url_may_be_that_of_anything_that_is_answered() {
        for url in [
            "http://h/base",
            "http://h/base/health",
            "http://h/base/health/ready/",
            "http://h/base/health/live?a#b",
            "http://h/base/entities?format=json",
        ] {
            let ready = Service::address_of(url, "/health/ready").unwrap();
            assert_eq!(ready.as_str(), "http://h/base/health/ready", "{url}");
        }
        let ready = Service::address_of("http://h:1", "/health/ready").unwrap();
        assert_eq!(ready.as_str(), "http://h:1/health/ready");
    }

    #[test]
    fn the_url_may_be_that_of_the_entities() {
        for url in [
            "http://h/base",
            "http://h/base/",
            "http://h/base/entities?format=json",
        ] {
            assert_eq!(Service::at(url).unwrap().base.as_str(), "http://h/base");
        }
        let url = "http://h/base/entities?kind=user&token=a%2Bb+c";
        let service = Service::at(url).unwrap().with_token(Some("other".into()));
        assert_eq!(service.token.unwrap().expose_secret(), "a+b+c");
        assert_eq!(service.base.as_str(), "http://h/base");
        assert_eq!(Service::shown(url), "http://h/base/entities");
        assert!(Service::at("file.yaml").is_err());
    }
}
