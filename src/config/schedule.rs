//! The schedule of syncs in the form of Backstage's task schedule, and its next due time.

use std::time::Duration;

use croner::parser::{CronParser, Year};
use croner::{Cron, Direction};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::duration::{self, DurationError, duration, positive_duration};
use super::keys::ValueKind;
use super::scalar::{choice, found};
use super::section::{defaults, section};
use super::setting::{InvalidValue, Setting};

/// The minimum period.
const SHORTEST: Duration = Duration::from_secs(1);
/// A shorter period causes a warning.
const BUSY: Duration = Duration::from_secs(10);

section! {
    /// A schedule in Backstage's format.
    pub struct Schedule {
        /// How often a sync starts.
        frequency: Frequency = frequency().default("{minutes: 30}"),
        /// The time limit of an incremental sync; longer than zero. See `fullSync.timeout` for full syncs.
        timeout: Duration = positive_duration().default("{minutes: 3}"),
        /// The time from the start to the first sync.
        initial_delay: Duration = duration().default("{seconds: 15}"),
        /// With `entityProvider.database`: `global` syncs at one replica for all, `local` at each for itself. Without
        /// it, both are the same.
        scope: Scope = scope().default("global"),
    }
}

impl Default for Schedule {
    fn default() -> Self {
        defaults()
    }
}

/// How often a sync runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// At this interval, from start to start; never zero.
    Every(Duration),
    /// At the times of a cron expression, in local time.
    Cron(Box<Cron>),
    /// Only on request.
    Manual,
}

/// The scope of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Once for all instances together.
    #[default]
    Global,
    /// In each instance.
    Local,
}

/// Why a value is not a frequency.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrequencyError {
    /// A duration that cannot be used.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// `cron` or `trigger` together with other keys.
    #[error("`{0}` must be the only key; remove the other keys")]
    NotOnlyKey(&'static str),
    /// A period below the minimum.
    #[error("must be at least one second; expected something like `{{minutes: 30}}`")]
    TooOften,
    /// A cron expression that does not parse.
    #[error(
        "{found} is not a cron expression{reason}; expected five or six fields such as `0 */2 * * *`"
    )]
    Cron {
        /// The value.
        found: String,
        /// The message of the parser, in brackets.
        reason: String,
    },
    /// A cron expression for a day that does not exist.
    #[error("`{0}` never occurs; expected an expression such as `0 */2 * * *`")]
    Never(String),
    /// A trigger other than `manual`.
    #[error("expected `{{trigger: manual}}`, found {0}")]
    Trigger(String),
}

impl Frequency {
    /// Returns the next start after one at `last_start`; `None` if runs start only on request.
    #[must_use]
    pub fn next_after(
        &self,
        last_start: Timestamp,
        now: Timestamp,
        tz: &TimeZone,
    ) -> Option<Timestamp> {
        match self {
            Self::Every(period) => Some(last_start.checked_add(*period).ok()?.max(now)),
            Self::Cron(cron) => {
                let local = now.to_zoned(tz.clone());
                Some(cron.find_next_occurrence(&local, false).ok()?.timestamp())
            }
            Self::Manual => None,
        }
    }

    /// Returns the shortest time between two starts.
    fn shortest(&self) -> Option<Duration> {
        match self {
            Self::Every(period) => Some(*period),
            Self::Cron(cron) => shortest(cron),
            Self::Manual => None,
        }
    }

    fn from_value(value: &Value) -> Result<Self, FrequencyError> {
        if let Value::Object(map) = value {
            if let Some(expression) = only_key(map, "cron")? {
                return cron(expression).map(|cron| Self::Cron(Box::new(cron)));
            }
            if let Some(trigger) = only_key(map, "trigger")? {
                return manual(trigger);
            }
        }
        let period = duration::from_value(value).and_then(duration::not_zero)?;
        if period < SHORTEST {
            return Err(FrequencyError::TooOften);
        }
        Ok(Self::Every(period))
    }
}

/// Returns the setting of a frequency: a duration, a cron expression or a manual trigger.
pub(super) fn frequency() -> Setting<Frequency> {
    Setting::new(ValueKind::Frequency, |value| {
        Frequency::from_value(value).map_err(InvalidValue::new)
    })
    .warn(|frequency| {
        let shortest = frequency.shortest().filter(|time| *time < BUSY)?;
        Some(format!(
            "a start every {shortest:?} overloads Authentik; expected at least {BUSY:?}, such as `{{minutes: 30}}`"
        ))
    })
}

