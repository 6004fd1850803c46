//! Networks and prefixes: what `trustedProxies` and `locationPrefix` take.

use ipnet::IpNet;
use serde::de::{Deserializer, Error};

use super::scalar;
use crate::catalog::location::{LocationPrefix, MAX_PREFIX_LENGTH};

/// Reads a list of IP networks, in which a single address stands for itself.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = scalar::texts(deserializer)?;
    let networks = texts.iter().map(|text| {
        network(text.trim()).ok_or_else(|| {
            D::Error::custom(format!(
                "expected IP networks or addresses such as `10.0.0.0/8` or `::1`, found `{text}`"
            ))
        })
    });
    networks.collect()
}

/// Reads what the names of locations begin with.
pub(super) fn prefix<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<LocationPrefix, D::Error> {
    let text = scalar::text(deserializer)?;
    LocationPrefix::new(text.trim()).ok_or_else(|| {
        D::Error::custom(format!(
            "expected at most {MAX_PREFIX_LENGTH} of the characters `A-Z a-z 0-9 - _ .`, \
             the first one a letter or digit, found `{text}`"
        ))
    })
}

fn network(text: &str) -> Option<IpNet> {
    let network: Option<IpNet> = text.parse().ok();
    // The bits behind the mask mean nothing, and a network without them is compared more easily.
    network
        .map(|network| network.trunc())
        .or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)))
}
