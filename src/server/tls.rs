//! The certificate of the listener, reloaded when its files change.

use std::convert::Infallible;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretSlice};
use tokio::time::Instant;

use super::expiry;
use crate::clock::Clock;
use crate::config::TlsConfig;
use crate::digest::sha256;

/// The time between two reads of the files.
const PERIOD: Duration = Duration::from_secs(2);

/// The time between two warnings about the expiry.
const DAY: Duration = Duration::from_hours(24);

/// Why a certificate cannot be used. No message contains contents of a file.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "entityProvider.tls.{key}: cannot read {}: {reason}; check the path and its permissions",
        file.display()
    )]
    Read {
        /// The key that names the file.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// A file has no certificate or no key.
    #[error("entityProvider.tls.{key}: {} holds no {what} in PEM form", file.display())]
    Content {
        /// The key that names the file.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What was expected.
        what: &'static str,
    },
    /// Certificate and key cannot be used together.
    #[error(
        "entityProvider.tls: {} and {} cannot be used together: {reason}",
        cert_file.display(), key_file.display()
    )]
    Pair {
        /// The file with the certificate.
        cert_file: PathBuf,
        /// The file with the key.
        key_file: PathBuf,
        /// What the TLS library says.
        reason: String,
    },
}

/// The current certificate.
pub struct Tls {
    files: TlsConfig,
    loaded: Result<[u8; 32], TlsError>,
    settings: RustlsConfig,
    end: Arc<ArcSwapOption<Timestamp>>,
    clock: Clock,
}

/// A valid pair, and when it expires.
struct Usable {
    settings: Arc<ServerConfig>,
    end: Option<Timestamp>,
}

/// The contents of both files.
struct Pair {
    certificate: Vec<u8>,
    key: SecretSlice<u8>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// If a file cannot be used.
    pub fn load(files: &TlsConfig, clock: Clock) -> Result<Self, TlsError> {
        let pair = Pair::read(files)?;
        let Usable { settings, end } = pair.usable(files)?;
        Ok(Self {
            files: files.clone(),
            loaded: Ok(pair.fingerprint()),
            settings: RustlsConfig::from_config(settings),
            end: Arc::new(ArcSwapOption::from_pointee(end)),
            clock,
        })
    }

    /// Returns the warning for a certificate that has expired or soon will.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let end = self.end.load_full()?;
        expiry::warning(*end, self.clock.now())
    }

    /// Returns when the certificate expires; a reload changes it.
    #[must_use]
    pub fn end(&self) -> Arc<ArcSwapOption<Timestamp>> {
        Arc::clone(&self.end)
    }

    /// Returns the TLS layer for new connections, with a time limit for the handshake.
    pub(super) fn acceptor(&self, limit: Duration) -> RustlsAcceptor {
        RustlsAcceptor::new(self.settings.clone()).handshake_timeout(limit)
    }

    /// Reads the files periodically; never returns. A change is applied when two reads in a row are equal,
    /// because the two files may be replaced one after the other. An unusable pair is logged once, and
    /// the previous one stays in effect.
    pub(super) async fn watch(&self) -> Infallible {
        let (mut applied, mut seen) = (self.loaded.clone(), self.loaded.clone());
        let mut warned: Option<Instant> = None;
        loop {
            if warned.is_none_or(|warned| warned.elapsed() >= DAY) {
                self.warn();
                warned = Some(Instant::now());
            }
            tokio::time::sleep(PERIOD).await;
            let pair = Pair::read(&self.files);
            let now = pair.as_ref().map(Pair::fingerprint).map_err(Clone::clone);
            if now != applied && now == seen {
                self.replace(pair);
                warned = None;
                applied.clone_from(&now);
            }
            seen = now;
        }
    }

    /// Logs that the certificate has expired or soon will.
    fn warn(&self) {
        if let Some(warning) = self.warning() {
            tracing::warn!("{warning}");
        }
    }

    /// Applies another pair, if it is valid.
    fn replace(&self, pair: Result<Pair, TlsError>) {
        match pair.and_then(|pair| pair.usable(&self.files)) {
            Ok(Usable { settings, end }) => {
                self.settings.reload_from_config(settings);
                self.end.store(end.map(Arc::new));
                tracing::info!("the certificate in `entityProvider.tls` was replaced");
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be used, the previous one stays in effect");
            }
        }
    }
}

impl Pair {
    fn read(files: &TlsConfig) -> Result<Self, TlsError> {
        let certificate = contents("certFile", &files.cert_file)?;
        let key = contents("keyFile", &files.key_file)?.into();
        Ok(Self { certificate, key })
    }

    /// Returns a hash that changes with the files.
    fn fingerprint(&self) -> [u8; 32] {
        sha256([
            &sha256([self.certificate.as_slice()])[..],
            self.key.expose_secret(),
        ])
    }

    /// Returns the TLS settings for HTTP/2 and HTTP/1.1.
    fn usable(&self, files: &TlsConfig) -> Result<Usable, TlsError> {
        let TlsConfig {
            cert_file,
            key_file,
        } = files;
        let none = |key, file: &Path, what| TlsError::Content {
            key,
            file: file.to_owned(),
            what,
        };
        let chain =
            CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| none("certFile", cert_file, "certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(self.key.expose_secret());
        let key = key.map_err(|_| none("keyFile", key_file, "private key"))?;
        let pair_error = |error: rustls::Error| TlsError::Pair {
            cert_file: cert_file.clone(),
            key_file: key_file.clone(),
            reason: error.to_string(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(pair_error)?.with_no_client_auth();
        let end = expiry::first_end(&chain);
        let mut settings = builder.with_single_cert(chain, key).map_err(pair_error)?;
        settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Usable {
            settings: Arc::new(settings),
            end,
        })
    }
}

/// Reads a file.
fn contents(key: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|error| TlsError::Read {
        key,
        file: file.to_owned(),
        reason: error.to_string(),
    })
}