fn scope() -> Setting<Scope> {
    choice(&[("global", Scope::Global), ("local", Scope::Local)])
}

/// Returns the value of a key that must be the only one.
fn only_key<'a>(
    map: &'a Map<String, Value>,
    key: &'static str,
) -> Result<Option<&'a Value>, FrequencyError> {
    match map.get(key) {
        Some(_) if map.len() > 1 => Err(FrequencyError::NotOnlyKey(key)),
        value => Ok(value),
    }
}

fn manual(trigger: &Value) -> Result<Frequency, FrequencyError> {
    match trigger.as_str().map(str::trim) {
        Some("manual") => Ok(Frequency::Manual),
        _ => Err(FrequencyError::Trigger(found(trigger))),
    }
}

fn cron(value: &Value) -> Result<Cron, FrequencyError> {
    let invalid = |reason| FrequencyError::Cron {
        found: found(value),
        reason,
    };
    let expression = value.as_str().ok_or_else(|| invalid(String::new()))?;
    let parser = CronParser::builder().year(Year::Disallowed).build();
    let cron = parser
        .parse(expression)
        .map_err(|error| invalid(bracketed(&error.to_string())))?;
    if occurs(&cron) {
        Ok(cron)
    } else {
        Err(FrequencyError::Never(expression.to_owned()))
    }
}

/// Returns true if an expression ever occurs. It has no year, so the start of the search does not matter.
fn occurs(cron: &Cron) -> bool {
    cron.find_next_occurrence(&date(2000, 1, 1).at(0, 0, 0, 0), true)
        .is_ok()
}

/// Returns the shortest time between two occurrences that are less than a minute apart. Every minute with
/// occurrences has the same seconds, so the first one is enough.
fn shortest(cron: &Cron) -> Option<Duration> {
    let midnight = date(2000, 1, 1).at(0, 0, 0, 0);
    let first = cron.find_next_occurrence(&midnight, true).ok()?;
    let times: Vec<_> = cron
        .iter_from(first, Direction::Forward)
        .take_while(|time| time.duration_since(first) <= SignedDuration::from_mins(1))
        .collect();
    let between = times.windows(2).map(|pair| pair[1].duration_since(pair[0]));
    between.min().map(SignedDuration::unsigned_abs)
}

