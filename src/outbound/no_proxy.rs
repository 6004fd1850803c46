//! The hosts of `NO_PROXY`, with the syntax of curl and Go.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

/// Servers that are reached without a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NoProxy(Vec<Exception>);

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    hosts: Hosts,
    /// Only this port, if the entry names one.
    port: Option<u16>,
}

/// The hosts of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    /// Every name and every address.
    All,
    /// Addresses; a single one is a network of its own.
    Network(IpNet),
    /// A domain and its subdomains.
    Domain(String),
    /// The subdomains of a domain, without the domain itself.
    Subdomains(String),
}

impl NoProxy {
    /// Parses a list with commas or blanks between the entries.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split(|letter: char| letter == ',' || letter.is_whitespace());
        let entries = entries.filter(|entry| !entry.is_empty());
        Self(entries.map(Exception::parse).collect())
    }

    /// Returns true if a server is reached without a proxy.
    pub(super) fn contains(&self, url: &Url) -> bool {
        let (Some(host), port) = (url.host(), url.port_or_known_default()) else {
            return false;
        };
        self.0.iter().any(|exception| {
            let is_port = exception.port.is_none_or(|only| Some(only) == port);
            is_port && exception.hosts.contain(&host)
        })
    }
}

impl Exception {
    fn parse(entry: &str) -> Self {
        let (hosts, port) = split_port(entry);
        Self {
            hosts: Hosts::parse(hosts),
            port,
        }
    }
}

impl Hosts {
    fn parse(text: &str) -> Self {
        let address = text.trim_start_matches('[').trim_end_matches(']');
        let network = address
            .parse()
            .or_else(|_| address.parse::<IpAddr>().map(IpNet::from));
        if let Ok(network) = network {
            return Self::Network(network);
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        match (name.as_str(), name.strip_prefix("*.")) {
            ("*", _) => Self::All,
            (_, Some(domain)) => Self::Subdomains(domain.to_owned()),
            _ => Self::Domain(name.trim_start_matches('.').to_owned()),
        }
    }

    fn contain(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::All, _) => true,
            (Self::Network(network), Host::Ipv4(ip)) => network.contains(&IpAddr::V4(*ip)),
            (Self::Network(network), Host::Ipv6(ip)) => network.contains(&IpAddr::V6(*ip)),
            (Self::Domain(domain), Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                name == domain || is_below(name, domain)
            }
            (Self::Subdomains(domain), Host::Domain(name)) => {
                is_below(name.trim_end_matches('.'), domain)
            }
            _ => false,
        }
    }
}

/// Returns true if a name is a subdomain of a domain.
fn is_below(name: &str, domain: &str) -> bool {
    let above = name.strip_suffix(domain);
    above.is_some_and(|above| above.ends_with('.'))
}

/// Splits an entry into host and port. In an IPv6 address without brackets every colon belongs to the address.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let Some((host, port)) = entry.rsplit_once(':') else {
        return (entry, None);
    };
    let is_whole = !host.contains(':') || host.ends_with(']');
    match port.parse() {
        Ok(port) if is_whole => (host, Some(port)),
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_excepts(list: &str, direct: &[&str], by_proxy: &[&str]) {
        let list = NoProxy::parse(list);
        for (urls, expected) in [(direct, true), (by_proxy, false)] {
            for url in urls {
                let parsed = Url::parse(url).unwrap();
                assert_eq!(list.contains(&parsed), expected, "{list:?} {url}");
            }
        }
    }

    #[test]
    fn a_domain_counts_with_what_is_below_it() {
        for list in [
            "example.com",
            ".example.com",
            "EXAMPLE.com.",
            "other.org, example.com",
        ] {
            assert_excepts(
                list,
                &[
                    "https://example.com",
                    "http://a.b.example.com:8080",
                    "https://EXAMPLE.COM.",
                ],
                &[
                    "https://notexample.com",
                    "https://example.com.evil.org",
                    "http://com",
                ],
            );
        }
        assert_excepts(
            "*.example.com",
            &["https://a.example.com", "https://a.b.example.com"],
            &["https://example.com", "https://aexample.com"],
        );
    }

    #[test]
    fn an_entry_with_a_port_counts_for_this_port_alone() {
        assert_excepts(
            "example.com:8443 [::1]:81 192.0.2.1:82",
            &[
                "https://a.example.com:8443",
                "http://[::1]:81",
                "http://192.0.2.1:82",
            ],
            &["https://example.com", "http://[::1]", "http://192.0.2.1"],
        );
        assert_excepts(
            "example.com:443",
            &["https://example.com"],
            &["http://example.com"],
        );
    }

    #[test]
    fn addresses_and_networks_count_for_addresses_alone() {
        assert_excepts(
            "10.0.0.0/8,2001:db8::/32,192.0.2.7,[::1],fe80::1",
            &[
                "http://10.255.0.1",
                "http://[2001:db8::5]:9000",
                "http://192.0.2.7",
                "http://[::1]",
                "http://[fe80::1]",
            ],
            &[
                "http://11.0.0.1",
                "http://[2001:db9::5]",
                "http://192.0.2.70.example.com",
            ],
        );
    }

    #[test]
    fn a_star_alone_counts_for_everything() {
        let all = ["http://example.com", "http://192.0.2.1", "http://[::1]:9"];
        assert_excepts("a, * ,b", &all, &[]);
        assert_excepts("", &[], &all);
        assert_excepts(", ,", &[], &all);
    }
}
