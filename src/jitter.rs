//! Chance, passed in wherever something should not happen at the same time everywhere.

use std::fmt;
use std::sync::Arc;

/// Gives numbers from 0 to 1; cheap to clone.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    /// Numbers that nobody foresees; good enough for pauses and for nothing secret.
    #[must_use]
    pub fn random() -> Self {
        Self(Arc::new(fastrand::f64))
    }

    /// What a function gives.
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
