//! Names in messages: all that would do, and the one that was probably meant.

/// Below this, two names have little in common.
const SIMILAR: f64 = 0.87;

/// The names in a list for messages.
pub(in crate::config) fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The candidate that was probably meant, if one is similar enough.
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
