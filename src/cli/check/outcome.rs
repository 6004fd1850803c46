//! The last steps: what the rows would make, without publishing it.

use super::report::{Counts, Report, Status, Subject};
use crate::catalog::entity::Kind;
use crate::catalog::finding::{Code, Finding};
use crate::catalog::plan::{Names, Plan};
use crate::config::Config;
use crate::counted::counted;
use crate::directory::Directory;
use crate::sync::guard;

/// What the rows make.
pub(super) fn transformed(report: &mut Report, config: &Config, directory: &Directory) {
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
    viewed(report, config, directory, &hidden);
    match others.len() {
        0 => report.fine(Subject::Findings, "none"),
        count => report.trouble(
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

/// Whether a permission hides rows, and whether so many that a service would hold them at its start;
/// or whether no user would be left at all.
fn viewed(report: &mut Report, config: &Config, directory: &Directory, hidden: &[&Finding]) {
    let users = report
        .counts
        .as_ref()
        .map_or(0, |counts| counts.user_entities);
    if let Some(hold) =
        guard::first(directory, &config.service.shrink_guard).or(guard::no_users(None, users))
    {
        let what = format!("{}; a service that starts now would hold this", hold.what);
        return report.trouble(
            (Subject::FullView, Status::Failed, hold.code),
            what,
            hold.remedy,
        );
    }
    if hidden.is_empty() {
        return report.fine(
            Subject::FullView,
            "neither list names rows that the other lacks",
        );
    }
    let codes: Vec<_> = hidden
        .iter()
        .map(|finding| finding.code.to_string())
        .collect();
    report.trouble(
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
