//! The report of a check. Its JSON form is stable and documented in `docs/commands.md`.

use serde::Serialize;

use crate::authentik::error::Error;
use crate::catalog::finding::Finding;

/// The outcome of all steps.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The worst status of all steps.
    status: Status,
    /// All steps, in the order of execution.
    pub(super) steps: Vec<Step>,
    /// The numbers of rows and entities, if the directory was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Counts>,
    /// The findings, in the form of `GET /sync/{id}`.
    pub(super) findings: Vec<Finding>,
}

/// The outcome of a step, in the order of severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    /// No problem.
    #[default]
    Ok,
    /// Not executed, because another step failed.
    Skipped,
    /// A problem that does not fail a sync.
    Warning,
    /// A sync would fail, or publish an incomplete directory.
    Failed,
}

/// The subject of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Subject {
    /// The files and variables.
    Configuration,
    /// Whether the database that replicas share can be used.
    Database,
    /// Whether a server answers.
    Connection,
    /// Whether Authentik knows the token.
    Token,
    /// Whether Authentik is new enough.
    Version,
    /// Whether both clocks agree.
    Clock,
    /// The permission to list users.
    ViewUser,
    /// The permission to list groups.
    ViewGroup,
    /// Whether both lists can be read completely.
    Reading,
    /// Whether each list contains the rows that the other one names.
    FullView,
    /// Problems of single rows.
    Findings,
    /// Whether groups are shown by their names in Authentik.
    DisplayNames,
}

/// One step.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    /// Its subject.
    #[serde(rename = "step")]
    pub(super) subject: Subject,
    /// Its outcome.
    pub(super) status: Status,
    /// The stable code of the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    /// The result in words.
    pub(super) message: String,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// The numbers of rows in Authentik and of the entities made from them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    /// Users in Authentik.
    pub(super) users: usize,
    /// Groups in Authentik.
    pub(super) groups: usize,
    /// Entities of the kind `User`.
    pub(super) user_entities: usize,
    /// Entities of the kind `Group`.
    pub(super) group_entities: usize,
}

impl Report {
    /// Returns true if no step failed.
    pub(super) fn is_ok(&self) -> bool {
        self.status != Status::Failed
    }

    /// Adds a step without a problem.
    pub(super) fn pass(&mut self, subject: Subject, message: impl Into<String>) {
        self.add(Step {
            subject,
            status: Status::Ok,
            code: None,
            message: message.into(),
            remedy: None,
        });
    }

    /// Adds a step without a problem that proposes an improvement.
    pub(super) fn propose(
        &mut self,
        subject: Subject,
        message: impl Into<String>,
        proposal: impl Into<String>,
    ) {
        self.add(Step {
            subject,
            status: Status::Ok,
            code: None,
            message: message.into(),
            remedy: Some(proposal.into()),
        });
    }

    /// Adds a step that was not executed.
    pub(super) fn skip(&mut self, subject: Subject, why: &str) {
        self.add(Step {
            subject,
            status: Status::Skipped,
            code: None,
            message: why.to_owned(),
            remedy: None,
        });
    }

    /// Adds a step with a problem.
    pub(super) fn problem(
        &mut self,
        (subject, status, code): (Subject, Status, &'static str),
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (message, remedy) = (message.into(), Some(remedy.into()));
        self.add(Step {
            subject,
            status,
            code: Some(code),
            message,
            remedy,
        });
    }

    /// Adds a step that ended with an error.
    pub(super) fn error(&mut self, subject: Subject, status: Status, error: &Error) {
        self.problem(
            (subject, status, error.code()),
            error.to_string(),
            error.remedy(),
        );
    }

    fn add(&mut self, step: Step) {
        // A skipped step does not change the status.
        if step.status != Status::Skipped {
            self.status = self.status.max(step.status);
        }
        self.steps.push(step);
    }
}
