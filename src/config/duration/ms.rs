//! A number and a unit, in the format of the npm package `ms`.

use super::{DAY, HOUR, MINUTE, SECOND, WEEK};

/// The maximum length of a text in `ms`.
const LONGEST_TEXT: usize = 100;
/// `ms` counts leap days, unlike the other forms.
const YEAR: f64 = 365.25 * DAY;

/// Parses a text such as `1.5h` into milliseconds.
pub(super) fn parse(text: &str) -> Option<f64> {
    let at = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-'))?;
    let (amount, unit) = text.split_at(at);
    let factor = factor(unit.trim_start_matches(' '))?;
    let wellformed = text.len() <= LONGEST_TEXT && amount.ends_with(|c: char| c.is_ascii_digit());
    wellformed
        .then(|| amount.parse::<f64>().ok())
        .flatten()
        .map(|amount| amount * factor)
}

fn factor(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "years" | "year" | "yrs" | "yr" | "y" => YEAR,
        "weeks" | "week" | "w" => WEEK,
        "days" | "day" | "d" => DAY,
        "hours" | "hour" | "hrs" | "hr" | "h" => HOUR,
        "minutes" | "minute" | "mins" | "min" | "m" => MINUTE,
        "seconds" | "second" | "secs" | "sec" | "s" => SECOND,
        "milliseconds" | "millisecond" | "msecs" | "msec" | "ms" => 1.0,
        _ => return None,
    })
}
