//! TLS to Authentik with a private CA.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::serve::Listener;
use fake_authentik::{FakeAuthentik, Release};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::RunningAuthentik;
use crate::support::app::{TestApp, config};
use crate::support::directory::{assert_contains, crowd, failure};
use crate::support::process::Process;

/// A CA and its certificate as a file.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Serves a fake Authentik with a certificate for a name and returns its base URL.
    pub(crate) async fn serve(&self, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        serve(certificate.der().clone(), &key).await
    }
}

/// Serves a fake Authentik with a certificate and a key, and returns its base URL.
async fn serve(certificate: CertificateDer<'static>, key: &KeyPair) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let signing = provider.key_provider.load_private_key(private).unwrap();
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let presented = Presented(Arc::new(CertifiedKey::new(vec![certificate], signing)));
    let tls = builder
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(presented));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", tcp.local_addr().unwrap());
    let listener = Tls {
        tcp,
        acceptor: TlsAcceptor::from(Arc::new(tls)),
    };
    let router = FakeAuthentik::new(Release::V2026_5, crowd(5)).router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

/// Presents a certificate, even if it does not belong to the key.
#[derive(Debug)]
struct Presented(Arc<CertifiedKey>);

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Accepts TLS connections; drops others.
struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// Runs a sync of a service that trusts a file.
async fn run_at(base: &str, ca_file: Option<&Path>) -> Value {
    let mut config = config(base, FakeAuthentik::TOKEN);
    config.service.ca_file = ca_file.map(Path::to_owned);
    TestApp::spawn(config).await.sync().await
}

#[tokio::test]
async fn only_a_server_of_the_configured_ca_is_trusted() {
    let (ours, another) = (Authority::new(), Authority::new());
    let base = ours.serve("127.0.0.1").await;
    assert_eq!(run_at(&base, Some(&ours.file())).await["users"], 5);
    let both = ours.folder.path().join("both.pem");
    std::fs::write(&both, another.issuer.pem() + &ours.issuer.pem()).unwrap();
    assert_eq!(
        run_at(&base, Some(&both)).await["users"],
        5,
        "a bundle has several certificates"
    );
    for untrusting in [None, Some(another.file())] {
        let run = run_at(&base, untrusting.as_deref()).await;
        let (code, message) = failure(&run);
        assert_eq!(code, "tls", "{message}");
        assert_contains(message, &[&base, "certificate", "`entityProvider.caFile`"]);
    }
}

#[tokio::test]
async fn a_trusted_certificate_for_another_name_is_refused() {
    let ours = Authority::new();
    let base = ours.serve("authentik.example.com").await;
    let run = run_at(&base, Some(&ours.file())).await;
    assert_eq!(failure(&run).0, "tls", "{run}");
}

/// Returns a self-signed certificate for the loopback address and its key. It is marked as a CA, as
/// by `openssl req -x509`.
fn self_signed(adjust: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    adjust(&mut params);
    (params.self_signed(&key).unwrap(), key)
}

/// Runs a sync of a service that trusts a certificate.
async fn run_trusting(base: &str, certificate: &rcgen::Certificate) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), certificate.pem()).unwrap();
    run_at(base, Some(file.path())).await
}

#[tokio::test]
async fn only_the_configured_self_signed_certificate_is_trusted() {
    let (certificate, key) = self_signed(|_| ());
    let base = serve(certificate.der().clone(), &key).await;
    assert_eq!(run_trusting(&base, &certificate).await["users"], 5);
    let (other, _) = self_signed(|_| ());
    for run in [run_at(&base, None).await, run_trusting(&base, &other).await] {
        let (code, message) = failure(&run);
        assert_eq!(code, "tls", "{message}");
        assert_contains(
            message,
            &[&base, "UnknownIssuer", "`entityProvider.caFile`"],
        );
    }
}

/// A change that makes a certificate invalid.
type Adjustment = fn(&mut CertificateParams);