/// Returns a sentence of another library in the style of our messages.
fn bracketed(sentence: &str) -> String {
    format!(" ({})", sentence.trim_end_matches('.').to_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn frequency(value: &Value) -> Frequency {
        Frequency::from_value(value).unwrap_or_else(|error| panic!("{value}: {error}"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_counts_from_the_last_start_but_never_lies_in_the_past() {
        let every = frequency(&json!({"minutes": 30}));
        let start = at("2026-01-01T10:00:00Z");
        for (now, expected) in [
            ("2026-01-01T10:00:10Z", "2026-01-01T10:30:00Z"),
            ("2026-01-01T10:30:00Z", "2026-01-01T10:30:00Z"),
            ("2026-01-01T11:00:00Z", "2026-01-01T11:00:00Z"),
        ] {
            assert_eq!(
                every.next_after(start, at(now), &TimeZone::UTC),
                Some(at(expected))
            );
        }
    }

    #[test]
    fn a_cron_expression_means_local_time() {
        let tz = TimeZone::fixed(jiff::tz::offset(2));
        for (expression, now, expected) in [
            (
                "0 */2 * * *",
                "2026-01-01T10:00:00Z",
                "2026-01-01T12:00:00Z",
            ),
            (
                "0 */2 * * *",
                "2026-01-01T09:59:59.5Z",
                "2026-01-01T10:00:00Z",
            ),
            ("0 3 * * *", "2026-01-01T10:00:00Z", "2026-01-02T01:00:00Z"),
            (
                "*/10 * * * * *",
                "2026-01-01T10:00:01Z",
                "2026-01-01T10:00:10Z",
            ),
            (
                "30 0 3 * * *",
                "2026-01-01T10:00:00Z",
                "2026-01-02T01:00:30Z",
            ),
            ("@hourly", "2026-01-01T10:00:01Z", "2026-01-01T11:00:00Z"),
            (
                "0 8 * * MON",
                "2026-01-01T10:00:00Z",
                "2026-01-05T06:00:00Z",
            ),
            ("0 0 29 2 *", "2026-01-01T10:00:00Z", "2028-02-28T22:00:00Z"),
        ] {
            let cron = frequency(&json!({"cron": expression}));
            let next = cron.next_after(Timestamp::UNIX_EPOCH, at(now), &tz);
            assert_eq!(next, Some(at(expected)), "{expression}");
        }
    }

    #[test]
    fn a_cron_expression_survives_both_changes_of_the_clock() {
        // Central European time without a time zone database: the last Sundays of March and October.
        let tz = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let night = frequency(&json!({"cron": "30 2 * * *"}));
        let spring = night
            .next_after(Timestamp::UNIX_EPOCH, at("2026-03-28T12:00:00Z"), &tz)
            .unwrap();
        assert!(
            spring > at("2026-03-29T00:00:00Z") && spring < at("2026-03-30T02:00:00Z"),
            "{spring}"
        );
        let autumn = night
            .next_after(Timestamp::UNIX_EPOCH, at("2026-10-24T12:00:00Z"), &tz)
            .unwrap();
        let after = night.next_after(autumn, autumn, &tz).unwrap();
        assert_eq!(
            (autumn, after),
            (at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z"))
        );
    }

    #[test]
    fn every_occurrence_lies_after_now() {
        let cron = frequency(&json!({"cron": "*/7 * * * *"}));
        let mut now = at("2026-03-28T12:00:00.25Z");
        for _ in 0..500 {
            let next = cron.next_after(now, now, &TimeZone::UTC).unwrap();
            assert!(next > now);
            now = next;
        }
    }

    #[test]
    fn a_manual_trigger_has_no_next_time() {
        let manual = frequency(&json!({"trigger": "manual"}));
        assert_eq!(
            manual.next_after(
                Timestamp::UNIX_EPOCH,
                at("2026-01-01T00:00:00Z"),
                &TimeZone::UTC
            ),
            None
        );
    }

    #[test]
    fn the_shortest_time_between_two_starts_is_known() {
        for (value, expected) in [
            (json!("5s"), Some(5)),
            (json!({"minutes": 30}), Some(1800)),
            (json!({"trigger": "manual"}), None),
            (json!({"cron": "* * * * * *"}), Some(1)),
            (json!({"cron": "*/15 * * * * *"}), Some(15)),
            (json!({"cron": "0,5 0 3 * * *"}), Some(5)),
            (json!({"cron": "0,55 * * * * *"}), Some(5)),
            (json!({"cron": "0,55 */2 * * * *"}), Some(55)),
            (json!({"cron": "* * * * *"}), Some(60)),
            (json!({"cron": "0 0 29 2 *"}), None),
        ] {
            let shortest = frequency(&value).shortest();
            assert_eq!(shortest, expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn bad_frequencies_are_refused_at_load() {
        for (value, expected) in [
            (
                json!({"milliseconds": 999}),
                "must be at least one second; expected something like `{minutes: 30}`",
            ),
            (
                json!({"minutes": 0}),
                "must be longer than zero; expected something like `{minutes: 30}`",
            ),
            (
                json!("0s"),
                "must be longer than zero; expected something like `{minutes: 30}`",
            ),
            (
                json!({"trigger": "never"}),
                "expected `{trigger: manual}`, found `never`",
            ),
            (
                json!({"trigger": "manual", "minutes": 1}),
                "`trigger` must be the only key; remove the other keys",
            ),
            (
                json!({"cron": "0 0 * * *", "hours": 1}),
                "`cron` must be the only key; remove the other keys",
            ),
            (
                json!({"cron": 5}),
                "`5` is not a cron expression; expected five or six fields such as `0 */2 * * *`",
            ),
            (
                json!({"cron": "0 0 30 2 *"}),
                "`0 0 30 2 *` never occurs; expected an expression such as `0 */2 * * *`",
            ),
        ] {
            assert_eq!(
                Frequency::from_value(&value).unwrap_err().to_string(),
                expected,
                "{value}"
            );
        }
        for expression in [
            "",
            "* * * *",
            "0 0 0 1 1 * 2030",
            "61 * * * *",
            "every hour",
            "* * * * * * * *",
        ] {
            let error = Frequency::from_value(&json!({"cron": expression}))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with(&format!("`{expression}` is not a cron expression (")),
                "{error}"
            );
            assert!(
                error.ends_with("; expected five or six fields such as `0 */2 * * *`"),
                "{error}"
            );
        }
    }
}
