//! The text form of a report.

use std::fmt::Write;
use std::io::{IsTerminal, stdout};

use super::report::{Report, Status, Step};
use crate::counted::counted;

/// The column of the messages.
const COLUMN: usize = 18;

/// Returns true if standard output shows colours; see <https://no-color.org>.
pub(super) fn is_coloured() -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stdout().is_terminal() && !is_refused && !is_dumb
}

/// Formats a report: a line for each step and each remedy.
pub(super) fn render(report: &Report, coloured: bool) -> String {
    let mut text: String = report
        .steps
        .iter()
        .map(|step| line(step, coloured))
        .collect();
    if let Some(counts) = &report.counts {
        let rows = (
            counted(counts.users, "user"),
            counted(counts.groups, "group"),
        );
        let entities = (counts.user_entities, counts.group_entities);
        let _ = writeln!(
            text,
            "\n{} and {} in Authentik make {} User and {} Group entities.",
            rows.0, rows.1, entities.0, entities.1
        );
    }
    if !report.findings.is_empty() {
        text.push_str("\nFindings:\n");
    }
    for finding in &report.findings {
        let _ = writeln!(
            text,
            "  {}: {}\n    → {}",
            finding.code, finding.message, finding.remedy
        );
    }
    text
}

/// Formats a step and its remedy.
fn line(step: &Step, coloured: bool) -> String {
    let (symbol, colour) = match step.status {
        Status::Ok => ("✓", "32"),
        Status::Skipped => ("-", "2"),
        Status::Warning => ("!", "33"),
        Status::Failed => ("✗", "31"),
    };
    let symbol = if coloured {
        format!("\x1b[{colour}m{symbol}\x1b[0m")
    } else {
        symbol.to_owned()
    };
    let subject = subject(step);
    let skipped = if step.status == Status::Skipped {
        "skipped: "
    } else {
        ""
    };
    let mut text = format!(
        "{symbol} {subject:<width$}{skipped}{}\n",
        step.message,
        width = COLUMN - 2
    );
    if let Some(remedy) = &step.remedy {
        let _ = writeln!(text, "{:COLUMN$}→ {remedy}", "");
    }
    text
}

/// Returns the name of a step in the JSON form.
fn subject(step: &Step) -> String {
    let name = serde_json::to_value(step.subject).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::report::Subject;
    use super::*;

    #[test]
    fn colours_are_written_only_where_they_are_shown() {
        let mut report = Report::default();
        report.pass(Subject::FullView, "all");
        assert_eq!(render(&report, false), "✓ full-view       all\n");
        assert_eq!(
            render(&report, true),
            "\u{1b}[32m✓\u{1b}[0m full-view       all\n"
        );
    }
}
