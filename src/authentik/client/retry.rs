//! Retries a GET after a transient error: a few times per request, within the retry budget of a
//! run.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::StatusCode;

use super::{Answer, Client};
use crate::authentik::error::Error;

/// The pause before the first retry. Each further pause is twice as long, with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Maximum number of retries of a request. With the default timeouts of a request and of a run, the
/// run still reports a server that never answers.
const RETRIES: usize = 4;
/// Maximum number of retries after a timeout: Authentik continues to work on the first request.
const RETRIED_TIMEOUTS: usize = 1;
/// The longest `Retry-After` for which the client waits.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Number of retries in the budget of any run: more than one outage needs at the default
/// concurrency.
const BUDGET_FLOOR: usize = 20;
/// The budget grows by one retry per this many answers. A worker that Authentik recycles fails the
/// requests in flight, four of about 1,000 by default, so ten percent is enough.
const ANSWERS_PER_RETRY: usize = 10;

/// The retry budget of one run, which grows with the number of answers.
#[derive(Debug, Default)]
pub(super) struct RetryBudget {
    answers: AtomicUsize,
    retries: AtomicUsize,
}

impl RetryBudget {
    /// Counts an answer that needs no retry.
    fn answered(&self) {
        self.answers.fetch_add(1, Relaxed);
    }

    /// Takes one retry from the budget. Returns whether one was left.
    fn spend(&self) -> bool {
        let limit = BUDGET_FLOOR + self.answers.load(Relaxed) / ANSWERS_PER_RETRY;
        let is_left = self.retries.fetch_add(1, Relaxed) < limit;
        if !is_left {
            tracing::warn!(limit, "the retry budget of the run is exhausted");
        }
        is_left
    }
}

impl Client {
    /// Starts a new retry budget for the requests from now on.
    pub fn begin_run(&mut self) {
        self.budget = std::sync::Arc::default();
    }

    /// Sends a request, with retries. A server error that persists is an error.
    pub(super) async fn get(&self, url: &str) -> Result<Answer, Error> {
        let mut timeouts = 0;
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_times(RETRIES)
            .with_jitter();
        let answer = (|| self.get_healthy(url))
            .retry(pauses)
            .when(|error| {
                timeouts += usize::from(matches!(error, Error::Timeout { .. }));
                error.is_transient() && timeouts <= RETRIED_TIMEOUTS
            })
            .adjust(|error, pause| {
                let required = error.retry_after().unwrap_or_default();
                pause
                    .filter(|_| required <= LONGEST_PAUSE && self.may_retry(error))
                    .map(|pause| pause.max(required))
            })
            .notify(|error, pause| {
                self.instruments.retries.inc();
                tracing::debug!(%error, pause_ms = pause.as_millis(), "retrying a request");
            })
            .await?;
        self.budget.answered();
        Ok(answer)
    }

    /// Sends a request once. A server error is an error.
    async fn get_healthy(&self, url: &str) -> Result<Answer, Error> {
        let answer = self.get_once(url).await?;
        if answer.status.is_server_error() {
            Err(self.status(url, &answer))
        } else {
            Ok(answer)
        }
    }

    /// Whether the budget allows a retry. A retry after a rate limit (429) is free: the pause
    /// itself slows the run down.
    fn may_retry(&self, error: &Error) -> bool {
        let is_limited = matches!(
            error,
            Error::Unavailable {
                status: StatusCode::TOO_MANY_REQUESTS,
                ..
            }
        );
        is_limited || self.budget.spend()
    }
}
