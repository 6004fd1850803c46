//! Says how a row got its name, or why it got none.

use super::{Rule, Step, step};
use crate::catalog::entity::Kind;
use crate::catalog::finding::Code;
use crate::catalog::name::sanitize_name;
use crate::catalog::naming::{Candidate, wanted};
use crate::catalog::plan::Plan;
use crate::catalog::roster::{Roster, Row};

/// What happened to the name of a row that is neither skipped nor excluded.
pub(super) fn steps<R: Row>(plan: &Plan<'_>, named: &Roster<'_, R>, row: &R) -> Vec<Step> {
    let sanitized = sanitize_name(row.source());
    let made = if sanitized == row.source() {
        format!("{:?} is in sanitized form", row.source())
    } else {
        format!("{:?} is sanitized to {sanitized:?}", row.source())
    };
    let mut says = vec![made];
    says.extend(found(plan, R::KIND, &row.pk().to_string()));
    says.extend(
        rival(plan, named, row)
            .filter(|rival| rival.pk() > row.pk())
            .map(|rival| {
                format!(
                    "pk {} has held the name since before, and so keeps it against a lower pk",
                    rival.pk()
                )
            }),
    );
    if let Some(at) = named.position(row.pk()) {
        says.push(format!("the name is {:?}", named.name(at)));
    }
    says.into_iter()
        .map(|says| step(Rule::Name, says))
        .collect()
}

/// Why a row that is neither skipped nor excluded has no name, if it has none.
pub(super) fn absence<R: Row>(plan: &Plan<'_>, named: &Roster<'_, R>, row: &R) -> Option<String> {
    if named.position(row.pk()).is_some() {
        return None;
    }
    let rival =
        rival(plan, named, row).map(|rival| format!("name collides with pk {}", rival.pk()));
    Some(rival.unwrap_or_else(|| "empty name".to_owned()))
}

/// The other row that has the name which a row wants.
fn rival<'d, R: Row>(plan: &Plan<'_>, named: &Roster<'d, R>, row: &R) -> Option<&'d R> {
    let candidate = Candidate {
        pk: row.pk(),
        source: row.source(),
    };
    let holder = named.row(named.find(&wanted(R::KIND, plan.policy.names, candidate)?)?);
    (holder.pk() != row.pk()).then_some(holder)
}

/// What was found about the name of a row.
fn found(plan: &Plan<'_>, kind: Kind, pk: &str) -> impl Iterator<Item = String> {
    let about_names = |code| {
        matches!(
            code,
            Code::NameCollision | Code::NameEmpty | Code::NameRefused | Code::NameRepaired
        )
    };
    plan.findings()
        .iter()
        .filter(move |finding| finding.kind == Some(kind) && finding.pk.as_deref() == Some(pk))
        .filter(move |finding| about_names(finding.code))
        .map(|finding| format!("{}; {}", finding.message, finding.remedy))
}
