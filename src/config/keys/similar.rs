//! Names in messages: lists of them, and the one that was probably meant.

/// The minimum similarity of two names.
const SIMILAR: f64 = 0.87;

/// Formats names as a list: `` `a`, `b`, `c` ``.
pub(in crate::config) fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Formats names as alternatives: `` `a`, `b` or `c` ``.
pub(in crate::config) fn alternatives(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} or `{last}`", listed(first)),
        names => listed(names),
    }
}

/// Returns the candidate that was probably meant, if one is similar enough.
pub(in crate::config) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let score = |candidate: &str| {
        let last = candidate.rsplit('.').next().unwrap_or(candidate);
        strsim::jaro_winkler(&name.to_lowercase(), &last.to_lowercase())
    };
    let scored = candidates
        .into_iter()
        .map(|candidate| (score(candidate), candidate));
    scored
        .filter(|(score, _)| *score > SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, nearest)| nearest)
}
