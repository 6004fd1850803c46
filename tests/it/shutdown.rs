//! Graceful shutdown: the real binary, signals and requests in flight.

use std::time::Duration;

use authentik_entity_provider::config::Config;
use fake_authentik::{Action, FakeAuthentik, FakeDirectory, Gate, Release, ScriptStep, Target};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UnixDatagram};

use crate::support::app::Pair;
use crate::support::process::{Process, get, post};
use crate::support::{RunningAuthentik, client};

/// A process in front of a fake Authentik that blocks at a gate.
struct Held {
    serve: Process,
    service: String,
    gate: Gate,
    fake: FakeAuthentik,
    _authentik: RunningAuthentik,
    _directory: TempDir,
}

impl Held {
    /// Starts both, with more keys in the service's block.
    async fn spawn(keys: &str) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(30));
        let gate = Gate::new();
        fake.script(ScriptStep::at(Target::Users, Action::gate(&gate)).always());
        let authentik = RunningAuthentik::spawn(&fake).await;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("app-config.yaml");
        let config = format!(
            "catalog:\n  providers:\n    authentik: {{ baseUrl: '{}', token: {} }}\n\
             entityProvider:\n  listen: 127.0.0.1:0\n{keys}\n",
            authentik.base,
            FakeAuthentik::TOKEN
        );
        std::fs::write(&file, config).unwrap();
        let mut serve = Process::spawn(&["serve", "--config", file.to_str().unwrap()], &[]);
        let service = serve.serving().await;
        Self {
            serve,
            service,
            gate,
            fake,
            _authentik: authentik,
            _directory: directory,
        }
    }
}

#[tokio::test]
async fn either_signal_ends_an_idle_service_with_success() {
    for signal in [Signal::TERM, Signal::INT] {
        let held = Held::spawn("").await;
        assert_eq!(
            get(&format!("{}/health/live", held.service)).await.status(),
            200
        );
        held.serve.signal(signal);
        let ended = held.serve.end().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
        assert!(ended.error.contains("shutting down"));
    }
}

#[tokio::test]
async fn a_request_in_flight_is_answered_and_the_run_is_cancelled() {
    let held = Held::spawn("").await;
    let request = client()
        .post(format!("{}/sync?wait=10m", held.service))
        .send();
    let terminate = async {
        held.gate.waiting(1).await;
        held.serve.signal(Signal::TERM);
    };
    let (answer, ()) = tokio::join!(request, terminate);
    let answer = answer.expect("a request in flight is answered");
    assert_eq!(answer.status(), 200);
    let run: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(
        (&run["state"], &run["error"]["code"]),
        (&"failed".into(), &"cancelled".into()),
        "{run}"
    );
    let ended = held.serve.end().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
    assert_eq!(
        held.fake.counters().user_lists,
        1,
        "the gate never opened, and no request was repeated"
    );
}

#[tokio::test]
async fn a_cancelled_run_differs_from_a_failure_of_authentik() {
    let pair = Pair::spawn(Release::V2026_5, FakeDirectory::generate(30), |config| {
        config.service.drain_delay = Duration::from_hours(1);
    })
    .await;
    pair.app.sync().await;
    let gate = Gate::new();
    pair.fake
        .script(ScriptStep::at(Target::Users, Action::gate(&gate)));
    pair.app.post("/sync").send().await.unwrap();
    gate.waiting(1).await;
    pair.app.shutdown.cancel();
    let run = loop {
        let run = pair.app.json("/sync").await["runs"][0].clone();
        if run["state"] != "running" {
            break run;
        }
    };
    assert_eq!(
        (&run["state"], &run["error"]["code"]),
        (&"failed".into(), &"cancelled".into())
    );
    assert_eq!(pair.app.fetch("/entities").await.status(), 200);
}

#[tokio::test]
async fn during_the_drain_delay_ready_fails_and_requests_are_answered() {
    let mut held = Held::spawn("  drainDelay: 1h").await;
    held.gate.open();
    assert_eq!(
        post(&format!("{}/sync?wait=1m", held.service)).await["state"],
        "succeeded"
    );
    held.serve.signal(Signal::TERM);
    held.serve.logged("shutting down").await;
    assert_eq!(
        get(&format!("{}/health/ready", held.service))
            .await
            .status(),
        503
    );
    assert_eq!(
        get(&format!("{}/entities", held.service)).await.status(),
        200
    );
}

