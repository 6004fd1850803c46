//! The certificate with which the service itself speaks TLS.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::scalar;

/// The section `entityProvider.tls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// A PEM file with the certificate, and the intermediate ones after it.
    pub cert_file: PathBuf,
    /// A PEM file with the certificate's private key.
    pub key_file: PathBuf,
}

/// The section as it is written: both may be missing.
#[derive(Deserialize)]
#[serde(
    rename_all = "camelCase",
    default,
    expecting = "a mapping with `certFile` and `keyFile`"
)]
#[derive(Default)]
struct Written {
    #[serde(deserialize_with = "file")]
    cert_file: Option<PathBuf>,
    #[serde(deserialize_with = "file")]
    key_file: Option<PathBuf>,
}

/// Reads the section: both keys, or none.
pub(super) fn section<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TlsConfig>, D::Error> {
    let written = Option::<Written>::deserialize(deserializer)?.unwrap_or_default();
    match (written.cert_file, written.key_file) {
        (None, None) => Ok(None),
        (Some(cert_file), Some(key_file)) => Ok(Some(TlsConfig {
            cert_file,
            key_file,
        })),
        _ => Err(D::Error::custom(
            "expected `certFile` and `keyFile` together; set both, or none to speak no TLS",
        )),
    }
}

/// Reads the path of a file.
pub(super) fn file<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
    scalar::text(deserializer).map(|text| Some(text.into()))
}
