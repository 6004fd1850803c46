//! Scripted faults and changes: what goes wrong, when, and how often.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::api::{GROUPS, USERS, VERSION};
use super::directory::FakeDirectory;
use super::gate::Gate;
use super::journal::SeenRequest;

/// Where a step applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The list of users.
    Users,
    /// The list of groups.
    Groups,
    /// The version endpoint.
    Version,
    /// Exactly this path.
    Path(String),
    /// Every request.
    Anywhere,
}

impl Place {
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

/// An answer given instead of the real one.
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

/// What happens.
pub enum Action {
    /// Answers with something else.
    Answer(CannedAnswer),
    /// Waits first.
    Delay(Duration),
    /// Never answers: waits until the client gives up or the server stops.
    Hang,
    /// Waits at a gate first.
    Gate(Gate),
    /// Ends the connection after this many bytes of the body, although all were promised.
    Cut(usize),
    /// Ends the connection without an answer.
    Drop,
    /// Sends this many bytes of the body and then nothing, without an end.
    Stall(usize),
    /// Sends the body in ten parts, with this pause before each.
    Trickle(Duration),
    /// Edits the directory before answering.
    Before(Edit),
    /// Edits the directory after the answer was made.
    After(Edit),
    /// Rewrites a JSON body.
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

    /// Waits at the gate.
    #[must_use]
    pub fn gate(gate: &Gate) -> Self {
        Self::Gate(gate.clone())
    }

    /// Edits the directory before answering: drift between two pages.
    pub fn before(edit: impl FnMut(&mut FakeDirectory) + Send + 'static) -> Self {
        Self::Before(Box::new(edit))
    }

    /// Edits the directory after the answer was made.
    pub fn after(edit: impl FnMut(&mut FakeDirectory) + Send + 'static) -> Self {
        Self::After(Box::new(edit))
    }

    /// Rewrites the JSON body: lying counts, wrong types, pages without end.
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

/// One line of the script: an action at a place, once unless said otherwise.
#[derive(Debug)]
pub struct Step {
    place: Place,
    page: Option<String>,
    skip: u64,
    times: Option<u64>,
    action: Action,
}

impl Step {
    /// Makes a step that happens at the next request to the place.
    #[must_use]
    pub fn at(place: Place, action: Action) -> Self {
        Self {
            place,
            page: None,
            skip: 0,
            times: Some(1),
            action,
        }
    }

    /// Limits the step to requests that name this page.
    #[must_use]
    pub fn page(self, page: usize) -> Self {
        Self {
            page: Some(page.to_string()),
            ..self
        }
    }

    /// Begins with the n-th matching request, counted from 1.
    #[must_use]
    pub fn nth(self, request: u64) -> Self {
        Self {
            skip: request.saturating_sub(1),
            ..self
        }
    }

    /// Happens this many times.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Happens every time.
    #[must_use]
    pub fn always(self) -> Self {
        Self {
            times: None,
            ..self
        }
    }

    /// Tells whether the step happens at this request, and counts it.
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

/// A step that happens at a request; its lock is held only while an edit or rewrite runs.
pub(super) type SharedStep = Arc<Mutex<Step>>;

/// All steps, in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct Script(Mutex<Vec<SharedStep>>);

impl Script {
    /// Adds a step.
    pub(super) fn push(&self, step: Step) {
        self.steps().push(Arc::new(Mutex::new(step)));
    }

    /// Removes all steps.
    pub(super) fn clear(&self) {
        self.steps().clear();
    }

    /// Gives the steps that happen at this request.
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

/// Looks at a step's action under its lock.
pub(super) fn with_action<R>(step: &SharedStep, look: impl FnOnce(&mut Action) -> R) -> R {
    with(step, |step| look(&mut step.action))
}

fn with<R>(step: &SharedStep, look: impl FnOnce(&mut Step) -> R) -> R {
    look(&mut step.lock().unwrap_or_else(PoisonError::into_inner))
}
