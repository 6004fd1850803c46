//! Which servers are trusted.
//!
//! A server is trusted if a known authority has signed its certificate, which the TLS library decides. It is
//! also trusted if it presents exactly a self-signed certificate of `entityProvider.caFile`. `openssl req
//! -x509` marks such a certificate as one of an authority, which the library rejects for a server; curl,
//! Python and Node accept it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc5280::{ANY_EXTENDED_KEY_USAGE, ID_KP_SERVER_AUTH};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage};

use super::ca_file;
use super::error::OutboundError;

/// Returns the TLS settings of a client. Without a trusted certificate a client can still speak plain HTTP.
///
/// # Errors
/// If the file cannot be used, or TLS is needed and there is no trusted certificate.
pub(super) fn settings(
    ca_file: Option<&Path>,
    is_needed: bool,
) -> Result<ClientConfig, OutboundError> {
    let named = ca_file.map(ca_file::read).transpose()?.unwrap_or_default();
    let (roots, reason) = roots(&named);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(OutboundError::Tls)?;
    if roots.is_empty() && is_needed {
        return Err(OutboundError::NoCertificates { reason });
    }
    let builder = match Verifier::new(roots, named, provider) {
        Some(verifier) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier)),
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    let mut settings = builder.with_no_client_auth();
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(settings)
}

/// Returns the system's certificates and those of the file, and why the system has none.
fn roots(named: &[CertificateDer<'static>]) -> (RootCertStore, Option<String>) {
    let system = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(system.certs);
    roots.add_parsable_certificates(named.iter().cloned());
    let errors = system.errors.iter().map(ToString::to_string);
    let reason = errors.reduce(|one, other| format!("{one}; {other}"));
    tracing::debug!(
        known = roots.len(),
        unusable,
        ?reason,
        "certificates of authorities loaded"
    );
    (roots, reason)
}

/// Verifies a server's certificate.
#[derive(Debug)]
struct Verifier {
    signed: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl Verifier {
    /// Returns a verifier with these roots; `None` without roots.
    fn new(
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Option<Self> {
        let signed = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let signed = signed.build().ok()?;
        Some(Self { signed, named })
    }

    /// Verifies a certificate that the library rejects: accepts a self-signed one of the file.
    fn verify_named(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
        refusal: Error,
    ) -> Result<ServerCertVerified, Error> {
        let Ok(parsed) = Certificate::from_der(certificate) else {
            return Err(refusal);
        };
        let is_self_signed =
            parsed.tbs_certificate().issuer() == parsed.tbs_certificate().subject();
        if is_self_signed && self.named.contains(certificate) {
            verify_time(&parsed, now)?;
            verify_purpose(&parsed)?;
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        // The library's error is about the use of the certificate and hides that it is not trusted.
        Err(if is_self_signed && is_authority(&parsed) {
            CertificateError::UnknownIssuer.into()
        } else {
            refusal
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let signed = &self.signed;
        signed
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .or_else(|refusal| self.verify_named(end_entity, server_name, now, refusal))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}

/// Rejects a certificate outside of its validity (RFC 5280, section 4.1.2.5; both ends are valid).
fn verify_time(certificate: &Certificate, now: UnixTime) -> Result<(), CertificateError> {
    let validity = certificate.tbs_certificate().validity();
    let not_before = validity.not_before.to_unix_duration();
    let not_after = validity.not_after.to_unix_duration();
    let since_epoch = Duration::from_secs(now.as_secs());
    if since_epoch < not_before {
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before: UnixTime::since_unix_epoch(not_before),
        });
    }
    if since_epoch > not_after {
        return Err(CertificateError::ExpiredContext {
            time: now,
            not_after: UnixTime::since_unix_epoch(not_after),
        });
    }
    Ok(())
}

/// Rejects a certificate whose purposes do not include a server (RFC 5280, section 4.2.1.12).
fn verify_purpose(certificate: &Certificate) -> Result<(), CertificateError> {
    let purposes = certificate
        .tbs_certificate()
        .get_extension::<ExtendedKeyUsage>()
        .map_err(|_| CertificateError::BadEncoding)?;
    let serves = |(_, ExtendedKeyUsage(purposes)): (bool, ExtendedKeyUsage)| {
        purposes.contains(&ID_KP_SERVER_AUTH) || purposes.contains(&ANY_EXTENDED_KEY_USAGE)
    };
    if purposes.is_none_or(serves) {
        Ok(())
    } else {
        Err(CertificateError::InvalidPurpose)
    }
}

/// Returns true if a certificate is marked as one of an authority.
fn is_authority(certificate: &Certificate) -> bool {
    let constraints = certificate
        .tbs_certificate()
        .get_extension::<BasicConstraints>();
    matches!(
        constraints,
        Ok(Some((_, BasicConstraints { ca: true, .. })))
    )
}
