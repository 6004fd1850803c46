//! The log: text on a terminal, JSON otherwise; `RUST_LOG` says how much of it. And the [`metrics`].

mod lines;
pub mod metrics;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::{self, Debug};
use std::io::{self, IsTerminal, stderr};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::time::Duration;

use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, ParseError};
use tracing_subscriber::fmt::format::{FormatFields, Writer, debug_fn};

use crate::inert::inert;
use lines::Lines;

/// How long the end of the process waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The lines of this process's log.
static LINES: OnceLock<Lines> = OnceLock::new();

/// Sends the log and the messages of panics to standard error, from `info` on unless `RUST_LOG` says
/// otherwise. An output that takes nothing costs lines and nothing else.
///
/// # Errors
/// When the system refuses a thread for the log.
///
/// # Panics
/// When it is called twice.
pub fn init() -> io::Result<()> {
    let lines = Lines::spawn(stderr())?;
    let (filter, refused) = filter(&std::env::var("RUST_LOG").unwrap_or_default());
    let log = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_target(false)
        .with_writer(lines.clone());
    if stderr().is_terminal() {
        log.fmt_fields(plain_fields()).init();
    } else {
        log.json().flatten_event(true).init();
    }
    panic::set_hook(Box::new(log_panic));
    let _ = LINES.set(lines);
    if let Some(error) = refused {
        tracing::warn!(%error, "RUST_LOG cannot be read and is ignored");
    }
    Ok(())
}

/// Writes what is left of the log, as far as its output takes it; to be called before the process ends.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush(LAST_LINES);
    }
}

/// The filter of a text, or the default one and what is wrong with the text.
fn filter(text: &str) -> (EnvFilter, Option<ParseError>) {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    match builder.parse(text) {
        Ok(filter) => (filter, None),
        Err(error) => (
            EnvFilter::default().add_directive(LevelFilter::INFO.into()),
            Some(error),
        ),
    }
}

/// Logs a panic: the standard hook writes to standard error itself, which may block.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let is_captured = backtrace.status() == BacktraceStatus::Captured;
    tracing::error!(
        location = panic.location().map(display),
        backtrace = is_captured.then(|| display(&backtrace)),
        "panicked: {}",
        panic.payload_as_str().unwrap_or("no message")
    );
}

/// Fields as text, one line an event whatever they hold: names in a directory may hold line breaks and
/// what a terminal obeys.
fn plain_fields() -> impl for<'a> FormatFields<'a> {
    debug_fn(write_field).delimited(" ")
}

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    let value = inert(&format!("{value:?}"));
    if field.name() == "message" {
        writer.write_str(&value)
    } else {
        write!(writer, "{}={value}", field.name())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written to a log.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_on_a_terminal_whatever_its_fields_hold() {
        let written = Written::default();
        let sink = written.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_target(false);
        let log = log
            .fmt_fields(plain_fields())
            .with_writer(move || sink.clone())
            .finish();
        let name = "eve\u{1b}[2J\r\nERROR forged \u{9b}31m\u{202e}";
        tracing::subscriber::with_default(log, || {
            tracing::warn!(reason = %name, quoted = name, "{name}");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let inert = "eve\\u001b[2J\\u000d\\u000aERROR forged \\u009b31m\\u202e";
        assert!(
            text.starts_with(&format!(" WARN {inert} reason={inert} quoted=\"eve")),
            "{text}"
        );
        assert_eq!(
            text.matches(char::is_control).collect::<Vec<_>>(),
            ["\n"],
            "{text}"
        );
    }
}
