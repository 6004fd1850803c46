//! Reports the state of the service to systemd (`sd_notify(3)`). Without systemd it does nothing.

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Reports that the service accepts connections, and at the shutdown that it stops.
pub(super) async fn report(shutdown: CancellationToken) {
    send(NotifyState::Ready);
    shutdown.cancelled().await;
    send(NotifyState::Stopping);
}

fn send(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd cannot be notified; check NOTIFY_SOCKET");
    }
}
