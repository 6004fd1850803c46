//! `$include` and `$file`: values from other files, with paths relative to the including file.
//!
//! As in Backstage (`config-loader`, `include.ts`) a path may lead out of the directory of the file.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::environment::Environment;
use super::error::ConfigError;
use super::expand::{At, Expansion};
use super::file::{self, FileFormat};
use super::tree::Node;

/// The maximum length of a chain of files that include each other.
const MAX_DEPTH: usize = 8;

/// A file that is being read, and the files that led to it.
pub(super) struct Including {
    /// The name in messages.
    pub(super) label: String,
    path: PathBuf,
    chain: Vec<(PathBuf, String)>,
}

impl Including {
    /// Returns a file of the command line.
    pub(super) fn first(path: &Path) -> Self {
        let label = path.display().to_string();
        Self {
            label,
            path: path.to_owned(),
            chain: vec![(canonical(path), String::new())],
        }
    }

    /// Reads the text of a file relative to this one.
    pub(super) fn read(&self, path: &str, at: &At) -> Result<String, ConfigError> {
        let path = self.resolve(path);
        file::read(&path).map_err(|reason| {
            let path = path.display();
            at.invalid(format!(
                "cannot read {path}: {reason}; check the path and its permissions"
            ))
        })
    }

    fn resolve(&self, path: &str) -> PathBuf {
        self.path
            .parent()
            .unwrap_or(Path::new(""))
            .join(path.strip_prefix("./").unwrap_or(path))
    }

    /// Returns the included file, unless it includes itself.
    fn include(&self, path: &str, fragment: &str, at: &At) -> Result<Self, ConfigError> {
        let path = self.resolve(path);
        let step = (canonical(&path), fragment.to_owned());
        if self.chain.contains(&step) {
            return Err(at.invalid(format!(
                "{} includes itself; remove the `$include`",
                path.display()
            )));
        }
        if self.chain.len() > MAX_DEPTH {
            return Err(at.invalid(format!(
                "more than {MAX_DEPTH} files include each other; include them directly"
            )));
        }
        let label = format!("{}, included by {}", path.display(), self.label);
        Ok(Self {
            label,
            path,
            chain: [self.chain.as_slice(), &[step]].concat(),
        })
    }
}

impl<E: Environment> Expansion<'_, E> {
    /// Resolves a reference such as `file.yaml#a.b`.
    pub(super) fn include(&self, operand: &str, at: &At) -> Result<Option<Node>, ConfigError> {
        let (path, fragment) = operand.split_once('#').unwrap_or((operand, ""));
        let format = FileFormat::of(Path::new(path)).ok_or_else(|| {
            at.invalid(format!(
                "cannot include `{path}`; expected a file that ends in .yaml, .yml or .json"
            ))
        })?;
        let file = at.file.include(path, fragment, at)?;
        let text = at.file.read(path, at)?;
        let parts: Vec<&str> = fragment
            .split('.')
            .filter(|part| !part.is_empty())
            .collect();
        let value = file::parse(&file.label, &text, format, at.filter.inside(&parts))?;
        let value = select(value, &parts).ok_or_else(|| {
            at.invalid(format!(
                "there is no `{fragment}` in {}; correct the path",
                file.path.display()
            ))
        })?;
        self.resolve(
            value,
            &At {
                key: at.key.clone(),
                filter: at.filter.clone(),
                file: &file,
            },
        )
    }
}

/// Returns the value at a path.
fn select(value: Value, path: &[&str]) -> Option<Value> {
    path.iter().try_fold(value, |value, part| match value {
        Value::Object(mut map) => map.remove(*part),
        _ => None,
    })
}

/// Returns the canonical path of a file, to detect cycles.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
