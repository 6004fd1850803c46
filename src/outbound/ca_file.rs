//! The certificates of `entityProvider.caFile`.

use std::fs;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::error::OutboundError;

/// The remedy for a file without certificates.
const ADD_ONE: &str = "it needs one `-----BEGIN CERTIFICATE-----` block for each certificate";

/// Reads the certificates of a PEM file.
///
/// # Errors
/// If there is none, or one cannot be used; with the remedy.
pub(super) fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, OutboundError> {
    let content = fs::read(file).map_err(|error| OutboundError::CaFileUnreadable {
        file: file.to_owned(),
        reason: error.to_string(),
    })?;
    certificates(&content).map_err(|(problem, remedy)| OutboundError::CaFileContent {
        file: file.to_owned(),
        problem,
        remedy: remedy.replace("FILE", &file.display().to_string()),
    })
}

/// Returns the certificates of a file's content, or its problem and the remedy.
fn certificates(
    content: &[u8],
) -> Result<Vec<CertificateDer<'static>>, (&'static str, &'static str)> {
    if Certificate::from_der(content).is_ok() {
        let remedy = "convert it with `openssl x509 -inform der -in FILE -out ca.pem`";
        return Err(("is a certificate in DER form and not in PEM form", remedy));
    }
    let found = CertificateDer::pem_slice_iter(content).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|_| ("is not in PEM form", ADD_ONE))?;
    if found.is_empty() {
        return Err(("holds no certificate in PEM form", ADD_ONE));
    }
    let (_, unusable) = RootCertStore::empty().add_parsable_certificates(found.iter().cloned());
    if unusable > 0 {
        let remedy = "replace or remove it; `openssl x509 -in FILE -text` shows the first one";
        return Err(("holds a certificate that is damaged", remedy));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;

    use super::*;

    /// The problem of a file's content.
    fn problem(content: &[u8]) -> &'static str {
        certificates(content).unwrap_err().0
    }

    #[test]
    fn certificates_are_found_among_other_text() {
        let made = generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let pem = made.cert.pem();
        let bundle = format!("# ours\r\n{pem}\n{}{pem}", made.signing_key.serialize_pem());
        assert_eq!(certificates(bundle.as_bytes()).unwrap().len(), 2);
        let windows = pem.replace('\n', "\r\n");
        assert_eq!(certificates(windows.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_certificate_in_pem_form_is_named() {
        let made = generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let der = made.cert.der();
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let broken = "-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n";
        assert!(problem(der).contains("DER"));
        for content in [
            &b""[..],
            made.signing_key.serialize_pem().as_bytes(),
            &der[..der.len() / 2],
        ] {
            assert_eq!(problem(content), "holds no certificate in PEM form");
        }
        assert_eq!(problem(broken.as_bytes()), "is not in PEM form");
        assert!(problem(damaged.as_bytes()).contains("damaged"));
    }
}
