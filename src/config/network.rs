//! Networks and prefixes: what `trustedProxies` and `locationPrefix` take.

use ipnet::IpNet;

use super::keys::Kind;
use super::scalar;
use super::setting::{Refusal, Setting};
use crate::catalog::location::{LocationPrefix, MAX_PREFIX_LENGTH};

/// Takes a list of IP networks, in which a single address stands for itself.
pub(super) fn networks() -> Setting<Vec<IpNet>> {
    Setting::new(Kind::Texts, |value| {
        let texts = scalar::list(value)?;
        let networks = texts.iter().map(|text| {
            network(text.trim()).ok_or_else(|| {
                Refusal::new(format!(
                    "expected IP networks or addresses such as `10.0.0.0/8` or `::1`, found `{text}`"
                ))
            })
        });
        networks.collect()
    })
}

/// Takes what the names of locations begin with.
pub(super) fn location_prefix() -> Setting<LocationPrefix> {
    Setting::new(Kind::Prefix(MAX_PREFIX_LENGTH), |value| {
        let text = scalar::text(value)?;
        LocationPrefix::new(text.trim()).ok_or_else(|| {
            Refusal::new(format!(
                "expected at most {MAX_PREFIX_LENGTH} of the characters `A-Z a-z 0-9 - _ .`, \
                 the first one a letter or digit, found `{text}`"
            ))
        })
    })
}

fn network(text: &str) -> Option<IpNet> {
    let network: Option<IpNet> = text.parse().ok();
    // The bits behind the mask mean nothing, and a network without them is compared more easily.
    network
        .map(|network| network.trunc())
        .or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)))
}
