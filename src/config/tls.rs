//! The certificate with which the service itself speaks TLS.

use std::path::PathBuf;

use super::scalar::file;
use super::section::section;

section! {
    /// The section `entityProvider.tls`.
    #[derive(PartialEq, Eq)]
    pub struct TlsConfig {
        /// A PEM file with the certificate with which the service speaks TLS, intermediate ones after it;
        /// read again when it changes.
        cert_file: PathBuf = file().after_restart(),
        /// A PEM file with the private key of that certificate; both are set or none.
        key_file: PathBuf = file().after_restart(),
    }
}
