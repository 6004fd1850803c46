//! `/sync/{id}/events`: the progress of a run as server-sent events, sent when it changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{Stream, unfold};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::run_view::RunView;
use super::sync::{NO_STORE, known_run};
use crate::http::error::{ApiError, Problem};
use crate::http::state::AppState;
use crate::progress::{Pages, Progress};
use crate::snapshot::ledger::Ledger;
use crate::snapshot::run::{Outcome, Run, RunId};

/// The minimum time between two `progress` events: at most four a second.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// How long a stream waits during shutdown for the end of the run, which the shutdown cancels.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);
/// Disables nginx's buffer, so that it forwards events at once.
const UNBUFFERED: [(HeaderName, HeaderValue); 1] = [(
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
)];

/// One event of a run.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub struct RunEvent {
    /// The kind of event.
    event: EventName,
    /// JSON: `Pages` for `progress`, otherwise `RunView`.
    #[schema(
        content_media_type = "application/json",
        example = "{\"done\":3,\"total\":104}"
    )]
    data: String,
}

/// The kinds of events of a run.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RunEventName)]
#[expect(dead_code, reason = "only its description is used")]
enum EventName {
    /// More pages were read, or more pages are known to exist.
    Progress,
    /// The run succeeded.
    Succeeded,
    /// The run was held.
    Held,
    /// The run failed.
    Failed,
}

