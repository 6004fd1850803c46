//! The directory of the state file.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::environment::Environment;
use super::keys::ValueKind;
use super::scalar;
use super::setting::{InvalidValue, Setting};

/// The name of our directory in shared directories.
const NAME: &str = "authentik-entity-provider";

/// The directory of the state file, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StateDir {
    /// The default of the environment; none until it is resolved.
    #[default]
    Unresolved,
    /// No directory.
    Off,
    /// An absolute path.
    At(PathBuf),
}

impl StateDir {
    /// Returns the directory, if there is one.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::At(path) => Some(path.clone()),
            Self::Unresolved | Self::Off => None,
        }
    }

    /// Resolves the default: systemd's directory (`systemd.exec`, `StateDirectory=`), otherwise that of the XDG
    /// base directory specification. Relative paths are ignored.
    pub(super) fn resolved(self, env: &impl Environment) -> Self {
        if self != Self::Unresolved {
            return self;
        }
        let absolute = |text: &str| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
        let variable = |name| env.non_empty(name).and_then(|text| absolute(&text));
        // systemd separates several directories by colons.
        let systemd = env.non_empty("STATE_DIRECTORY");
        let systemd =
            systemd.and_then(|paths| absolute(paths.split(':').next().unwrap_or_default()));
        let xdg = || variable("XDG_STATE_HOME").map(|path| path.join(NAME));
        let home = || variable("HOME").map(|path| path.join(".local/state").join(NAME));
        systemd
            .or_else(xdg)
            .or_else(home)
            .map_or(Self::Off, Self::At)
    }
}

/// Returns the setting of an absolute path or `false`.
pub(super) fn state_dir() -> Setting<StateDir> {
    Setting::new(ValueKind::Folder, read)
}

fn read(value: &Value) -> Result<StateDir, InvalidValue> {
    match value {
        Value::Bool(false) => Ok(StateDir::Off),
        // Variables are always strings.
        Value::String(text) if text.trim() == "false" => Ok(StateDir::Off),
        Value::String(text) if Path::new(text.trim()).is_absolute() => {
            Ok(StateDir::At(text.trim().into()))
        }
        other => Err(InvalidValue::new(format!(
            "expected an absolute path such as `/var/lib/{NAME}`, or `false`, found {}",
            scalar::found(other)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_usual_directory_is_systemds_then_that_of_xdg_then_the_home() {
        for (variables, expected) in [
            (
                &[
                    ("STATE_DIRECTORY", "/s/a:/s/b"),
                    ("XDG_STATE_HOME", "/x"),
                    ("HOME", "/h"),
                ][..],
                Some("/s/a"),
            ),
            (
                &[("XDG_STATE_HOME", "/x"), ("HOME", "/h")],
                Some("/x/authentik-entity-provider"),
            ),
            (
                &[("XDG_STATE_HOME", "x"), ("HOME", "/h")],
                Some("/h/.local/state/authentik-entity-provider"),
            ),
            (
                &[
                    ("STATE_DIRECTORY", "s"),
                    ("XDG_STATE_HOME", ""),
                    ("HOME", "h"),
                ],
                None,
            ),
            (&[], None),
        ] {
            let env = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let env: BTreeMap<_, _> = env.collect();
            let resolved = StateDir::Unresolved.resolved(&env);
            assert_eq!(
                resolved.folder(),
                expected.map(PathBuf::from),
                "{variables:?}"
            );
            assert_eq!(StateDir::Off.resolved(&env), StateDir::Off);
            assert_eq!(
                StateDir::At("/own".into()).resolved(&env),
                StateDir::At("/own".into())
            );
        }
    }

    #[test]
    fn only_an_absolute_path_or_false_is_taken() {
        assert_eq!(read(&json!(false)).unwrap(), StateDir::Off);
        assert_eq!(read(&json!("false")).unwrap(), StateDir::Off);
        assert_eq!(
            read(&json!(" /var/lib/x ")).unwrap(),
            StateDir::At("/var/lib/x".into())
        );
        for bad in [
            json!(true),
            json!("off"),
            json!("state"),
            json!("~/state"),
            json!(""),
            json!(7),
            json!([]),
        ] {
            let error = read(&bad).unwrap_err().message;
            assert!(
                error.ends_with(&format!("or `false`, found {}", scalar::found(&bad))),
                "{error}"
            );
        }
    }
}
