//! Why no request can be sent. A message states the problem; `remedy` says what to do.

use std::path::PathBuf;

/// Why no request can be sent.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The file with further certificates cannot be read.
    #[error(
        "entityProvider.caFile: cannot read {}: {reason}",
        file.display()
    )]
    CaFileUnreadable {
        /// The file.
        file: PathBuf,
        /// The words of the operating system.
        reason: String,
    },
    /// The file holds something else than certificates in PEM form.
    #[error("entityProvider.caFile: {} {problem}", file.display())]
    CaFileContent {
        /// The file.
        file: PathBuf,
        /// What is wrong with the content.
        problem: &'static str,
        /// What to do about it.
        remedy: String,
    },
    /// No certificate is known that a server could be verified with.
    #[error(
        "this system has no certificates of authorities{}",
        reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
    )]
    NoCertificates {
        /// The words of the system, if it says why.
        reason: Option<String>,
    },
    /// The TLS library refuses its settings.
    #[error("cannot prepare TLS: {0}")]
    Tls(rustls::Error),
    /// The HTTP library refuses its settings.
    #[error("cannot prepare connections: {0}")]
    Http(reqwest::Error),
}

impl OutboundError {
    /// A stable name of the kind of failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::CaFileUnreadable { .. } | Self::CaFileContent { .. } => "ca-file",
            Self::NoCertificates { .. } => "no-certificates",
            Self::Tls(_) | Self::Http(_) => "client",
        }
    }

    /// The remedy.
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
