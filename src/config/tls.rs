//! The section `entityProvider.tls`: the certificate of the listener.

use std::path::PathBuf;

use super::scalar::file;
use super::section::section;

section! {
    /// The section `entityProvider.tls`.
    #[derive(PartialEq, Eq)]
    pub struct TlsConfig {
        /// A PEM file with the certificate, followed by intermediate ones; reloaded when it changes.
        cert_file: PathBuf = file().after_restart(),
        /// A PEM file with the private key of that certificate; set both, or none.
        key_file: PathBuf = file().after_restart(),
    }
}
