//! A record of the requests that the fake Authentik received.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, Uri};
use tokio::sync::watch;

use super::query::Parameters;

/// Number of requests recorded in full; older ones are only counted.
const KEPT: usize = 10_000;

/// One received request.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    /// The path, without the query.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
}

impl SeenRequest {
    /// Copies the recorded parts of a request.
    pub(super) fn new(uri: &Uri, headers: &HeaderMap) -> Self {
        let (path, query) = (
            uri.path().to_owned(),
            uri.query().unwrap_or_default().to_owned(),
        );
        Self {
            path,
            query,
            headers: headers.clone(),
        }
    }

    /// Returns the last value of a query parameter, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        Parameters::parse(&self.query).last(name).map(str::to_owned)
    }

    /// Returns a header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FakeCounters {
    /// All requests.
    pub requests: u64,
    /// Requests to the list of users.
    pub user_lists: u64,
    /// Requests to the list of groups.
    pub group_lists: u64,
    /// Users returned by the list of users.
    pub user_rows: u64,
    /// Groups returned by the list of groups.
    pub group_rows: u64,
    /// Requests in progress.
    pub in_flight: u64,
    /// Largest number of requests in progress at once.
    pub max_in_flight: u64,
}

#[derive(Debug)]
struct Book {
    last: VecDeque<SeenRequest>,
    counters: FakeCounters,
}

/// The bounded record of requests. Its lock is held for a push or a copy, never across an await.
#[derive(Debug)]
pub(super) struct Journal {
    book: Mutex<Book>,
    total: watch::Sender<u64>,
}

impl Default for Journal {
    fn default() -> Self {
        let book = Book {
            last: VecDeque::new(),
            counters: FakeCounters::default(),
        };
        Self {
            book: Mutex::new(book),
            total: watch::Sender::new(0),
        }
    }
}

impl Journal {
    /// Records a request; it is in progress until the returned guard is dropped.
    pub(super) fn enter(&self, request: SeenRequest) -> InFlight<'_> {
        let mut book = self.book();
        let counters = &mut book.counters;
        counters.requests += 1;
        counters.user_lists += u64::from(request.path == super::api::USERS);
        counters.group_lists += u64::from(request.path == super::api::GROUPS);
        counters.in_flight += 1;
        counters.max_in_flight = counters.max_in_flight.max(counters.in_flight);
        let total = counters.requests;
        if book.last.len() == KEPT {
            book.last.pop_front();
        }
        book.last.push_back(request);
        drop(book);
        self.total.send_replace(total);
        InFlight(self)
    }

    /// Counts returned rows.
    pub(super) fn count_rows(&self, users: usize, groups: usize) {
        let counters = &mut self.book().counters;
        counters.user_rows += users as u64;
        counters.group_rows += groups as u64;
    }

    /// Returns the recorded requests, oldest first.
    pub(super) fn last(&self) -> Vec<SeenRequest> {
        self.book().last.iter().cloned().collect()
    }

    /// Returns the totals.
    pub(super) fn counters(&self) -> FakeCounters {
        self.book().counters
    }

    /// Waits until this many requests have arrived.
    pub(super) async fn reached(&self, requests: u64) {
        // The sender cannot be closed: this journal owns it.
        let _ = self
            .total
            .subscribe()
            .wait_for(|total| *total >= requests)
            .await;
    }

    /// Waits until no request is in progress, including requests whose client disconnected.
    pub(super) async fn idle(&self) {
        let mut changes = self.total.subscribe();
        while self.counters().in_flight > 0 {
            let _ = changes.changed().await;
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks a request as in progress until it is dropped.
pub(super) struct InFlight<'a>(&'a Journal);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.book().counters.in_flight -= 1;
        self.0.total.send_modify(|_| ());
    }
}
