//! `/sync/{id}/events`: follows a run as server-sent events, driven by what happens and not by a timer.

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

/// The shortest time between two `progress` events: four a second at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);
/// How long a shutdown waits for the end of the run, which it brings about itself.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);
/// Keeps nginx from holding events back.
const UNBUFFERED: [(HeaderName, HeaderValue); 1] = [(
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
)];

/// One event of a run.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub struct RunEvent {
    /// What happened.
    event: EventName,
    /// JSON: the pages as `Pages` with `progress`, else the run as `RunView`.
    #[schema(
        content_media_type = "application/json",
        example = "{\"done\":3,\"total\":104}"
    )]
    data: String,
}

/// What happens to a run.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RunEventName)]
#[expect(dead_code, reason = "only its description is used")]
enum EventName {
    /// Pages were read, or are known to exist.
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
/// Server-sent events: `progress` with the pages that were read and those that are known to exist, at
/// once and then as they change, at most four a second; at the end `succeeded`, `held` or `failed` with
/// the run as `GET /sync` shows it. Then the stream ends, as it does on a shutdown; a browser's
/// `EventSource` asks again unless it is closed at that event.
#[utoipa::path(
    get,
    path = "/sync/{id}/events",
    tag = "sync",
    params(("id" = String, Path, description = "The run's id, as `POST /sync` and `GET /sync` name it")),
    responses(
        (status = OK, description = "Server-sent events, as WHATWG's HTML has them; the schema is that of each \
            event. Comments between them keep the connection open",
            body = RunEvent, content_type = "text/event-stream",
            headers(("X-Accel-Buffering" = String, description = "`no`: events pass nginx at once"))),
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

/// What is left to tell one client; dropped with the connection.
struct RunFeed {
    id: RunId,
    ledger: Arc<Ledger>,
    /// Keeps the counts while their run is forgotten.
    _progress: Arc<Progress>,
    pages: watch::Receiver<Pages>,
    draining: CancellationToken,
    not_before: Instant,
}

/// What happens to a run.
#[derive(Debug)]
enum RunUpdate {
    Progress(Pages),
    Ended(Run),
}

impl RunFeed {
    /// The news of a run from now on.
    fn new(run: &Run, ledger: Arc<Ledger>, draining: CancellationToken) -> Self {
        let mut pages = run.progress.watch();
        // The first event tells how far the run is already.
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

    /// The stream of events, which ends after the end of the run.
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(Some(self), async |feed| {
            let mut feed = feed?;
            let news = feed.next().await?;
            let rest = matches!(news, RunUpdate::Progress(_)).then_some(feed);
            Some((Ok(event(&news)), rest))
        })
    }

    /// What happens next; none if the service shuts down or nobody knows the run any more.
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
                Some((_, Outcome::Held(_))) => "held",
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

    /// A run under way, and the feed of a client.
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

    fn pages(news: Option<&RunUpdate>) -> (usize, usize) {
        let Some(RunUpdate::Progress(pages)) = news else {
            panic!("no progress: {news:?}")
        };
        (pages.done, pages.total)
    }

    #[tokio::test(start_paused = true)]
    async fn steps_in_quick_succession_are_one_event_a_quarter_of_a_second_later() {
        let (_ledger, progress, mut feed, _) = feed();
        progress.expect(1000);
        assert_eq!(pages(feed.next().await.as_ref()), (0, 1000));
        let told = Instant::now();
        for _ in 0..700 {
            progress.advance();
        }
        assert_eq!(pages(feed.next().await.as_ref()), (700, 1000));
        assert_eq!(told.elapsed(), PROGRESS_INTERVAL, "of a paused clock");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_run_waits_for_no_pace_and_ends_the_stream() {
        let (ledger, progress, feed, _) = feed();
        let mut events = Box::pin(feed.events());
        assert!(events.next().await.is_some());
        let told = Instant::now();
        progress.expect(1);
        ledger.finish(Outcome::Failed(Failure::new("test", "it failed")));
        assert!(events.next().await.is_some());
        assert!(events.next().await.is_none());
        assert_eq!(told.elapsed(), Duration::ZERO, "of a paused clock");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_ends_the_stream_of_a_run_that_nobody_ends() {
        let (_ledger, _progress, mut feed, draining) = feed();
        feed.next().await;
        draining.cancel();
        assert!(feed.next().await.is_none());
    }

    #[tokio::test]
    async fn nothing_follows_a_run_once_its_client_is_gone() {
        let (_ledger, progress, feed, _) = feed();
        let mut events = Box::pin(feed.events());
        events.next().await;
        drop(events);
        progress.no_receivers().await;
    }
}
