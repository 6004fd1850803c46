//! The service's own TLS: certificate and key from files, reloaded while it runs.

use std::path::Path;
use std::time::Duration;

use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::config::{Config, TlsConfig};
use authentik_entity_provider::http::load::Capacity;
use authentik_entity_provider::server::limits::Limits;
use fake_authentik::FakeAuthentik;
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use reqwest::{Certificate, Client, Version};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::app::{TestApp, config};
use crate::support::client_builder;
use crate::support::command::Upstream;
use crate::support::directory::crowd;
use crate::support::process::Process;

/// The files of a certificate for the loopback address.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        files.renew();
        files
    }

    fn config(&self) -> TlsConfig {
        TlsConfig {
            cert_file: self.folder.path().join("tls.crt"),
            key_file: self.folder.path().join("tls.key"),
        }
    }

    /// Writes another certificate and its key.
    fn renew(&self) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        std::fs::write(self.config().cert_file, cert.pem()).unwrap();
        std::fs::write(self.config().key_file, signing_key.serialize_pem()).unwrap();
    }

    /// Writes a certificate that expires at the beginning of a year.
    fn expire_in(&self, year: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(self.config().cert_file, certificate.pem()).unwrap();
        std::fs::write(self.config().key_file, key.serialize_pem()).unwrap();
    }

    /// Creates a client that trusts only the current certificate.
    fn client(&self) -> Client {
        let pem = std::fs::read(self.config().cert_file).unwrap();
        client_builder()
            .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
            .build()
            .unwrap()
    }

    /// Returns the lines of the service's block.
    fn lines(&self) -> String {
        let TlsConfig {
            cert_file,
            key_file,
        } = self.config();
        format!(
            "entityProvider:\n  listen: 127.0.0.1:0\n  stateDir: false\n  tls:\n    certFile: {}\n    keyFile: {}\n",
            cert_file.display(),
            key_file.display()
        )
    }

    fn file(&self) -> String {
        let file = self.folder.path().join("app-config.yaml");
        std::fs::write(&file, self.lines()).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

/// A service with a certificate, in front of a fake Authentik.
async fn service(files: &Files, adjust: impl FnOnce(&mut Config)) -> (TestApp, Upstream) {
    let upstream = Upstream::spawn(crowd(5)).await;
    let mut config = config(&upstream.authentik.base, FakeAuthentik::TOKEN);
    config.service.tls = Some(files.config());
    adjust(&mut config);
    let limits = Limits {
        first_request: Duration::from_millis(500),
        ..Limits::default()
    };
    let app = TestApp::spawn_as(config, Clock::system(), |app| {
        app.with_limits(limits, Capacity::default())
    })
    .await;
    (app, upstream)
}

/// Returns true if a client gets an answer.
async fn is_answered(client: &Client, app: &TestApp) -> bool {
    client
        .get(format!("{}/health/live", app.base))
        .send()
        .await
        .is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn a_service_with_a_certificate_accepts_only_tls() {
    let files = Files::new();
    let (app, _upstream) = service(&files, |_| ()).await;
    let client = files.client();
    assert_eq!(
        client
            .post(format!("{}/sync?wait=1m", app.base))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let answer = client
        .get(format!("{}/entities", app.base))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.version()),
        (200, Version::HTTP_2)
    );
    let pem = std::fs::read(files.config().cert_file).unwrap();
    let old = client_builder()
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        .http1_only()
        .build()
        .unwrap();
    let answer = old
        .get(format!("{}/locations?shards=2", app.base))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.version(), Version::HTTP_11);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains(&format!("{}/entities?shard=0/2", app.base)),
        "https targets"
    );
    let plain = app.base.replace("https:", "http:");
    assert!(client.get(plain).send().await.is_err());
}

#[tokio::test]
async fn a_handshake_that_does_not_end_ends_the_connection() {
    let files = Files::new();
    let (app, _upstream) = service(&files, |_| ()).await;
    let mut stream = TcpStream::connect(app.base.trim_start_matches("https://"))
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), stream.read(&mut [0])).await;
    assert!(matches!(ended.expect("it ends"), Ok(0) | Err(_)));
}

