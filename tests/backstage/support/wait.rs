//! Waits for effects in other processes; on a timeout, the panic message contains the last
//! observation.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Backstage removes entities every 30 seconds; this allows two rounds on a slow machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Backstage takes minutes for ten thousand users.
const LONG_PATIENCE: Duration = Duration::from_mins(10);
/// Backstage's own loops run every second.
const INTERVAL: Duration = Duration::from_millis(200);

/// Polls until the closure succeeds; panics with the last error on a timeout.
pub async fn wait_until<T, E: Display>(
    awaited: &str,
    look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    wait(awaited, PATIENCE, look).await
}

/// As [`wait_until`], with the timeout of a large directory.
pub async fn wait_longer<T, E: Display>(
    awaited: &str,
    look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    wait(awaited, LONG_PATIENCE, look).await
}

async fn wait<T, E: Display>(
    awaited: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        match look().await {
            Ok(seen) => return seen,
            Err(seen) if Instant::now() >= deadline => panic!("timeout: {awaited}: {seen}"),
            Err(_) => sleep(INTERVAL).await,
        }
    }
}
