//! The settings of `trustedProxies` and `locationPrefix`.

use ipnet::IpNet;

use super::keys::ValueKind;
use super::scalar;
use super::setting::{InvalidValue, Setting};
use crate::catalog::location::{LocationPrefix, MAX_PREFIX_LENGTH};

/// Returns the setting of a list of IP networks and single addresses.
pub(super) fn networks() -> Setting<Vec<IpNet>> {
    Setting::new(ValueKind::Texts, |value| {
        let texts = scalar::list(value)?;
        let networks = texts.iter().map(|text| {
            network(text.trim()).ok_or_else(|| {
                InvalidValue::new(format!(
                    "expected IP networks or addresses such as `10.0.0.0/8` or `::1`, found `{text}`"
                ))
            })
        });
        networks.collect()
    })
}

/// Returns the setting of a prefix of location names.
pub(super) fn location_prefix() -> Setting<LocationPrefix> {
    Setting::new(ValueKind::Prefix(MAX_PREFIX_LENGTH), |value| {
        let text = scalar::text(value)?;
        LocationPrefix::new(text.trim()).ok_or_else(|| {
            InvalidValue::new(format!(
                "expected at most {MAX_PREFIX_LENGTH} of the characters `A-Z a-z 0-9 - _ .`, \
                 the first one a letter or digit, found `{text}`"
            ))
        })
    })
}

fn network(text: &str) -> Option<IpNet> {
    let network: Option<IpNet> = text.parse().ok();
    // Bits after the mask have no meaning; without them equal networks compare as equal.
    network
        .map(|network| network.trunc())
        .or_else(|| Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)))
}
