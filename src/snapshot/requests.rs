//! The requests of HTTP clients that lead to a run or to a newer snapshot: in this process, or at the replica
//! that syncs.

use std::sync::Arc;

use async_trait::async_trait;

use super::ledger::Ledger;
use super::run::{Failure, RunId, RunOptions, Trigger};

/// Why a request is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The service is shutting down.
    Draining,
    /// The database does not accept it.
    Database(Failure),
}

/// Takes the requests of HTTP clients.
#[async_trait]
pub trait Requests: std::fmt::Debug + Send + Sync {
    /// Queues a run, which begins after this call, and returns its id.
    ///
    /// # Errors
    /// During a shutdown, or if the database does not accept it.
    async fn request(&self, options: RunOptions) -> Result<RunId, RequestError>;

    /// Records that Authentik sent a webhook.
    ///
    /// # Errors
    /// During a shutdown, or if the database does not accept it.
    async fn receive_webhook(&self) -> Result<(), RequestError>;

    /// Waits shortly for the snapshot that other replicas may already serve.
    async fn catch_up(&self);
}

/// A single process takes its own requests.
#[async_trait]
impl Requests for Arc<Ledger> {
    async fn request(&self, options: RunOptions) -> Result<RunId, RequestError> {
        self.request_with(Trigger::Request, options)
            .ok_or(RequestError::Draining)
    }

    async fn receive_webhook(&self) -> Result<(), RequestError> {
        if self.notify() {
            Ok(())
        } else {
            Err(RequestError::Draining)
        }
    }

    async fn catch_up(&self) {}
}
