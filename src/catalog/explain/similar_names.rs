//! Finds names that are similar to a text that matches no row.

use super::{Kind, NamedRows, Plan, Row};

/// The maximum number of proposed names.
const MAX_NAMES: usize = 5;
/// The minimum score of a proposed name.
const MIN_SCORE: f64 = 0.85;
/// The score of a name that contains the text.
const PART_SCORE: f64 = 0.95;

/// Returns the names in Authentik and in the catalog that are most similar to `query`, the most
/// similar first.
#[must_use]
pub fn similar_names(plan: &Plan<'_>, kind: Kind, query: &str) -> Vec<String> {
    match kind {
        Kind::User => nearest(plan.directory.users(), &plan.users, query),
        Kind::Group => nearest(plan.directory.groups(), &plan.groups, query),
    }
}

fn nearest<R: Row>(rows: &[R], named: &NamedRows<'_, R>, query: &str) -> Vec<String> {
    let query = query.to_lowercase();
    let names = rows.iter().map(|row| {
        let in_catalog = named.position(row.pk()).map(|at| named.name(at));
        in_catalog.unwrap_or_else(|| row.source())
    });
    let sources = rows.iter().map(Row::source);
    let mut rated: Vec<_> = names
        .zip(sources)
        .filter_map(|(name, source)| {
            let score = score(name, &query).max(score(source, &query));
            (score > MIN_SCORE).then_some((score, name))
        })
        .collect();
    rated.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    rated.dedup_by(|one, other| one.1 == other.1);
    let names = rated.into_iter().take(MAX_NAMES);
    names.map(|(_, name)| name.to_owned()).collect()
}

/// Returns the similarity of a name and a text in lower case, from 0 to 1.
fn score(name: &str, query: &str) -> f64 {
    let name = name.to_lowercase();
    let similar = strsim::jaro_winkler(&name, query);
    let is_part = query.len() > 2 && name.contains(query);
    if is_part {
        similar.max(PART_SCORE)
    } else {
        similar
    }
}
