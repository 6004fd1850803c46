//! The log: text on a terminal, JSON otherwise; `RUST_LOG` says how much of it. And the [`metrics`].

pub mod metrics;

use std::fmt::{self, Debug};
use std::io::{IsTerminal, stderr};

use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::format::{FormatFields, Writer, debug_fn};

use crate::inert::inert;

/// Sends the log to standard error, from `info` on unless `RUST_LOG` says otherwise.
pub fn init() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_writer(stderr);
    if stderr().is_terminal() {
        log.fmt_fields(plain_fields()).init();
    } else {
        log.json().flatten_event(true).init();
    }
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
