//! `$include` and `$file`: values that stand in other files, whose paths are relative to the including one.
//!
//! As in Backstage (`config-loader`, `include.ts`) a path may lead out of the directory of the file.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::environment::Environment;
use super::error::ConfigError;
use super::expand::{At, Expansion};
use super::file::{self, Format};
use super::tree::Node;

/// How many files may include each other in a chain.
const DEEPEST: usize = 8;

/// A file that is being read, and the files that led to it.
pub(super) struct Including {
    /// How messages name it.
    pub(super) label: String,
    path: PathBuf,
    chain: Vec<(PathBuf, String)>,
}

impl Including {
    /// A file that the operator named.
    pub(super) fn first(path: &Path) -> Self {
        let label = path.display().to_string();
        Self {
            label,
            path: path.to_owned(),
            chain: vec![(real(path), String::new())],
        }
    }

    /// The text of a file relative to this one.
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

    /// The included file, unless it would never end.
    fn include(&self, path: &str, fragment: &str, at: &At) -> Result<Self, ConfigError> {
        let path = self.resolve(path);
        let step = (real(&path), fragment.to_owned());
        if self.chain.contains(&step) {
            return Err(at.invalid(format!(
                "{} includes itself; remove the `$include`",
                path.display()
            )));
        }
        if self.chain.len() > DEEPEST {
            return Err(at.invalid(format!(
                "more than {DEEPEST} files include each other; include them directly"
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
    /// The value that `file.yaml#a.b` stands for.
    pub(super) fn include(&self, operand: &str, at: &At) -> Result<Option<Node>, ConfigError> {
        let (path, fragment) = operand.split_once('#').unwrap_or((operand, ""));
        let format = Format::of(Path::new(path)).ok_or_else(|| {
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
        let value = file::parse(&file.label, &text, format, at.wanted.inside(&parts))?;
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
                wanted: at.wanted.clone(),
                file: &file,
            },
        )
    }
}

/// The value at a path.
fn select(value: Value, path: &[&str]) -> Option<Value> {
    path.iter().try_fold(value, |value, part| match value {
        Value::Object(mut map) => map.remove(*part),
        _ => None,
    })
}

/// A path by which a file is recognised again.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
