//! The last steps: the entities that the rows would make, and their findings.

use super::report::{Counts, Report, Status, Subject};
use crate::catalog::entity::Kind;
use crate::catalog::finding::{Code, Finding};
use crate::catalog::plan::{Names, Plan};
use crate::config::Config;
use crate::counted::counted;
use crate::directory::Directory;
use crate::sync::guard;

/// Reports on the entities that the rows make.
pub(super) fn check_entities(report: &mut Report, config: &Config, directory: &Directory) {
    let policy = config.policy();
    let plan = Plan::new(directory, &policy, &Names::default());
    report.counts = Some(Counts {
        users: directory.users().len(),
        groups: directory.groups().len(),
        user_entities: plan.count(Kind::User),
        group_entities: plan.count(Kind::Group),
    });
    report.findings = plan.findings().to_vec();
    let is_hidden =
        |finding: &&Finding| matches!(finding.code, Code::HiddenUsers | Code::HiddenGroups);
    let (hidden, others): (Vec<_>, Vec<_>) = plan.findings().iter().partition(is_hidden);
    check_full_view(report, config, directory, &hidden);
    match others.len() {
        0 => report.pass(Subject::Findings, "none"),
        count => report.problem(
            (Subject::Findings, Status::Warning, "findings"),
            counted(count, "finding"),
            "each finding says what to do",
        ),
    }
    if config.service.groups.map.display_name.is_empty() {
        propose_display_names(report, &plan);
    }
}

/// Proposes to show the names of groups where the names of their entities differ.
fn propose_display_names(report: &mut Report, plan: &Plan<'_>) {
    let mut renamed = plan.renamed_groups();
    let Some((source, name)) = renamed.next() else {
        return;
    };
    let count = counted(renamed.count() + 1, "group");
    report.propose(
        Subject::DisplayNames,
        format!("{count} shown by sanitized names, such as {name:?} for {source:?}"),
        "set `entityProvider.groups.map.displayName: name` to show the names of Authentik",
    );
}

/// Reports whether a permission hides rows, and whether a service that starts now would hold the result.
fn check_full_view(
    report: &mut Report,
    config: &Config,
    directory: &Directory,
    hidden: &[&Finding],
) {
    let users = report
        .counts
        .as_ref()
        .map_or(0, |counts| counts.user_entities);
    if let Some(hold) =
        guard::first(directory, &config.service.shrink_guard).or(guard::no_users(None, users))
    {
        let what = format!("{}; a service that starts now would hold this", hold.what);
        return report.problem(
            (Subject::FullView, Status::Failed, hold.code),
            what,
            hold.remedy,
        );
    }
    if hidden.is_empty() {
        return report.pass(
            Subject::FullView,
            "neither list names rows that the other one lacks",
        );
    }
    let codes: Vec<_> = hidden
        .iter()
        .map(|finding| finding.code.to_string())
        .collect();
    report.problem(
        (Subject::FullView, Status::Failed, "hidden-rows"),
        format!(
            "the lists name rows that they lack ({}): the view is filtered; a service that starts now would \
             publish it all the same, since there are few",
            codes.join(", ")
        ),
        "give the token's role the global permissions `view_user` and `view_group`; permissions on single \
         objects filter the lists",
    );
}
