//! The proxies of the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

use std::fmt;

use url::{Host, Url};

use super::no_proxy::NoProxy;

/// The proxy for each scheme, and the hosts that are reached without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    all: Option<Proxy>,
    except: NoProxy,
}

/// A proxy. Its URL may contain credentials, which `Debug` and `Display` hide.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    variable: String,
    url: Url,
}

/// A variable with an invalid proxy. Its value is not shown, because it may contain credentials.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{variable}: {EXPECTED}")]
pub struct ProxyError {
    /// The variable.
    pub variable: String,
}

/// The expected value of a variable.
pub const EXPECTED: &str = "expected the URL of an HTTP proxy, such as `http://proxy.example.com:3128`; \
    correct it, or unset it to use no proxy";

impl Proxies {
    /// Reads the variables. Upper-case names have precedence, and an empty value counts as unset.
    ///
    /// # Errors
    /// If a variable is not the URL of an HTTP proxy.
    pub fn from_env(var: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let value = |name: &str| {
            let names = [name.to_owned(), name.to_ascii_lowercase()];
            let mut values = names
                .into_iter()
                .filter_map(|name| Some((var(&name)?, name)));
            values.find(|(value, _)| !value.trim().is_empty())
        };
        let proxy = |name| value(name).map(Proxy::parse).transpose();
        let except = value("NO_PROXY").map(|(list, _)| NoProxy::parse(&list));
        Ok(Self {
            https: proxy("HTTPS_PROXY")?,
            http: proxy("HTTP_PROXY")?,
            all: proxy("ALL_PROXY")?,
            except: except.unwrap_or_default(),
        })
    }

    /// Returns the proxy for a server. As in Go, requests to this machine use none.
    #[must_use]
    pub fn of(&self, url: &Url) -> Option<&Proxy> {
        if is_loopback(url) || self.except.contains(url) {
            return None;
        }
        let own = match url.scheme() {
            "https" => &self.https,
            _ => &self.http,
        };
        own.as_ref().or(self.all.as_ref())
    }
}

impl Proxy {
    fn parse((value, variable): (String, String)) -> Result<Self, ProxyError> {
        let value = value.trim();
        let url = if value.contains("://") {
            Url::parse(value)
        } else {
            Url::parse(&format!("http://{value}"))
        };
        match url {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self { variable, url }),
            _ => Err(ProxyError { variable }),
        }
    }

    /// Returns true if the connection to the proxy is encrypted.
    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns the proxy in the form of the HTTP library.
    pub(super) fn settings(&self) -> reqwest::Result<reqwest::Proxy> {
        reqwest::Proxy::all(self.url.clone())
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.url.origin().ascii_serialization();
        write!(f, "{place} ({})", self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns true if a URL refers to this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::from_env(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Returns the shown form of the proxy for a URL.
    fn shown(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let url = Url::parse(url).unwrap();
        proxies(variables)
            .unwrap()
            .of(&url)
            .map(ToString::to_string)
    }

    #[test]
    fn each_scheme_has_its_variable_and_one_is_for_both() {
        let (http, https) = ("http://a.example", "https://a.example");
        let both = [("HTTP_PROXY", "one:3128"), ("https_proxy", "https://two")];
        assert_eq!(shown(&both, http).unwrap(), "http://one:3128 (HTTP_PROXY)");
        assert_eq!(shown(&both, https).unwrap(), "https://two (https_proxy)");
        let empty_first = [
            ("HTTPS_PROXY", " "),
            ("https_proxy", "two"),
            ("ALL_PROXY", "three"),
        ];
        assert_eq!(
            shown(&empty_first, https).unwrap(),
            "http://two (https_proxy)"
        );
        assert_eq!(
            shown(&empty_first, http).unwrap(),
            "http://three (ALL_PROXY)"
        );
        assert_eq!(shown(&[], https), None);
    }

    #[test]
    fn no_proxy_leads_to_this_machine_or_to_an_exception() {
        let variables = [("ALL_PROXY", "one"), ("no_proxy", "a.example")];
        for direct in [
            "http://127.0.0.1:9000",
            "http://localhost",
            "https://[::1]",
            "https://a.example",
        ] {
            assert_eq!(shown(&variables, direct), None, "{direct}");
        }
        assert!(shown(&variables, "https://b.example").is_some());
    }

    #[test]
    fn credentials_are_never_shown() {
        let variables = [("ALL_PROXY", "http://user:s3cret@proxy.example:8080/path")];
        let found = proxies(&variables).unwrap();
        let shown = format!("{found:?} {}", found.all.as_ref().unwrap());
        assert!(
            shown.contains("http://proxy.example:8080 (ALL_PROXY)"),
            "{shown}"
        );
        assert!(
            !shown.contains("s3cret") && !shown.contains("user"),
            "{shown}"
        );
    }

    #[test]
    fn what_is_no_url_of_an_http_proxy_is_refused_unseen() {
        for value in [
            "socks5://s3cret:1080",
            "http://",
            "http://s3cret:port",
            "s3cret proxy",
            "://s3cret",
        ] {
            let error = proxies(&[("HTTPS_PROXY", value)]).unwrap_err();
            assert_eq!(error.variable, "HTTPS_PROXY", "{value}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
