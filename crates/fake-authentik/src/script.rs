//! Scripted faults and edits: where, when and how often they apply.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::api::{GROUPS, USERS, VERSION};
use super::directory::FakeDirectory;
use super::gate::Gate;
use super::journal::SeenRequest;

/// The requests that a step matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The list of users.
    Users,
    /// The list of groups.
    Groups,
    /// The version endpoint.
    Version,
    /// One exact path.
    Path(String),
    /// Every request.
    Anywhere,
}

impl Target {
    fn holds(&self, path: &str) -> bool {
        match self {
            Self::Users => path == USERS,
            Self::Groups => path == GROUPS,
            Self::Version => path == VERSION,
            Self::Path(wanted) => path == wanted,
            Self::Anywhere => true,
        }
    }
}

/// An answer that replaces the real one.
#[derive(Clone, Debug)]
pub struct CannedAnswer {
    /// The status.
    pub status: StatusCode,
    /// Headers, by name and value.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

type Edit = Box<dyn FnMut(&mut FakeDirectory) + Send>;
type Rewrite = Box<dyn FnMut(Value) -> Value + Send>;

/// The effect of a step.
pub enum Action {
    /// Replaces the answer.
    Answer(CannedAnswer),
    /// Waits before answering.
    Delay(Duration),
    /// Never answers: waits until the client disconnects or the server stops.
    Hang,
    /// Waits at a gate before answering.
    Gate(Gate),
    /// Sends this many bytes of the body, then breaks the connection; `Content-Length` promises
    /// all.
    Cut(usize),
    /// Breaks the connection without an answer.
    Drop,
    /// Sends this many bytes of the body, then nothing; the connection stays open.
    Stall(usize),
    /// Sends the body in ten parts with this pause before each.
    Trickle(Duration),
    /// Edits the directory before the answer is built.
    Before(Edit),
    /// Edits the directory after the answer is built.
    After(Edit),
    /// Rewrites the JSON body.
    Rewrite(Rewrite),
}

impl Action {
    /// Answers with a status and a JSON body.
    pub fn answer(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Answer(CannedAnswer {
            status,
            headers,
            body: body.into(),
        })
    }

    /// Redirects to another URL with a 302.
    #[must_use]
    pub fn redirect(url: &str) -> Self {
        let headers = vec![("location".to_owned(), url.to_owned())];
        Self::Answer(CannedAnswer {
            status: StatusCode::FOUND,
            headers,
            body: Vec::new(),
        })
    }

    /// Waits at the gate before answering.
    #[must_use]
    pub fn gate(gate: &Gate) -> Self {
        Self::Gate(gate.clone())
    }

    /// Edits the directory before the answer is built: drift between two pages.
    pub fn before(edit: impl FnMut(&mut FakeDirectory) + Send + 'static) -> Self {
        Self::Before(Box::new(edit))
    }

    /// Edits the directory after the answer is built.
    pub fn after(edit: impl FnMut(&mut FakeDirectory) + Send + 'static) -> Self {
        Self::After(Box::new(edit))
    }

    /// Rewrites the JSON body: wrong counts, wrong types, endless pages.
    pub fn rewrite(rewrite: impl FnMut(Value) -> Value + Send + 'static) -> Self {
        Self::Rewrite(Box::new(rewrite))
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer(_) => "Answer",
            Self::Delay(_) => "Delay",
            Self::Hang => "Hang",
            Self::Gate(_) => "Gate",
            Self::Cut(_) => "Cut",
            Self::Drop => "Drop",
            Self::Stall(_) => "Stall",
            Self::Trickle(_) => "Trickle",
            Self::Before(_) => "Before",
            Self::After(_) => "After",
            Self::Rewrite(_) => "Rewrite",
        })
    }
}

/// One line of the script: an action and the requests it matches; applies once by default.
#[derive(Debug)]
pub struct ScriptStep {
    place: Target,
    page: Option<String>,
    skip: u64,
    times: Option<u64>,
    action: Action,
}

impl ScriptStep {
    /// Creates a step that applies to the next matching request.
    #[must_use]
    pub fn at(place: Target, action: Action) -> Self {
        Self {
            place,
            page: None,
            skip: 0,
            times: Some(1),
            action,
        }
    }

    /// Limits the step to requests for this page.
    #[must_use]
    pub fn page(self, page: usize) -> Self {
        Self {
            page: Some(page.to_string()),
            ..self
        }
    }

    /// Starts with the n-th matching request, counted from 1.
    #[must_use]
    pub fn nth(self, request: u64) -> Self {
        Self {
            skip: request.saturating_sub(1),
            ..self
        }
    }

    /// Applies this many times.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Applies every time.
    #[must_use]
    pub fn always(self) -> Self {
        Self {
            times: None,
            ..self
        }
    }

    /// Counts a matching request and returns true if the step applies to it.
    fn happens(&mut self, request: &SeenRequest) -> bool {
        let page = || request.parameter("page").unwrap_or_else(|| "1".to_owned());
        if !self.place.holds(&request.path)
            || self.page.as_ref().is_some_and(|wanted| *wanted != page())
        {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// A step shared with the requests it applies to; its lock is held only while an edit or rewrite
/// runs.
pub(super) type SharedStep = Arc<Mutex<ScriptStep>>;

/// All steps, in the order added.
#[derive(Debug, Default)]
pub(super) struct Script(Mutex<Vec<SharedStep>>);

impl Script {
    /// Adds a step.
    pub(super) fn push(&self, step: ScriptStep) {
        self.steps().push(Arc::new(Mutex::new(step)));
    }

    /// Removes all steps.
    pub(super) fn clear(&self) {
        self.steps().clear();
    }

    /// Returns the steps that apply to this request.
    pub(super) fn take(&self, request: &SeenRequest) -> Vec<SharedStep> {
        let steps = self.steps().clone();
        steps
            .into_iter()
            .filter(|step| with(step, |step| step.happens(request)))
            .collect()
    }

    fn steps(&self) -> std::sync::MutexGuard<'_, Vec<SharedStep>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a closure on a step's action under the step's lock.
pub(super) fn with_action<R>(step: &SharedStep, look: impl FnOnce(&mut Action) -> R) -> R {
    with(step, |step| look(&mut step.action))
}

fn with<R>(step: &SharedStep, look: impl FnOnce(&mut ScriptStep) -> R) -> R {
    look(&mut step.lock().unwrap_or_else(PoisonError::into_inner))
}
