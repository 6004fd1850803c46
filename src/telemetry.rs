//! The log, as text or as JSON, with the level of `RUST_LOG`; the [`metrics`]; and the export of [`traces`].

mod lines;
pub mod metrics;
pub mod traces;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Debug;
use std::io::{self, IsTerminal, stderr};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::runtime::Handle;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, ParseError};
use tracing_subscriber::fmt::format::{FormatFields, Writer, debug_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry, fmt, registry, reload};

use crate::config::LogFormat;
use crate::inert::inert;
use lines::Lines;

/// The time limit for the last lines at the end of the process.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The log of this process.
static LOG: OnceLock<Log> = OnceLock::new();

/// A log whose format can be changed.
struct Log {
    lines: Lines,
    form: reload::Handle<Form, Registry>,
    is_json: AtomicBool,
}

/// A layer that writes events in one format.
type Form = Box<dyn Layer<Registry> + Send + Sync>;

/// Writes the log and the messages of panics to standard error. The default level is `info`. An output that
/// fails or blocks only loses lines. With a runtime, spans are exported if a variable asks for that.
///
/// # Errors
/// If the thread of the log cannot be started.
///
/// # Panics
/// If it is called twice.
pub fn init(format: LogFormat, runtime: Option<&Handle>) -> io::Result<()> {
    let lines = Lines::spawn(stderr())?;
    let is_json = is_json(format);
    let (layer, form) = reload::Layer::new(form(is_json, lines.clone()));
    let (filter, refused) = filter(&std::env::var("RUST_LOG").unwrap_or_default());
    let (traces, unusable) = match runtime.map(traces::layer).transpose() {
        Ok(traces) => (traces.flatten(), None),
        Err(error) => (None, Some(error)),
    };
    match traces {
        // One filter for all costs each request less than one for each layer.
        None => registry().with(layer).with(filter).init(),
        Some(traces) => registry()
            .with(layer.with_filter(filter))
            .with(traces)
            .init(),
    }
    panic::set_hook(Box::new(log_panic));
    let _ = LOG.set(Log {
        lines,
        form,
        is_json: is_json.into(),
    });
    if let Some(error) = refused {
        tracing::warn!(%error, "RUST_LOG is invalid and ignored");
    }
    if let Some(error) = unusable {
        tracing::warn!("traces are not exported, correct the variables OTEL_*: {error:#}");
    }
    Ok(())
}

/// Changes the format of the log.
pub fn set_format(format: LogFormat) {
    let Some(log) = LOG.get() else { return };
    let is_json = is_json(format);
    if log.is_json.swap(is_json, Relaxed) != is_json {
        // It fails only without a subscriber, and then there is no log.
        let _ = log.form.reload(form(is_json, log.lines.clone()));
    }
}

/// Returns true if the log is JSON.
#[must_use]
pub fn writes_json() -> bool {
    LOG.get().is_some_and(|log| log.is_json.load(Relaxed))
}

/// Returns true if a format means JSON for this output.
fn is_json(format: LogFormat) -> bool {
    match format {
        LogFormat::Auto => !stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    }
}

/// Returns the layer that writes events as JSON or as text.
fn form(is_json: bool, lines: Lines) -> Form {
    let layer = fmt::layer()
        .log_internal_errors(false)
        .with_target(false)
        .with_writer(lines);
    if is_json {
        return layer.json().flatten_event(true).boxed();
    }
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    layer
        .with_ansi(stderr().is_terminal() && !is_plain)
        .fmt_fields(plain_fields())
        .boxed()
}

/// Writes the buffered lines of the log, up to a time limit. Called before the process ends.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.lines.flush(LAST_LINES);
    }
}

/// Returns the filter of a text; or the default filter and the error. The spans of traces are no part of the log.
fn filter(text: &str) -> (EnvFilter, Option<ParseError>) {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let (filter, refused) = match builder.parse(text) {
        Ok(filter) => (filter, None),
        Err(error) => (
            EnvFilter::default().add_directive(LevelFilter::INFO.into()),
            Some(error),
        ),
    };
    let without_traces = format!("{}=off", crate::trace::TARGET).parse();
    let without_traces = without_traces.expect("a target and a level are a directive");
    (filter.add_directive(without_traces), refused)
}

/// Logs a panic. The standard hook writes to standard error directly, which may block.
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

/// Formats fields as one line. Names in a directory may contain line breaks and terminal control sequences.
fn plain_fields() -> impl for<'a> FormatFields<'a> {
    debug_fn(write_field).delimited(" ")
}

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> std::fmt::Result {
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

    /// The output of a log.
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
