//! Repeats a GET where that may help: a few times each, and within the retry budget of a run.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::StatusCode;

use super::{Answer, Client};
use crate::authentik::error::Error;

/// The first pause before a retry; each further one is twice as long, with jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How often a request is repeated: so often that a server which never answers is reported within
/// the default timeouts of a request and of a run.
const RETRIES: usize = 4;
/// How often a request is repeated that got no answer in time: Authentik goes on working for it.
const RETRIED_TIMEOUTS: usize = 1;
/// The longest `Retry-After` that is waited for within a run.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Retries that every run may spend: more than the default concurrency needs for one outage.
const BUDGET_FLOOR: usize = 20;
/// One more retry for each so many answers. A worker of Authentik that is recycled fails the requests
/// in flight, four of about 1,000 by default, so ten percent leave room.
const ANSWERS_PER_RETRY: usize = 10;

/// The retries of one run, which grow with its size.
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

    /// Takes one retry, if one is left.
    fn spend(&self) -> bool {
        let most = BUDGET_FLOOR + self.answers.load(Relaxed) / ANSWERS_PER_RETRY;
        let is_left = self.retries.fetch_add(1, Relaxed) < most;
        if !is_left {
            tracing::warn!(most, "the retry budget of the run is spent");
        }
        is_left
    }
}

impl Client {
    /// Gives the requests from now on a new retry budget.
    pub fn begin_run(&mut self) {
        self.budget = std::sync::Arc::default();
    }

    /// Sends a request, and again where that may help; a server error that lasts is an error.
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
                let asked = error.retry_after().unwrap_or_default();
                pause
                    .filter(|_| asked <= LONGEST_PAUSE && self.may_retry(error))
                    .map(|pause| pause.max(asked))
            })
            .notify(|error, pause| {
                tracing::debug!(%error, pause_ms = pause.as_millis(), "retrying a request");
            })
            .await?;
        self.budget.answered();
        Ok(answer)
    }

    /// Sends a request once; every server error is an error.
    async fn get_healthy(&self, url: &str) -> Result<Answer, Error> {
        let answer = self.get_once(url).await?;
        if answer.status.is_server_error() {
            Err(self.status(url, &answer))
        } else {
            Ok(answer)
        }
    }

    /// Takes a retry from the budget. A rate limit costs nothing: it is no fault, and the pause slows
    /// the run down.
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
