//! The source of variables, passed as an argument so that loading does not read process state.

use std::collections::BTreeMap;

/// A source of variables, such as the environment of the process.
pub trait Environment {
    /// Returns the value of a variable, if it is set.
    fn var(&self, name: &str) -> Option<String>;

    /// Returns the names of all variables, in any order.
    fn names(&self) -> Vec<String>;

    /// Returns the value of a variable. An empty one counts as unset.
    fn non_empty(&self, name: &str) -> Option<String> {
        self.var(name).filter(|value| !value.is_empty())
    }
}

/// The environment of the running process; a value that is not UTF-8 counts as unset.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .collect()
    }
}

impl Environment for BTreeMap<String, String> {
    fn var(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

/// Combines two sources. The first has precedence, such as flags before the environment.
impl<First: Environment, Second: Environment> Environment for (First, Second) {
    fn var(&self, name: &str) -> Option<String> {
        self.0.non_empty(name).or_else(|| self.1.var(name))
    }

    fn names(&self) -> Vec<String> {
        [self.0.names(), self.1.names()].concat()
    }
}
