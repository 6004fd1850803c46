//! TLS with a private CA, and connections through a proxy.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::serve::Listener;
use fake_authentik::{FakeAuthentik, Release};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::RunningAuthentik;
use crate::support::app::{TestApp, config};
use crate::support::directory::{assert_says, crowd, failure};
use crate::support::process::Process;

/// A CA and its certificate as a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Serves a fake Authentik with a certificate for a name and returns its base URL.
    async fn serve(&self, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = builder
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("https://{}", tcp.local_addr().unwrap());
        let listener = Tls {
            tcp,
            acceptor: TlsAcceptor::from(Arc::new(tls.unwrap())),
        };
        let router = FakeAuthentik::new(Release::V2026_5, crowd(5)).router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        base
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
async fn a_server_whose_ca_is_named_is_trusted_and_no_other() {
    let (ours, another) = (Authority::new(), Authority::new());
    let base = ours.serve("127.0.0.1").await;
    assert_eq!(run_at(&base, Some(&ours.file())).await["users"], 5);
    let both = ours.folder.path().join("both.pem");
    std::fs::write(&both, another.issuer.pem() + &ours.issuer.pem()).unwrap();
    assert_eq!(
        run_at(&base, Some(&both)).await["users"],
        5,
        "a bundle holds several"
    );
    for untrusting in [None, Some(another.file())] {
        let run = run_at(&base, untrusting.as_deref()).await;
        let (code, message) = failure(&run);
        assert_eq!(code, "tls", "{message}");
        assert_says(message, &[&base, "certificate", "`entityProvider.caFile`"]);
    }
}

#[tokio::test]
async fn a_trusted_certificate_for_another_name_is_refused() {
    let ours = Authority::new();
    let base = ours.serve("authentik.example.com").await;
    let run = run_at(&base, Some(&ours.file())).await;
    assert_eq!(failure(&run).0, "tls", "{run}");
}

#[tokio::test]
async fn a_file_without_certificates_is_reported_before_any_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: Option<&str>| {
        let file = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        file.to_str().unwrap().to_owned()
    };
    for (file, part) in [
        (file("missing.pem", None), "No such file"),
        (file("empty.pem", Some("")), "no certificate"),
        (
            file(
                "broken.pem",
                Some("-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n"),
            ),
            "PEM",
        ),
    ] {
        let variables = [
            ("AUTHENTIK_BASE_URL", "https://127.0.0.1:1"),
            ("AUTHENTIK_TOKEN", "a-token"),
            ("ENTITY_PROVIDER_CA_FILE", file.as_str()),
        ];
        let ended = Process::run(&["serve"], &variables).await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.error);
        assert_says(
            &format!("{}{}", ended.out, ended.error),
            &["entityProvider.caFile", &file, part],
        );
    }
}

#[tokio::test]
async fn the_variables_for_a_proxy_are_respected() {
    let fake = FakeAuthentik::new(Release::V2026_5, crowd(5));
    let proxy = RunningAuthentik::spawn(&fake).await;
    let closed = "http://127.0.0.1:1";
    for (base, proxy, except, code) in [
        (
            "http://authentik.invalid",
            proxy.base.as_str(),
            "localhost",
            0,
        ),
        ("http://authentik.invalid", closed, "localhost", 1),
        (proxy.base.as_str(), closed, "127.0.0.1", 0),
    ] {
        let variables = [
            ("AUTHENTIK_BASE_URL", base),
            ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
            ("HTTP_PROXY", proxy),
            ("NO_PROXY", except),
        ];
        let ended = Process::run(&["check"], &variables).await;
        assert_eq!(
            ended.status.code(),
            Some(code),
            "{base} by {proxy}: {}",
            ended.out
        );
    }
}
