//! Shared support: recordings, a running fake Authentik, HTTP clients.

pub mod app;
pub mod command;
pub mod directory;
pub mod hostile;
pub mod ordered;
pub mod process;
pub mod proxy;
pub mod reader;
pub mod replay;
pub mod wire;

use std::path::PathBuf;
use std::sync::Once;

use fake_authentik::FakeAuthentik;
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Reads a recording, such as `2026.5/version.json`.
pub fn fixture(path: &str) -> String {
    let committed = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/authentik");
    let folder = std::env::var_os("AUTHENTIK_RECORDINGS").map_or_else(committed, PathBuf::from);
    let file = folder.join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Returns the rows of a recorded page.
pub fn recorded_rows(path: &str) -> Vec<Value> {
    let mut page: Value = serde_json::from_str(&fixture(path)).unwrap();
    serde_json::from_value(page["results"].take()).unwrap()
}

/// Creates a client that neither follows redirects nor uses a proxy.
pub fn client() -> Client {
    client_builder().build().unwrap()
}

/// Starts to build a client that neither follows redirects nor uses a proxy.
pub fn client_builder() -> ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
}

/// A fake Authentik on a free port; it stops on drop.
pub struct RunningAuthentik {
    /// The base URL, without a trailing slash.
    pub base: String,
    client: Client,
    _stop: oneshot::Sender<()>,
}

impl RunningAuthentik {
    /// Serves a fake Authentik.
    pub async fn spawn(fake: &FakeAuthentik) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let fake = fake.clone();
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            fake.serve(listener, stopped).await
        });
        Self {
            base,
            client: client(),
            _stop: stop,
        }
    }

    /// Starts a request without credentials.
    pub fn request(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    /// Starts a request with full access.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(path).bearer_auth(FakeAuthentik::TOKEN)
    }

    /// Fetches JSON with any status.
    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).send().await.unwrap().text().await.unwrap()).unwrap()
    }
}
