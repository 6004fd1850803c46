//! Counters of the runs since the start. They also include runs that the ledger has dropped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;

use super::run::{Outcome, Run};
use super::sync_mode::SyncMode;

/// The outcomes of runs.
const OUTCOMES: [&str; 3] = ["succeeded", "held", "failed"];
/// The modes of runs. A run has no mode if it did not read Authentik: after a restart or reload, or
/// if it failed early.
const MODES: [&str; 3] = ["full", "incremental", NO_MODE];
/// The label of a run without a mode.
const NO_MODE: &str = "none";

/// Upper bounds of durations in seconds: an incremental sync takes less than a second, a full sync of 100,000
/// users up to an hour.
const DURATIONS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1800.0, 3600.0];

/// The numbers and durations of runs that ended since the start.
#[derive(Clone, Debug)]
pub struct Totals {
    runs: BTreeMap<(&'static str, &'static str), u64>,
    failures: BTreeMap<Cow<'static, str>, u64>,
    durations: BTreeMap<&'static str, Histogram>,
    succeeded_at: Option<Timestamp>,
}

impl Default for Totals {
    /// Returns zero for every outcome and mode.
    fn default() -> Self {
        let kinds = OUTCOMES
            .iter()
            .flat_map(|outcome| MODES.map(|mode| (*outcome, mode)));
        Self {
            runs: kinds.map(|kind| (kind, 0)).collect(),
            failures: BTreeMap::new(),
            durations: MODES.map(|mode| (mode, Histogram::new(DURATIONS))).into(),
            succeeded_at: None,
        }
    }
}

impl Totals {
    /// Counts a run that has ended.
    pub(super) fn count(&mut self, run: &Run) {
        let Some((_, outcome)) = &run.end else {
            return;
        };
        let mode = run.mode.map_or(NO_MODE, SyncMode::name);
        *self.runs.entry((outcome.word(), mode)).or_default() += 1;
        if let Some(failure) = outcome.failure() {
            *self.failures.entry(failure.code.clone()).or_default() += 1;
        }
        if let Some((seconds, durations)) = run.duration_seconds().zip(self.durations.get(mode)) {
            durations.observe(seconds);
        }
        self.note_success(run);
    }

    /// Notes when a run that read Authentik succeeded.
    pub(super) fn note_success(&mut self, run: &Run) {
        if let Some((at, Outcome::Succeeded(_))) = &run.end
            && run.mode.is_some()
        {
            self.succeeded_at = self.succeeded_at.max(Some(*at));
        }
    }

    /// Returns the number of runs that ended, for every outcome and mode.
    pub fn runs(&self) -> impl Iterator<Item = ((&'static str, &'static str), u64)> {
        self.runs.iter().map(|(kind, count)| (*kind, *count))
    }

    /// Returns the number of failed and held runs of each code that occurred.
    pub fn failures(&self) -> impl Iterator<Item = (&str, u64)> {
        self.failures.iter().map(|(code, count)| (&**code, *count))
    }

    /// Returns the durations of runs in seconds, by mode.
    pub fn durations(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        self.durations
            .iter()
            .map(|(mode, durations)| (*mode, durations))
    }

    /// Returns when a run that read Authentik last succeeded.
    #[must_use]
    pub fn succeeded_at(&self) -> Option<Timestamp> {
        self.succeeded_at
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::snapshot::changes::Changes;
    use crate::snapshot::run::{Failure, RunReport, Trigger};
    use crate::snapshot::sync_mode::FullReason;

    fn succeeded() -> Outcome {
        let report = RunReport {
            users: 1,
            groups: 1,
            changes: Changes::default(),
            findings: 0,
            listed_findings: Arc::default(),
        };
        Outcome::Succeeded(report)
    }

    fn ended(second: i64, mode: Option<SyncMode>, outcome: Outcome) -> Run {
        let at = Timestamp::from_second(second).unwrap();
        let run = Run::queued(Trigger::Request, at);
        Run {
            mode,
            end: Some((at, outcome)),
            ..run
        }
    }

    #[test]
    fn runs_are_counted_by_outcome_and_mode_and_every_counter_exists_from_the_start() {
        let failure = Failure::new("test", "");
        let full = Some(SyncMode::Full(FullReason::First));
        let mut totals = Totals::default();
        let kinds: Vec<_> = totals.runs().collect();
        assert!(kinds.len() == 9 && kinds.iter().all(|(_, count)| *count == 0));
        for run in [
            ended(1, full, succeeded()),
            ended(
                2,
                Some(SyncMode::Incremental(Timestamp::UNIX_EPOCH)),
                succeeded(),
            ),
            ended(
                3,
                Some(SyncMode::Incremental(Timestamp::UNIX_EPOCH)),
                succeeded(),
            ),
            ended(4, full, Outcome::Held(failure.clone(), Changes::default())),
            ended(5, None, Outcome::Failed(failure)),
        ] {
            totals.count(&run);
        }
        let counted: Vec<_> = totals.runs().filter(|(_, count)| *count > 0).collect();
        let expected = [
            (("failed", "none"), 1),
            (("held", "full"), 1),
            (("succeeded", "full"), 1),
            (("succeeded", "incremental"), 2),
        ];
        assert_eq!(counted, expected);
        assert_eq!(
            totals.runs().count(),
            kinds.len(),
            "every counter exists from the start"
        );
    }

    #[test]
    fn only_a_run_that_read_authentik_sets_the_time_of_success() {
        let mut totals = Totals::default();
        totals.count(&ended(1, None, succeeded()));
        assert_eq!(
            totals.succeeded_at(),
            None,
            "it published the restored rows"
        );
        totals.count(&ended(
            2,
            Some(SyncMode::Incremental(Timestamp::UNIX_EPOCH)),
            succeeded(),
        ));
        totals.count(&ended(3, None, succeeded()));
        assert_eq!(totals.succeeded_at().unwrap().as_second(), 2);
    }
}
