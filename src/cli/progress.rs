//! A progress bar on a terminal for work that takes longer than a second.

use std::io::{IsTerminal, stderr};
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, interval_at};

use crate::progress::Progress;

/// The time before the bar appears.
const DELAY: Duration = Duration::from_secs(1);
/// The time between two updates.
const PERIOD: Duration = Duration::from_millis(100);
/// The templates of the bar with and without a known number of pages.
const PAGES: &str = "{spinner} {msg} [{bar:30}] {pos}/{len} pages, {elapsed}";
const WAITING: &str = "{spinner} {msg}, {elapsed}";

/// Does some work and shows its progress on standard error, if that is a terminal.
pub(super) async fn shown<T>(progress: &Progress, what: &str, work: impl Future<Output = T>) -> T {
    let target = if stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    drawn(target, progress, what, work).await
}

/// Does some work and draws its progress.
async fn drawn<T>(
    target: ProgressDrawTarget,
    progress: &Progress,
    what: &str,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    let bar = ProgressBar::with_draw_target(None, target).with_message(what.to_owned());
    let mut ticks = interval_at(Instant::now() + DELAY, PERIOD);
    loop {
        tokio::select! {
            biased;
            outcome = &mut work => {
                bar.finish_and_clear();
                return outcome;
            }
            _ = ticks.tick() => draw(&bar, progress),
        }
    }
}

/// Draws the current progress.
fn draw(bar: &ProgressBar, progress: &Progress) {
    let (done, total) = (progress.done() as u64, progress.total() as u64);
    let template = if total > 0 { PAGES } else { WAITING };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_length(total);
    bar.set_position(done);
    bar.tick();
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    fn terminal() -> (InMemoryTerm, ProgressDrawTarget) {
        let terminal = InMemoryTerm::new(10, 80);
        (
            terminal.clone(),
            ProgressDrawTarget::term_like(Box::new(terminal)),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_longer_than_a_second_shows_its_pages_and_cleans_up() {
        let (terminal, target) = terminal();
        let progress = Progress::default();
        progress.expect(4);
        progress.advance();
        let work = async {
            tokio::time::sleep(DELAY + PERIOD / 2).await;
            terminal.contents()
        };
        let contents = drawn(target, &progress, "reading Authentik", work).await;
        assert!(
            contents.contains("reading Authentik") && contents.contains("1/4 pages"),
            "{contents}"
        );
        assert_eq!(terminal.contents(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_within_a_second_shows_nothing() {
        let (terminal, target) = terminal();
        let work = async {
            tokio::time::sleep(DELAY / 2).await;
            terminal.contents()
        };
        assert_eq!(
            drawn(target, &Progress::default(), "reading", work).await,
            ""
        );
    }
}
