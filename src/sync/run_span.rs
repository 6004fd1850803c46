//! The span of a run, the root of its trace. Requests to Authentik are its children.

use tracing::field::{Empty, display};
use tracing::{Span, info_span};

use crate::authentik::client::Traffic;
use crate::snapshot::run::Run;
use crate::snapshot::sync_mode::SyncMode;
use crate::trace;

/// Returns the span of a run that starts.
pub(super) fn of(run: &Run) -> Span {
    info_span!(
        target: trace::TARGET,
        parent: None,
        "sync",
        otel.status_code = Empty,
        run.id = %run.id,
        run.trigger = %run.trigger,
        run.mode = Empty,
        run.reason = Empty,
        run.outcome = Empty,
        run.requests = Empty,
        run.rows = Empty,
        error.r#type = Empty,
    )
}

/// Records how a run ended.
pub(super) fn end(span: &Span, run: &Run, traffic: Traffic) {
    span.record("run.requests", traffic.requests)
        .record("run.rows", traffic.rows)
        .record("run.mode", run.mode.map(SyncMode::name))
        .record(
            "run.reason",
            run.mode.and_then(SyncMode::reason).map(display),
        );
    let Some((_, outcome)) = &run.end else {
        return;
    };
    span.record("run.outcome", outcome.word());
    if let Some(failure) = outcome.failure() {
        span.record("error.type", &*failure.code)
            .record("otel.status_code", "ERROR");
    }
}