#[tokio::test]
async fn a_configured_certificate_is_valid_only_for_its_names_time_and_purpose() {
    let long_ago = date_time_ymd(2001, 1, 1);
    let far_ahead = date_time_ymd(2999, 1, 1);
    let adjustments: [(&str, Adjustment); 4] = [
        ("for name", |params| params.subject_alt_names.clear()),
        ("expired", |params| {
            params.not_after = date_time_ymd(2001, 1, 1);
        }),
        ("not valid yet", |params| {
            params.not_before = date_time_ymd(2998, 1, 1);
        }),
        ("purpose", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }),
    ];
    for (part, adjust) in adjustments {
        let (certificate, key) = self_signed(|params| {
            (params.not_before, params.not_after) = (long_ago, far_ahead);
            adjust(params);
        });
        let base = serve(certificate.der().clone(), &key).await;
        let run = run_trusting(&base, &certificate).await;
        let (code, message) = failure(&run);
        assert_eq!(code, "tls", "{message}");
        assert!(message.to_lowercase().contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn a_configured_certificate_does_not_help_without_its_key() {
    let (certificate, _) = self_signed(|_| ());
    let base = serve(certificate.der().clone(), &KeyPair::generate().unwrap()).await;
    let run = run_trusting(&base, &certificate).await;
    assert_eq!(failure(&run).0, "tls", "{run}");
}

#[tokio::test]
async fn an_untrusted_server_causes_no_log_lines_of_a_library() {
    let (certificate, key) = self_signed(|_| ());
    let base = serve(certificate.der().clone(), &key).await;
    let variables = [
        ("AUTHENTIK_BASE_URL", base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
    ];
    let ended = Process::run(&["check"], &variables).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.out);
    assert_contains(&ended.out, &["caFile"]);
    assert_eq!(ended.error, "", "only the report has it");
}

#[tokio::test]
async fn a_file_without_certificates_is_reported_before_any_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: Option<&[u8]>| {
        let file = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        file.to_str().unwrap().to_owned()
    };
    let (certificate, _) = self_signed(|_| ());
    let broken = b"-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n";
    for (file, parts) in [
        (
            file("missing.pem", None),
            ["No such file", "check the path and its permissions"],
        ),
        (
            folder.path().to_str().unwrap().to_owned(),
            ["Is a directory", "check the path and its permissions"],
        ),
        (
            file("empty.pem", Some(b"")),
            ["no certificate", "BEGIN CERTIFICATE"],
        ),
        (
            file("broken.pem", Some(broken)),
            ["not in PEM form", "BEGIN CERTIFICATE"],
        ),
        (
            file("ca.der", Some(certificate.der())),
            ["DER form", "openssl x509 -inform der"],
        ),
    ] {
        for command in ["serve", "check"] {
            let variables = [
                ("AUTHENTIK_BASE_URL", "https://127.0.0.1:1"),
                ("AUTHENTIK_TOKEN", "a-token"),
                ("ENTITY_PROVIDER_CA_FILE", file.as_str()),
            ];
            let ended = Process::run(&[command], &variables).await;
            assert_eq!(ended.status.code(), Some(1), "{}", ended.error);
            let output = format!("{}{}", ended.out, ended.error);
            assert_contains(&output, &["entityProvider.caFile", &file]);
            assert_contains(&output, &parts);
            assert!(!output.contains("correct the token"), "{output}");
        }
    }
}

#[tokio::test]
async fn a_system_without_certificates_gets_an_error_that_names_the_remedy() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let empty = empty.path().to_str().unwrap();
    let ours = Authority::new();
    let plain = RunningAuthentik::spawn(&FakeAuthentik::new(Release::V2026_5, crowd(5))).await;
    let encrypted = ours.serve("127.0.0.1").await;
    let ca_file = ours.file();
    let ca_file = ca_file.to_str().unwrap();
    for (base, more, code) in [
        (encrypted.as_str(), None, 1),
        (
            encrypted.as_str(),
            Some(("ENTITY_PROVIDER_CA_FILE", ca_file)),
            0,
        ),
        (plain.base.as_str(), None, 0),
    ] {
        let variables = [
            ("AUTHENTIK_BASE_URL", base),
            ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
            ("SSL_CERT_FILE", empty),
        ];
        let variables: Vec<_> = variables.into_iter().chain(more).collect();
        let ended = Process::run(&["check"], &variables).await;
        assert_eq!(ended.status.code(), Some(code), "{base}: {}", ended.out);
        if code == 1 {
            let remedies = [
                "ca-certificates",
                "SSL_CERT_FILE",
                "`entityProvider.caFile`",
            ];
            assert_contains(&ended.out, &remedies);
            let serve = Process::run(&["serve"], &variables).await;
            assert_eq!(serve.status.code(), Some(1), "{}", serve.error);
            assert_contains(&serve.error, &remedies);
        }
    }
}