/// Follows a run
///
/// Server-sent events. `progress` has the number of pages that were read and that are known to
/// exist; it is sent at once and after each change, at most four times a second. At the end of the
/// run, `succeeded`, `held` or `failed` has the run as `GET /sync` shows it, and the stream ends.
/// It also ends when the service shuts down. A browser's `EventSource` reconnects unless the page
/// closes it after the last event.
#[utoipa::path(
    get,
    path = "/sync/{id}/events",
    tag = "sync",
    params(("id" = String, Path, description = "The id of the run, from `POST /sync` or `GET /sync`")),
    responses(
        (status = OK, description = "Server-sent events (WHATWG HTML); the schema is that of each \
            event. Comments between events keep the connection open",
            body = RunEvent, content_type = "text/event-stream",
            headers(("X-Accel-Buffering" = String, description = "`no`: nginx forwards events at once"))),
        (status = NOT_FOUND, description = "No such run", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn follow_run(
    State(state): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let run = known_run(&state, id)?;
    let events = RunFeed::new(&run, state.ledger, state.draining).events();
    Ok((
        NO_STORE,
        UNBUFFERED,
        Sse::new(events).keep_alive(KeepAlive::default()),
    ))
}

/// The remaining events for one client; dropped with the connection.
struct RunFeed {
    id: RunId,
    ledger: Arc<Ledger>,
    /// Keeps the counters alive after the ledger drops the run.
    _progress: Arc<Progress>,
    pages: watch::Receiver<Pages>,
    draining: CancellationToken,
    not_before: Instant,
}

/// A change of a run.
#[derive(Debug)]
enum RunUpdate {
    Progress(Pages),
    Ended(Run),
}

impl RunFeed {
    /// Returns the changes of a run from now on.
    fn new(run: &Run, ledger: Arc<Ledger>, draining: CancellationToken) -> Self {
        let mut pages = run.progress.watch();
        // The first event has the current progress.
        pages.mark_changed();
        let (id, progress) = (run.id, Arc::clone(&run.progress));
        Self {
            id,
            ledger,
            _progress: progress,
            pages,
            draining,
            not_before: Instant::now(),
        }
    }

    /// Returns the stream of events, which ends after the run.
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(Some(self), async |feed| {
            let mut feed = feed?;
            let update = feed.next().await?;
            let remaining = matches!(update, RunUpdate::Progress(_)).then_some(feed);
            Some((Ok(event(&update)), remaining))
        })
    }

    /// Waits for the next change. Returns `None` if the service shuts down, or if the ledger
    /// dropped the run.
    async fn next(&mut self) -> Option<RunUpdate> {
        let changed = async {
            sleep_until(self.not_before).await;
            self.pages
                .changed()
                .await
                .map(|()| *self.pages.borrow_and_update())
        };
        let drained = async {
            self.draining.cancelled().await;
            sleep(SHUTDOWN_GRACE).await;
        };
        let pages = tokio::select! {
            biased;
            run = self.ledger.ended(self.id) => return run.map(RunUpdate::Ended),
            () = drained => return None,
            pages = changed => pages.ok()?,
        };
        self.not_before = Instant::now() + PROGRESS_INTERVAL;
        Some(RunUpdate::Progress(pages))
    }
}

/// An event with what happened as JSON.
fn event(news: &RunUpdate) -> Event {
    let (name, json) = match news {
        RunUpdate::Progress(pages) => ("progress", Event::default().json_data(*pages)),
        RunUpdate::Ended(run) => {
            let name = match run.end {
                Some((_, Outcome::Succeeded(_))) => "succeeded",
                Some((_, Outcome::Held(..))) => "held",
                Some((_, Outcome::Failed(_))) | None => "failed",
            };
            (name, Event::default().json_data(RunView::from(run)))
        }
    };
    json.unwrap_or_default().event(name)
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use jiff::Timestamp;

    use super::*;
    use crate::clock::Clock;
    use crate::snapshot::run::{Failure, Trigger};

    /// Returns a ledger with a run in progress, and the feed of a client.
    fn feed() -> (Arc<Ledger>, Arc<Progress>, RunFeed, CancellationToken) {
        let ledger = Arc::new(Ledger::new(Clock::new(|| Timestamp::UNIX_EPOCH)));
        let id = ledger.request(Trigger::Request).unwrap();
        let progress = ledger.start().unwrap().progress;
        let draining = CancellationToken::new();
        let feed = RunFeed::new(
            &ledger.find(id).unwrap(),
            Arc::clone(&ledger),
            draining.clone(),
        );
        (ledger, progress, feed, draining)
    }

    fn pages(update: Option<&RunUpdate>) -> (usize, usize) {
        let Some(RunUpdate::Progress(pages)) = update else {
            panic!("no progress: {update:?}")
        };
        (pages.done, pages.total)
    }

    #[tokio::test(start_paused = true)]
    async fn fast_progress_gives_one_event_after_a_quarter_of_a_second() {
        let (_ledger, progress, mut feed, _) = feed();
        progress.expect(1000);
        assert_eq!(pages(feed.next().await.as_ref()), (0, 1000));
        let sent = Instant::now();
        for _ in 0..700 {
            progress.advance();
        }
        assert_eq!(pages(feed.next().await.as_ref()), (700, 1000));
        assert_eq!(sent.elapsed(), PROGRESS_INTERVAL, "of a paused clock");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_run_is_sent_at_once_and_ends_the_stream() {
        let (ledger, progress, feed, _) = feed();
        let mut events = Box::pin(feed.events());
        assert!(events.next().await.is_some());
        let sent = Instant::now();
        progress.expect(1);
        ledger.finish(Outcome::Failed(Failure::new("test", "it failed")));
        assert!(events.next().await.is_some());
        assert!(events.next().await.is_none());
        assert_eq!(sent.elapsed(), Duration::ZERO, "of a paused clock");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_ends_the_stream_of_a_run_that_does_not_end() {
        let (_ledger, _progress, mut feed, draining) = feed();
        feed.next().await;
        draining.cancel();
        assert!(feed.next().await.is_none());
    }

    #[tokio::test]
    async fn a_disconnected_client_leaves_no_receiver() {
        let (_ledger, progress, feed, _) = feed();
        let mut events = Box::pin(feed.events());
        events.next().await;
        drop(events);
        progress.no_receivers().await;
    }
}
