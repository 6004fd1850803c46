//! Names that are similar to one that no row has.

use super::{Kind, NamedRows, Plan, Row};

/// How many names are proposed.
const MOST: usize = 5;
/// Below this, two names have little in common.
const SIMILAR: f64 = 0.85;
/// How similar a name is that has the other as a part.
const PART: f64 = 0.95;

/// The names in Authentik and in the catalog that are most similar to `asked`, the nearest first.
#[must_use]
pub fn near(plan: &Plan<'_>, kind: Kind, asked: &str) -> Vec<String> {
    match kind {
        Kind::User => nearest(plan.directory.users(), &plan.users, asked),
        Kind::Group => nearest(plan.directory.groups(), &plan.groups, asked),
    }
}

fn nearest<R: Row>(rows: &[R], named: &NamedRows<'_, R>, asked: &str) -> Vec<String> {
    let asked = asked.to_lowercase();
    let names = rows.iter().map(|row| {
        let in_catalog = named.position(row.pk()).map(|at| named.name(at));
        in_catalog.unwrap_or_else(|| row.source())
    });
    let sources = rows.iter().map(Row::source);
    let mut rated: Vec<_> = names
        .zip(sources)
        .filter_map(|(name, source)| {
            let score = score(name, &asked).max(score(source, &asked));
            (score > SIMILAR).then_some((score, name))
        })
        .collect();
    rated.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    rated.dedup_by(|one, other| one.1 == other.1);
    let names = rated.into_iter().take(MOST);
    names.map(|(_, name)| name.to_owned()).collect()
}

/// How similar a name is to another in lower case, from 0 to 1.
fn score(name: &str, asked: &str) -> f64 {
    let name = name.to_lowercase();
    let similar = strsim::jaro_winkler(&name, asked);
    let is_part = asked.len() > 2 && name.contains(asked);
    if is_part { similar.max(PART) } else { similar }
}
