//! The certificate of the listener, which is read again when its files change.

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

/// How often the files are read.
const PERIOD: Duration = Duration::from_secs(2);

/// How often a certificate that expires is logged.
const DAY: Duration = Duration::from_hours(24);

/// Why a certificate cannot be used; no message repeats what a file holds.
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
    /// A file does not hold what it should.
    #[error("entityProvider.tls.{key}: {} holds no {what} in PEM form", file.display())]
    Content {
        /// The key that names the file.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What was looked for.
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

/// The certificate that counts now.
pub struct Tls {
    files: TlsConfig,
    loaded: Result<[u8; 32], TlsError>,
    settings: RustlsConfig,
    end: ArcSwapOption<Timestamp>,
    clock: Clock,
}

/// A pair that can be used, and when it expires.
struct Usable {
    settings: Arc<ServerConfig>,
    end: Option<Timestamp>,
}

/// Both files as they were read.
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
    /// Names the file that cannot be used.
    pub fn load(files: &TlsConfig, clock: Clock) -> Result<Self, TlsError> {
        let pair = Pair::read(files)?;
        let Usable { settings, end } = pair.usable(files)?;
        Ok(Self {
            files: files.clone(),
            loaded: Ok(pair.fingerprint()),
            settings: RustlsConfig::from_config(settings),
            end: ArcSwapOption::from_pointee(end),
            clock,
        })
    }

    /// What to say of a certificate that has expired or soon will.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let end = self.end.load_full()?;
        expiry::warning(*end, self.clock.now())
    }

    /// What speaks TLS on each new connection, with a limit for the handshake.
    pub(super) fn acceptor(&self, limit: Duration) -> RustlsAcceptor {
        RustlsAcceptor::new(self.settings.clone()).handshake_timeout(limit)
    }

    /// Looks at the files for ever. Only what is the same twice counts: one file may be new already and the
    /// other not yet. A pair that cannot be used is logged once, and the one before stays.
    pub(super) async fn watch(&self) -> Infallible {
        let (mut judged, mut seen) = (self.loaded.clone(), self.loaded.clone());
        let mut warned: Option<Instant> = None;
        loop {
            if warned.is_none_or(|warned| warned.elapsed() >= DAY) {
                self.warn();
                warned = Some(Instant::now());
            }
            tokio::time::sleep(PERIOD).await;
            let pair = Pair::read(&self.files);
            let now = pair.as_ref().map(Pair::fingerprint).map_err(Clone::clone);
            if now != judged && now == seen {
                self.replace(pair);
                warned = None;
                judged.clone_from(&now);
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

    /// Lets another pair count, if it can be used.
    fn replace(&self, pair: Result<Pair, TlsError>) {
        match pair.and_then(|pair| pair.usable(&self.files)) {
            Ok(Usable { settings, end }) => {
                self.settings.reload_from_config(settings);
                self.end.store(end.map(Arc::new));
                tracing::info!("the certificate in `entityProvider.tls` was replaced");
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate is refused, the old one stays");
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

    /// Tells whether the files have changed.
    fn fingerprint(&self) -> [u8; 32] {
        sha256([
            &sha256([self.certificate.as_slice()])[..],
            self.key.expose_secret(),
        ])
    }

    /// What a listener needs that speaks HTTP/2 and HTTP/1.1.
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
        let refused = |error: rustls::Error| TlsError::Pair {
            cert_file: cert_file.clone(),
            key_file: key_file.clone(),
            reason: error.to_string(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(refused)?.with_no_client_auth();
        let end = expiry::first_end(&chain);
        let mut settings = builder.with_single_cert(chain, key).map_err(refused)?;
        settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Usable {
            settings: Arc::new(settings),
            end,
        })
    }
}

/// The contents of a file.
fn contents(key: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|error| TlsError::Read {
        key,
        file: file.to_owned(),
        reason: error.to_string(),
    })
}
