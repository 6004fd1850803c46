//! `healthcheck`: one line and an exit code.

use fake_authentik::FakeAuthentik;

use super::{authentik, directory_with};
use crate::support::app::{TestApp, config};
use crate::support::process::{Ended, Process};

async fn healthcheck(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let ended = Process::run(&[&["healthcheck"], arguments].concat(), variables).await;
    assert_eq!(
        format!("{}{}", ended.out, ended.error).lines().count(),
        1,
        "{ended:?}"
    );
    ended
}

#[tokio::test]
async fn a_service_is_healthy_once_it_has_something_to_serve() {
    let authentik = authentik().await;
    let app = TestApp::spawn(config(&authentik.base, FakeAuthentik::TOKEN)).await;
    let ended = healthcheck(&["--url", &app.base], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.error.contains("not ready") && ended.error.contains("503"),
        "{}",
        ended.error
    );
    app.sync().await;
    let ended = healthcheck(&["--url", &format!("{}/", app.base)], &[]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
    assert_eq!(ended.out, format!("ready: {}/health/ready\n", app.base));
}

#[tokio::test]
async fn the_url_is_that_of_the_service_or_of_its_health() {
    let authentik = authentik().await;
    let app = TestApp::spawn(config(&authentik.base, FakeAuthentik::TOKEN)).await;
    app.sync().await;
    for end in ["", "/", "/health", "/health/ready", "/health/ready/"] {
        let ended = healthcheck(&["--url", &format!("{}{end}", app.base)], &[]).await;
        assert_eq!(ended.status.code(), Some(0), "{end}: {}", ended.error);
        assert_eq!(ended.out, format!("ready: {}/health/ready\n", app.base));
    }
    let ended = healthcheck(&["--url", "localhost:8080"], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.error.contains("must be like `http://127.0.0.1:8080`"),
        "{}",
        ended.error
    );
}

#[tokio::test]
async fn without_a_url_the_configured_port_is_checked_on_loopback() {
    let authentik = authentik().await;
    let app = TestApp::spawn(config(&authentik.base, FakeAuthentik::TOKEN)).await;
    app.sync().await;
    let port = app.base.rsplit(':').next().unwrap();
    let (_directory, file) = directory_with(
        "app-config.yaml",
        &format!("entityProvider: {{ listen: '0.0.0.0:{port}' }}"),
    );
    let listen = format!("0.0.0.0:{port}");
    let variable = [("ENTITY_PROVIDER_LISTEN", listen.as_str())];
    for (arguments, variables) in [(&["--config", &file][..], &[][..]), (&[], &variable)] {
        // The command needs neither Authentik's URL nor its token.
        let ended = healthcheck(arguments, variables).await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
        assert_eq!(ended.out, format!("ready: {}/health/ready\n", app.base));
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_unhealthy() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ended = healthcheck(&["--url", &format!("http://{free}")], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.error.contains("does not answer: Connection refused"),
        "{}",
        ended.error
    );
}
