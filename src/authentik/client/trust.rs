//! Extra CA certificates, besides the system's.

use std::fs;
use std::path::Path;

use reqwest::Certificate;

use crate::authentik::error::SetupError;

/// Reads the certificates of a PEM bundle.
///
/// # Errors
/// When the file cannot be read, or has no valid certificate.
pub(super) fn certificates(file: &Path) -> Result<Vec<Certificate>, SetupError> {
    let refused = |what: String| SetupError::CaFile {
        file: file.to_owned(),
        what,
    };
    let pem = fs::read(file).map_err(|error| refused(error.to_string()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(refused("it has no certificate in PEM form".into())),
        Err(_) => Err(refused("it is not in PEM form".into())),
    }
}
