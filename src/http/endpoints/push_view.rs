//! The last push to Backstage in JSON.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::run_view::FailureView;
use crate::snapshot::push::PushReport;

/// The last push of changed locations to Backstage.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PushView {
    /// The time of the push.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Number of locations that Backstage scheduled for a refresh.
    refreshed: usize,
    /// Number of locations that Backstage does not know.
    unknown: usize,
    /// Number of locations still to be pushed.
    waiting: usize,
    /// The error, if the push failed.
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
