//! Explains where the fields of an entity come from.

use std::borrow::Cow;

use super::source::shortened;
use super::{ExplainStep, Rule, step};
use crate::catalog::named_rows::Row;
use crate::catalog::picture::Picture;
use crate::catalog::plan::{MetadataMapping, Plan, ProfileMapping};
use crate::catalog::shape::{CommonShape, Sources, repair_label};
use crate::directory::{Group, User};

/// The fields of a user.
pub(super) fn of_user(plan: &Plan<'_>, row: &User) -> Vec<ExplainStep> {
    let (shape, mapping) = (&plan.policy.shape.users, &plan.user_mapping);
    let sources = [&shape.display_name, &shape.email, &shape.picture];
    let mut steps = profile(plan, row, &mapping.profile, sources);
    steps.extend(metadata(row, &mapping.metadata, &shape.common));
    steps
}

/// The fields of a group.
pub(super) fn of_group(plan: &Plan<'_>, row: &Group) -> Vec<ExplainStep> {
    let (shape, mapping) = (&plan.policy.shape.groups, &plan.group_mapping);
    let sources = [&shape.display_name, &shape.email, &shape.picture];
    let mut steps = profile(plan, row, &mapping.profile, sources);
    if !shape.group_type.is_empty() {
        let chosen = mapping.group_type.chosen(row);
        let value = mapping.group_type.value(row);
        steps.push(step(Rule::Type, origin(&shape.group_type, chosen, value)));
    }
    steps.extend(metadata(row, &mapping.metadata, &shape.common));
    steps
}

/// The fields of the profile that have a source.
fn profile<R: Row>(
    plan: &Plan<'_>,
    row: &R,
    mapping: &ProfileMapping,
    [display_name, email, picture]: [&Sources; 3],
) -> Vec<ExplainStep> {
    let texts = [
        (Rule::DisplayName, display_name, &mapping.display_name),
        (Rule::Email, email, &mapping.email),
    ];
    let mut steps: Vec<_> = texts
        .into_iter()
        .filter(|(_, sources, _)| !sources.is_empty())
        .map(|(rule, sources, columns)| {
            step(
                rule,
                origin(sources, columns.chosen(row), columns.value(row)),
            )
        })
        .collect();
    if !picture.is_empty() {
        steps.push(step(Rule::Picture, picture_of(plan, row, mapping, picture)));
    }
    steps
}

/// What becomes of the picture of a row.
fn picture_of<R: Row>(
    plan: &Plan<'_>,
    row: &R,
    mapping: &ProfileMapping,
    sources: &Sources,
) -> String {
    let value = mapping.picture.value(row);
    let from = origin(sources, mapping.picture.chosen(row), value.clone());
    match (mapping.picture(row, &plan.policy.base_url), value) {
        (Picture::Absent, Some(_)) => format!("{from}, which `pictures` leaves out"),
        (Picture::Refused, Some(_)) => format!("{from} is neither http, https nor data:image/"),
        (Picture::Shown(url), Some(value)) if url != value => {
            format!("{from} is resolved to {:?}", shortened(&url))
        }
        _ => from,
    }
}

/// Description, annotations and labels, as far as they have a source.
fn metadata<R: Row>(
    row: &R,
    mapping: &MetadataMapping<'_>,
    shape: &CommonShape,
) -> Vec<ExplainStep> {
    let mut steps = Vec::new();
    if !shape.description.is_empty() {
        let columns = &mapping.description;
        let says = origin(&shape.description, columns.chosen(row), columns.value(row));
        steps.push(step(Rule::Description, says));
    }
    for text in &mapping.annotations {
        let mut sources = shape.annotations.iter();
        let found = sources.find(|(key, _)| key.as_str() == text.key);
        if let Some((key, sources)) = found {
            let says = origin(sources, text.columns.chosen(row), text.columns.value(row));
            steps.push(step(Rule::Annotation, format!("{key}: {says}")));
        }
    }
    for text in &mapping.labels {
        let mut sources = shape.labels.iter();
        let found = sources.find(|(key, _)| key.as_str() == text.key);
        if let Some((key, sources)) = found {
            let value = text.columns.value(row);
            let says = origin(sources, text.columns.chosen(row), value.clone());
            let label = value.clone().and_then(repair_label);
            let becomes = match (value, label) {
                (Some(_), None) => ", left out: nothing of it may be in a label".to_owned(),
                (Some(value), Some(label)) if value != label => format!(" becomes {label:?}"),
                _ => String::new(),
            };
            steps.push(step(Rule::Label, format!("{key}: {says}{becomes}")));
        }
    }
    steps
}

/// The value, and the source that it comes from.
pub(super) fn origin(
    sources: &Sources,
    chosen: Option<usize>,
    value: Option<Cow<'_, str>>,
) -> String {
    let names: Vec<_> = sources.iter().map(|source| format!("`{source}`")).collect();
    let (Some(chosen), Some(value)) = (chosen, value) else {
        return format!("{}, so it is left out", empty(&names));
    };
    let shown = format!("{:?} from {}", shortened(&value), names[chosen]);
    match chosen {
        0 => shown,
        _ => format!("{}, so it is {shown}", empty(&names[..chosen])),
    }
}

/// Says that fields are empty.
fn empty(names: &[String]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb} empty", names.join(" and "))
}
