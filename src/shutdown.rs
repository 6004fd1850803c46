//! Turns signals into a token.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// The exit code after a second signal.
const ABORTED: i32 = 130;

/// A token that SIGTERM or SIGINT cancels; a second signal ends the process at once.
///
/// # Errors
/// When the system refuses to register a handler.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let name = either(&mut terminate, &mut interrupt).await;
        cancelled.cancel();
        tracing::info!(signal = name, "shutting down");
        let name = either(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal = name, "aborting");
        telemetry::flush();
        std::process::exit(ABORTED);
    });
    Ok(token)
}

/// Waits for one of the signals and gives its name.
async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
