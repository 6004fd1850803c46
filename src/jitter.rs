//! Randomness, passed in wherever several processes must not act at the same moment.

use std::fmt;
use std::sync::Arc;

/// A source of numbers in `0.0..1.0`; cheap to clone.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    /// Pseudo-random numbers: good enough for pauses, not for secrets.
    #[must_use]
    pub fn random() -> Self {
        Self(Arc::new(fastrand::f64))
    }

    /// A source that calls a function.
    #[must_use]
    pub fn new(next: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(next))
    }

    /// The next number.
    #[must_use]
    pub fn next(&self) -> f64 {
        (self.0)()
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}
