//! Shared support: a database, the fake Authentik, and replicas in front of it.

pub mod postgres;
#[expect(dead_code, reason = "the other suite uses more of it")]
#[path = "../it/support/process.rs"]
pub mod process;
pub mod refreshes;
pub mod replica;

use std::fmt::Display;
use std::sync::Once;
use std::time::Duration;

use reqwest::Client;
use tokio::time::{Instant, sleep};

/// A replica takes over within ten seconds; this allows for a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// The pause between two looks at another process.
const INTERVAL: Duration = Duration::from_millis(50);

/// Creates a client that passes answers on unchanged.
pub fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().no_proxy().no_gzip().build().unwrap()
}

/// Polls until the closure succeeds; panics with the last observation on a timeout.
pub async fn wait_until<T, E: Display>(
    awaited: &str,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(seen) => return seen,
            Err(seen) if Instant::now() >= deadline => panic!("timeout: {awaited}: {seen}"),
            Err(_) => sleep(INTERVAL).await,
        }
    }
}
