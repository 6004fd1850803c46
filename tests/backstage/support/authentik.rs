//! A look-alike Authentik on a port of its own.

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A served look-alike; it stops when dropped.
pub struct Authentik {
    /// The look-alike, to be edited and scripted.
    pub fake: FakeAuthentik,
    /// The base URL, without a trailing slash.
    pub base: String,
    server: JoinHandle<std::io::Result<()>>,
}

impl Authentik {
    /// Serves a directory as the newest release does.
    pub async fn spawn(directory: FakeDirectory) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, directory).with_own_time();
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
