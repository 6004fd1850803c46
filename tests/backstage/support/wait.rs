//! Waits for what other processes do, and says what it saw last if they never do it.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Backstage removes what is gone every 30 seconds; twice that and a slow machine is the most.
const PATIENCE: Duration = Duration::from_secs(90);
/// Ten thousand users take Backstage minutes.
const LONG_PATIENCE: Duration = Duration::from_mins(10);
/// Backstage's own loops take a second.
const INTERVAL: Duration = Duration::from_millis(200);

/// Looks again and again until a look succeeds; the error of the last look is what a failure shows.
pub async fn wait_until<T, E: Display>(
    awaited: &str,
    look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    wait(awaited, PATIENCE, look).await
}

/// The same for a large directory.
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
            Err(seen) if Instant::now() >= deadline => panic!("{awaited}: still not so: {seen}"),
            Err(_) => sleep(INTERVAL).await,
        }
    }
}