#[tokio::test(start_paused = true)]
async fn a_replaced_certificate_takes_effect_and_a_broken_one_does_not() {
    let files = Files::new();
    let (app, _upstream) = service(&files, |_| ()).await;
    let first = files.client();
    assert!(is_answered(&first, &app).await);
    let key = std::fs::read(files.config().key_file).unwrap();
    for broken in [
        "",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        std::fs::write(files.config().key_file, broken).unwrap();
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert!(
            is_answered(&files.client(), &app).await,
            "the old one is still used"
        );
    }
    std::fs::remove_file(files.config().key_file).unwrap();
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(
        is_answered(&files.client(), &app).await,
        "the old one is still used"
    );
    std::fs::write(files.config().key_file, key).unwrap();
    files.renew();
    assert!(
        !is_answered(&files.client(), &app).await,
        "the new one is not used yet"
    );
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(
        is_answered(&files.client(), &app).await,
        "the new one is used"
    );
}

#[tokio::test]
async fn the_service_does_not_start_with_an_unusable_certificate() {
    let (files, others) = (Files::new(), Files::new());
    let upstream = Upstream::spawn(crowd(1)).await;
    let spoiled = |file: &Path, content: Option<&[u8]>| {
        files.renew();
        match content {
            Some(content) => std::fs::write(file, content).unwrap(),
            None => std::fs::remove_file(file).unwrap(),
        }
    };
    let foreign = std::fs::read(others.config().key_file).unwrap();
    let TlsConfig {
        cert_file,
        key_file,
    } = files.config();
    for (file, content, says) in [
        (
            &cert_file,
            None,
            "entityProvider.tls.certFile: cannot read ",
        ),
        (&key_file, None, "entityProvider.tls.keyFile: cannot read "),
        (
            &cert_file,
            Some(&b"nothing"[..]),
            "holds no certificate in PEM form",
        ),
        (
            &key_file,
            Some(&b"nothing"[..]),
            "holds no private key in PEM form",
        ),
        (&key_file, Some(&foreign), "cannot be used together"),
    ] {
        spoiled(file, content);
        let ended = upstream.run(&["serve", "--config", &files.file()]).await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.error);
        assert!(
            ended.error.contains(says) && ended.error.contains(file.to_str().unwrap()),
            "{}",
            ended.error
        );
        assert!(!ended.error.contains("PRIVATE KEY"), "{}", ended.error);
    }
}

#[tokio::test]
async fn a_certificate_that_expires_soon_is_a_warning() {
    let files = Files::new();
    let upstream = Upstream::spawn(crowd(1)).await;
    files.expire_in(2001);
    let warning = "entityProvider.tls.certFile: the certificate expired at 2001-01-01T00:00:00Z, \
                and clients reject it: replace it";
    let checked = upstream.run(&["check", "--config", &files.file()]).await;
    assert_eq!(checked.status.code(), Some(0), "{}", checked.out);
    assert!(checked.out.contains(warning), "{}", checked.out);
    let mut serve = Process::spawn(&["serve", "--config", &files.file()], &upstream.variables());
    assert_eq!(serve.logged(warning).await["level"], "WARN");
}

#[tokio::test]
async fn the_metrics_say_when_the_certificate_expires() {
    let files = Files::new();
    files.expire_in(2100);
    let (app, _upstream) = service(&files, |_| ()).await;
    let answer = files.client().get(format!("{}/metrics", app.base)).send();
    let metrics = answer.await.unwrap().text().await.unwrap();
    let end = "\nauthentik_entity_provider_certificate_expiry_timestamp_seconds 4102444800\n";
    assert!(metrics.replace(".0\n", "\n").contains(end), "{metrics}");
}

#[tokio::test]
async fn the_health_check_and_the_log_support_tls() {
    let files = Files::new();
    let upstream = Upstream::spawn(crowd(5)).await;
    let mut serve = Process::spawn(&["serve", "--config", &files.file()], &upstream.variables());
    let entry = serve.logged("listening").await;
    let address = entry["address"].as_str().unwrap();
    assert_eq!(entry["target"], format!("https://{address}/entities"));
    let synced = files
        .client()
        .post(format!("https://{address}/sync?wait=1m"))
        .send()
        .await
        .unwrap();
    assert_eq!(synced.status(), 200);
    let checked = async |arguments: &[&str]| {
        let variables = [("ENTITY_PROVIDER_LISTEN", address)];
        Process::run(&[&["healthcheck"], arguments].concat(), &variables).await
    };
    let own = checked(&["--config", &files.file()]).await;
    assert_eq!(
        (own.status.code(), own.out),
        (Some(0), format!("ready: https://{address}/health/ready\n"))
    );
    let foreign = checked(&["--url", &format!("https://{address}")]).await;
    assert_eq!(
        foreign.status.code(),
        Some(1),
        "a given URL is trusted like any other"
    );
}
