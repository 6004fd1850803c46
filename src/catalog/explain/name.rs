//! Explains how a row got its name, or why it has none.

use super::{ExplainStep, Rule, mapped, step};
use crate::catalog::entity::Kind;
use crate::catalog::finding::Code;
use crate::catalog::name_rule::NameRule;
use crate::catalog::named_rows::{NamedRows, Row};
use crate::catalog::plan::Plan;

/// The steps about the name of a row that is neither skipped nor excluded.
pub(super) fn steps<R: Row>(
    plan: &Plan<'_>,
    named: &NamedRows<'_, R>,
    row: &R,
) -> Vec<ExplainStep> {
    let mut effects = vec![made(named.rule(), row)];
    effects.extend(findings(plan, R::KIND, &row.pk().to_string()));
    effects.extend(
        rival(named, row)
            .filter(|rival| rival.pk() > row.pk())
            .map(|rival| {
                format!(
                    "pk {} had the name in the previous snapshot, so it wins against a lower pk",
                    rival.pk()
                )
            }),
    );
    if let Some(at) = named.position(row.pk()) {
        effects.push(format!("the name is {:?}", named.name(at)));
    }
    effects
        .into_iter()
        .map(|effect| step(Rule::Name, effect))
        .collect()
}

/// How the name is made from a field of the row.
fn made<R: Row>(rule: &NameRule<'_>, row: &R) -> String {
    let columns = rule.columns();
    let text = columns.value(row).unwrap_or_default();
    let sanitized = rule.sanitized(&text);
    let source = if *text == *row.source() {
        format!("{text:?}")
    } else {
        mapped::origin(rule.sources(), columns.chosen(row), Some(text.clone()))
    };
    if sanitized == *text {
        format!("{source} is in sanitized form")
    } else {
        format!("{source} is sanitized to {sanitized:?}")
    }
}

/// The reason why a row that is neither skipped nor excluded has no name; `None` if it has one.
pub(super) fn absence<R: Row>(named: &NamedRows<'_, R>, row: &R) -> Option<String> {
    if named.position(row.pk()).is_some() {
        return None;
    }
    let rival = rival(named, row).map(|rival| format!("name collides with pk {}", rival.pk()));
    Some(rival.unwrap_or_else(|| "empty name".to_owned()))
}

/// The other row that has the preferred name of a row.
fn rival<'d, R: Row>(named: &NamedRows<'d, R>, row: &R) -> Option<&'d R> {
    let rule = named.rule();
    let name = rule.proposal(&rule.candidate(row), 0)?;
    let holder = named.row(named.find(&name)?);
    (holder.pk() != row.pk()).then_some(holder)
}

/// The texts of the findings about the name of a row.
fn findings(plan: &Plan<'_>, kind: Kind, pk: &str) -> impl Iterator<Item = String> {
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
