//! When the listener's certificate expires, and the warning before that.

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// How long before the end the warning starts: enough for a manual renewal.
const WARNING_PERIOD: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Returns the time at which the first certificate of a chain expires; `None` if none can be parsed.
pub(super) fn first_end(chain: &[CertificateDer<'_>]) -> Option<Timestamp> {
    let end = |certificate: &CertificateDer<'_>| {
        let certificate = Certificate::from_der(certificate).ok()?;
        let end = certificate.tbs_certificate().validity().not_after;
        Timestamp::try_from(end.to_system_time()).ok()
    };
    chain.iter().filter_map(end).min()
}

/// Returns the warning for a certificate that has expired or soon will.
pub(super) fn warning(end: Timestamp, now: Timestamp) -> Option<String> {
    if end <= now {
        Some(format!(
            "entityProvider.tls.certFile: the certificate expired at {end}, and clients reject it: replace it"
        ))
    } else if end.duration_since(now) <= WARNING_PERIOD {
        Some(format!(
            "entityProvider.tls.certFile: the certificate expires at {end}: replace it before then"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate that expires at the beginning of a day in December 2026.
    fn until(day: u8) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(2026, 12, day);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn the_first_end_of_a_chain_counts() {
        let end = first_end(&[until(20), until(10), until(30)]);
        assert_eq!(end, Some("2026-12-10T00:00:00Z".parse().unwrap()));
        assert_eq!(first_end(&[CertificateDer::from(vec![0])]), None);
    }

    #[test]
    fn a_warning_begins_two_weeks_before_the_end() {
        let end = "2026-12-20T00:00:00Z".parse().unwrap();
        for (now, part) in [
            ("2026-12-05T23:59:59Z", None),
            (
                "2026-12-06T00:00:00Z",
                Some("expires at 2026-12-20T00:00:00Z"),
            ),
            ("2026-12-19T23:59:59Z", Some("expires at")),
            (
                "2026-12-20T00:00:00Z",
                Some("expired at 2026-12-20T00:00:00Z"),
            ),
        ] {
            let warning = warning(end, now.parse().unwrap());
            assert_eq!(warning.is_some(), part.is_some(), "{now}: {warning:?}");
            assert!(
                warning.is_none_or(|warning| warning.contains(part.unwrap())),
                "{now}"
            );
        }
    }
}
