//! Durations in every form that Backstage reads (`readDurationFromConfig.ts`).
//!
//! A month has 30 days and a year 365, except in the text form of npm's `ms`, where a year has 365.25 days.

mod iso;
mod ms;

use std::time::Duration;

use serde_json::{Map, Value};

use super::keys::ValueKind;
use super::scalar::{found, number};
use super::setting::{InvalidValue, Setting};

const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
const WEEK: f64 = 7.0 * DAY;
const MONTH: f64 = 30.0 * DAY;
const YEAR: f64 = 365.0 * DAY;

/// The maximum. Adding a longer duration to a point in time may overflow.
const LONGEST: f64 = 1_000.0 * 366.0 * DAY;

/// The units of the object form, in milliseconds.
pub(super) const UNITS: [(&str, f64); 8] = [
    ("years", YEAR),
    ("months", MONTH),
    ("weeks", WEEK),
    ("days", DAY),
    ("hours", HOUR),
    ("minutes", MINUTE),
    ("seconds", SECOND),
    ("milliseconds", 1.0),
];

/// Why a value is not a duration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DurationError {
    /// A number without a unit.
    #[error("`{0}` is a plain number; try adding a unit, as in `30m` or `{{minutes: 30}}`")]
    NoUnit(String),
    /// A text in no known form.
    #[error(
        "`{0}` is not a duration; expected a number and a unit such as `30m` or `2 seconds`, \
         an ISO 8601 duration such as `PT30M`, or a mapping such as `{{minutes: 30}}`"
    )]
    Text(String),
    /// A value of another type.
    #[error("expected a duration such as `30m`, `PT30M` or `{{minutes: 30}}`, found {0}")]
    Kind(String),
    /// A mapping without units.
    #[error(
        "an empty mapping is not a duration; expected one or more of {}",
        units()
    )]
    Empty,
    /// A mapping with an unknown unit.
    #[error("unknown unit `{0}`; expected one or more of {units}", units = units())]
    Unit(String),
    /// A unit whose amount is not a number.
    #[error("`{unit}` must be a number, found {found}")]
    Amount {
        /// The unit.
        unit: String,
        /// The value.
        found: String,
    },
    /// A form of a schedule that is not a duration.
    #[error("`{0}` works for `frequency` only; expected a duration such as `{{minutes: 3}}`")]
    FrequencyOnly(&'static str),
    /// A negative duration.
    #[error("a negative duration is not allowed; expected something like `{{minutes: 30}}`")]
    Negative,
    /// Zero, where that is not allowed.
    #[error("must be longer than zero; expected something like `{{minutes: 30}}`")]
    Zero,
    /// More than the maximum.
    #[error("longer than 1000 years; expected something like `{{minutes: 30}}`")]
    TooLong,
}

/// Returns the setting of a duration that may be zero.
pub(super) fn duration() -> Setting<Duration> {
    Setting::new(ValueKind::Duration, |value| {
        from_value(value).map_err(InvalidValue::new)
    })
}

/// Returns the setting of a duration that is not zero.
pub(super) fn positive_duration() -> Setting<Duration> {
    Setting::new(ValueKind::Duration, |value| {
        from_value(value)
            .and_then(not_zero)
            .map_err(InvalidValue::new)
    })
}

/// Parses a text such as `30m`, `2 seconds` or `PT30M`. The duration may be zero.
///
/// # Errors
/// If the text has no form that Backstage reads.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    from_text(text.trim())
}

/// Parses a value of the configuration.
pub(super) fn from_value(value: &Value) -> Result<Duration, DurationError> {
    match value {
        Value::String(text) => from_text(text.trim()),
        Value::Object(units) => from_units(units),
        Value::Number(number) => Err(DurationError::NoUnit(number.to_string())),
        other => Err(DurationError::Kind(found(other))),
    }
}

/// Rejects a duration of zero.
pub(super) fn not_zero(duration: Duration) -> Result<Duration, DurationError> {
    if duration.is_zero() {
        Err(DurationError::Zero)
    } else {
        Ok(duration)
    }
}

fn from_text(text: &str) -> Result<Duration, DurationError> {
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    let milliseconds = if text.starts_with('P') {
        iso::parse(text)
    } else {
        ms::parse(text)
    };
    milliseconds
        .ok_or_else(|| DurationError::Text(text.to_owned()))
        .and_then(from_milliseconds)
}

fn from_units(units: &Map<String, Value>) -> Result<Duration, DurationError> {
    if let Some(form) = ["cron", "trigger"]
        .into_iter()
        .find(|form| units.contains_key(*form))
    {
        return Err(DurationError::FrequencyOnly(form));
    }
    if units.is_empty() {
        return Err(DurationError::Empty);
    }
    let parts = units.iter().map(|(unit, amount)| part(unit, amount));
    from_milliseconds(parts.sum::<Result<f64, _>>()?)
}

fn part(unit: &str, amount: &Value) -> Result<f64, DurationError> {
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let (_, factor) = known.ok_or_else(|| DurationError::Unit(unit.to_owned()))?;
    let amount = number(amount).ok_or_else(|| DurationError::Amount {
        unit: unit.to_owned(),
        found: found(amount),
    })?;
    Ok(amount * factor)
}

fn from_milliseconds(milliseconds: f64) -> Result<Duration, DurationError> {
    if milliseconds < 0.0 {
        return Err(DurationError::Negative);
    }
    if milliseconds > LONGEST {
        return Err(DurationError::TooLong);
    }
    Duration::try_from_secs_f64(milliseconds / SECOND).map_err(|_| DurationError::TooLong)
}

fn units() -> String {
    UNITS.map(|(name, _)| format!("`{name}`")).join(", ")
}

#[cfg(test)]
mod tests;
