//! A fake Authentik on a free port.

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running fake Authentik; it stops on drop.
pub struct Authentik {
    /// The fake Authentik, for edits and scripts.
    pub fake: FakeAuthentik,
    /// The base URL, without a trailing slash.
    pub base: String,
    server: JoinHandle<std::io::Result<()>>,
}

impl Authentik {
    /// Serves a directory with the newest release.
    pub async fn spawn(directory: FakeDirectory) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, directory).with_directory_time();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let served = fake.clone();
        let server =
            tokio::spawn(async move { served.serve(listener, std::future::pending()).await });
        Self { fake, base, server }
    }
}

impl Drop for Authentik {
    fn drop(&mut self) {
        self.server.abort();
    }
}
