//! Why no request can be sent. A message states the problem; `remedy` says what to do.

use std::path::PathBuf;

/// Why no request can be sent.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The file with additional certificates cannot be read.
    #[error(
        "entityProvider.caFile: cannot read {}: {reason}",
        file.display()
    )]
    CaFileUnreadable {
        /// The file.
        file: PathBuf,
        /// The message of the operating system.
        reason: String,
    },
    /// The file does not contain usable certificates in PEM form.
    #[error("entityProvider.caFile: {} {problem}", file.display())]
    CaFileContent {
        /// The file.
        file: PathBuf,
        /// The problem of the content.
        problem: &'static str,
        /// The remedy.
        remedy: String,
    },
    /// There is no trusted certificate to verify a server with.
    #[error(
        "this system has no certificates of authorities{}",
        reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
    )]
    NoCertificates {
        /// The message of the operating system, if there is one.
        reason: Option<String>,
    },
    /// The TLS library rejects its settings.
    #[error("cannot prepare TLS: {0}")]
    Tls(rustls::Error),
    /// The HTTP library rejects its settings.
    #[error("cannot prepare connections: {0}")]
    Http(reqwest::Error),
}

impl OutboundError {
    /// Returns the stable code of the failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::CaFileUnreadable { .. } | Self::CaFileContent { .. } => "ca-file",
            Self::NoCertificates { .. } => "no-certificates",
            Self::Tls(_) | Self::Http(_) => "client",
        }
    }

    /// Returns the remedy.
    #[must_use]
    pub fn remedy(&self) -> &str {
        match self {
            Self::CaFileUnreadable { .. } => "check the path and its permissions",
            Self::CaFileContent { remedy, .. } => remedy,
            Self::NoCertificates { .. } => {
                "install them (the package is often named `ca-certificates`), name a file in \
                 SSL_CERT_FILE, or set `entityProvider.caFile`"
            }
            Self::Tls(_) | Self::Http(_) => {
                "please report this with the configuration's `tls` keys"
            }
        }
    }
}
