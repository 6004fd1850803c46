//! How the telling of Backstage is shown.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::run_view::FailureView;
use crate::snapshot::push::PushReport;

/// The last time that Backstage was told which locations changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PushView {
    /// When that was.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Locations that Backstage was told to read again.
    refreshed: usize,
    /// Locations that Backstage does not know.
    unknown: usize,
    /// Locations that Backstage has still to be told of.
    waiting: usize,
    /// Why it was not told of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<FailureView>,
}

impl From<PushReport> for PushView {
    fn from(report: PushReport) -> Self {
        let PushReport {
            at,
            refreshed,
            unknown,
            waiting,
            failure,
        } = report;
        Self {
            at,
            refreshed,
            unknown,
            waiting,
            error: failure.as_ref().map(FailureView::from),
        }
    }
}
