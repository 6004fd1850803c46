//! What a check found; its JSON form is documented in `docs/commands.md` and stable.

use serde::Serialize;

use crate::authentik::error::Error;
use crate::catalog::finding::Finding;

/// The outcome of all steps.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The worst of all steps.
    status: Status,
    /// Every step, in the order in which they are taken.
    pub(super) steps: Vec<Step>,
    /// How much there is, once the directory was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Counts>,
    /// What the operator should know of the directory, written as `GET /sync/{id}` does.
    pub(super) findings: Vec<Finding>,
}

/// How a step went; the later, the worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    /// All is well.
    #[default]
    Ok,
    /// It could not be taken; another step says why.
    Skipped,
    /// Something is odd and stops nothing.
    Warning,
    /// A sync would fail, or publish a part only.
    Failed,
}

/// What a step looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Subject {
    /// The files and variables.
    Configuration,
    /// Whether anything answers.
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
    /// Whether both lists can be read whole.
    Reading,
    /// Whether the lists know each other's rows.
    FullView,
    /// Whether all rows make the entities that one expects.
    Findings,
    /// Whether groups are shown by the names that they have in Authentik.
    DisplayNames,
}

/// One step.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    /// What it looked at.
    #[serde(rename = "step")]
    pub(super) subject: Subject,
    /// How it went.
    pub(super) status: Status,
    /// A stable name of what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    /// What was found.
    pub(super) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// How many rows Authentik lists and how many entities follow from them.
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
    /// Whether no step failed.
    pub(super) fn ok(&self) -> bool {
        self.status != Status::Failed
    }

    /// Adds a step without trouble.
    pub(super) fn fine(&mut self, subject: Subject, message: impl Into<String>) {
        self.add(Step {
            subject,
            status: Status::Ok,
            code: None,
            message: message.into(),
            remedy: None,
        });
    }

    /// Adds a step without trouble that proposes an improvement.
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

    /// Adds a step that could not be taken.
    pub(super) fn skip(&mut self, subject: Subject, why: &str) {
        self.add(Step {
            subject,
            status: Status::Skipped,
            code: None,
            message: why.to_owned(),
            remedy: None,
        });
    }

    /// Adds a step with trouble.
    pub(super) fn trouble(
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
        self.trouble(
            (subject, status, error.code()),
            error.to_string(),
            error.remedy(),
        );
    }

    fn add(&mut self, step: Step) {
        // A step is skipped since another one failed, or since nothing can be said.
        if step.status != Status::Skipped {
            self.status = self.status.max(step.status);
        }
        self.steps.push(step);
    }
}