#[tokio::test]
async fn a_second_signal_aborts() {
    let mut held = Held::spawn("  drainDelay: 1h").await;
    held.serve.signal(Signal::TERM);
    held.serve.logged("shutting down").await;
    held.serve.signal(Signal::INT);
    let ended = held.serve.end().await;
    assert_eq!(ended.status.code(), Some(130), "{}", ended.error);
    assert!(ended.error.contains("aborting"));
}

/// A service with a body larger than all buffers between it and a client that reads nothing.
async fn with_unread_answer(drain_timeout: Duration) -> (Pair, TcpStream) {
    let mut directory = FakeDirectory::generate(0);
    for at in 0..120 {
        let pk = directory.add_user(&format!("user-{at}"));
        directory.edit_user(pk, |user| user.name = "x".repeat(100_000));
    }
    let adjust = |config: &mut Config| config.service.drain_timeout = drain_timeout;
    let pair = Pair::spawn(Release::V2026_5, directory, adjust).await;
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = pair.app.base.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream
        .write_all(b"GET /entities HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).await.unwrap();
    assert_eq!(&beginning, b"HTTP/1.1 200");
    (pair, stream)
}

#[tokio::test]
async fn an_unread_answer_is_cut_off_at_the_deadline() {
    let (mut pair, _unread) = with_unread_answer(Duration::from_millis(50)).await;
    pair.app.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_mins(1), &mut pair.app.ended).await;
    assert!(
        ended
            .expect("the deadline ends the service")
            .unwrap()
            .is_ok()
    );
}

#[tokio::test]
async fn an_answer_in_progress_is_sent_completely() {
    let (mut pair, mut stream) = with_unread_answer(Duration::from_hours(1)).await;
    pair.app.shutdown.cancel();
    let mut body = Vec::new();
    stream.read_to_end(&mut body).await.unwrap();
    assert!(body.len() > 120 * 100_000 && body.ends_with(b"}\n"));
    assert!((&mut pair.app.ended).await.unwrap().is_ok());
}

#[tokio::test]
async fn an_idle_connection_does_not_delay_a_shutdown() {
    let held = Held::spawn("  drainTimeout: 1h").await;
    let idle = client();
    assert_eq!(
        idle.get(format!("{}/health/live", held.service))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    held.serve.signal(Signal::TERM);
    assert_eq!(held.serve.end().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_connection_without_a_request_does_not_delay_a_shutdown() {
    let held = Held::spawn("  drainTimeout: 1h").await;
    let address = held.service.trim_start_matches("http://");
    let _silent = TcpStream::connect(address).await.unwrap();
    // The service accepts connections in order, so it has accepted the silent one by this answer.
    assert_eq!(
        get(&format!("{}/health/live", held.service)).await.status(),
        200
    );
    held.serve.signal(Signal::TERM);
    assert_eq!(held.serve.end().await.status.code(), Some(0));
}

#[tokio::test]
async fn systemd_learns_when_the_service_is_ready_and_when_it_stops() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut message = [0; 64];
    let mut serve = Process::spawn(
        &["serve"],
        &[
            ("NOTIFY_SOCKET", path.to_str().unwrap()),
            ("AUTHENTIK_BASE_URL", "http://127.0.0.1:9"),
            ("AUTHENTIK_TOKEN", "unused"),
            ("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0"),
            ("ENTITY_PROVIDER_STATE_DIR", "false"),
        ],
    );
    let length = socket.recv(&mut message).await.unwrap();
    assert_eq!(&message[..length], b"READY=1\n");
    let live = format!("{}/health/live", serve.serving().await);
    assert_eq!(get(&live).await.status(), 200);
    serve.signal(Signal::TERM);
    let length = socket.recv(&mut message).await.unwrap();
    assert_eq!(&message[..length], b"STOPPING=1\n");
    assert!(serve.end().await.status.success());
}
