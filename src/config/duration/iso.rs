//! ISO 8601 durations, in the dialect of luxon that Backstage uses.

use super::{DAY, HOUR, MINUTE, MONTH, SECOND, WEEK, YEAR};

const DATE: [(char, f64); 4] = [('Y', YEAR), ('M', MONTH), ('W', WEEK), ('D', DAY)];
const TIME: [(char, f64); 3] = [('H', HOUR), ('M', MINUTE), ('S', SECOND)];

/// Parses a text such as `P1DT2H30.5S` into milliseconds.
pub(super) fn parse(text: &str) -> Option<f64> {
    let body = text.strip_prefix('P')?;
    let (date, time) = body.split_once('T').unwrap_or((body, ""));
    if date.is_empty() && time.is_empty() {
        return None;
    }
    Some(sum(date, &DATE)? + sum(time, &TIME)?)
}

/// Returns the sum of numbers with units, which must be in order.
fn sum(text: &str, units: &[(char, f64)]) -> Option<f64> {
    let (mut remaining, mut units, mut total) = (text, units, 0.0);
    while !remaining.is_empty() {
        let at = remaining.find(|c: char| c.is_ascii_uppercase())?;
        let unit = remaining[at..].chars().next()?;
        let position = units.iter().position(|(name, _)| *name == unit)?;
        total += amount(&remaining[..at], unit)? * units[position].1;
        (remaining, units) = (&remaining[at + 1..], &units[position + 1..]);
    }
    Some(total)
}

/// Parses a decimal number with an optional sign. Seconds may have a comma.
fn amount(text: &str, unit: char) -> Option<f64> {
    let point = if unit == 'S' {
        text.replace(',', ".")
    } else {
        text.to_owned()
    };
    let digits = point.strip_prefix('-').unwrap_or(&point);
    let mut parts = digits.split('.');
    let whole = parts.by_ref().take(2).all(|part| {
        !part.is_empty() && part.len() <= 20 && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    (whole && parts.next().is_none())
        .then(|| point.parse().ok())
        .flatten()
}
