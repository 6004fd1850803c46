//! Where the last snapshot is kept for the next start.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::environment::Environment;
use super::keys::Kind;
use super::scalar;
use super::setting::{Refusal, Setting};

/// The directory below those that other programs use too.
const OWN: &str = "authentik-entity-provider";

/// A directory, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StateDir {
    /// Where the environment says; nowhere until that was looked up.
    #[default]
    Usual,
    /// Nowhere.
    Off,
    /// Here; an absolute path.
    At(PathBuf),
}

impl StateDir {
    /// The directory, if there is one.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::At(path) => Some(path.clone()),
            Self::Usual | Self::Off => None,
        }
    }

    /// Looks the usual directory up: systemd's (`systemd.exec`, `StateDirectory=`), else that of the XDG
    /// base directory specification; paths that are not absolute do not count.
    pub(super) fn settled(self, env: &impl Environment) -> Self {
        if self != Self::Usual {
            return self;
        }
        let absolute = |text: &str| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
        let variable = |name| env.non_empty(name).and_then(|text| absolute(&text));
        // systemd separates several directories by colons.
        let systemd = env.non_empty("STATE_DIRECTORY");
        let systemd =
            systemd.and_then(|paths| absolute(paths.split(':').next().unwrap_or_default()));
        let xdg = || variable("XDG_STATE_HOME").map(|path| path.join(OWN));
        let home = || variable("HOME").map(|path| path.join(".local/state").join(OWN));
        systemd
            .or_else(xdg)
            .or_else(home)
            .map_or(Self::Off, Self::At)
    }
}

/// Takes an absolute path or `false`.
pub(super) fn state_dir() -> Setting<StateDir> {
    Setting::new(Kind::Folder, read)
}

fn read(value: &Value) -> Result<StateDir, Refusal> {
    match value {
        Value::Bool(false) => Ok(StateDir::Off),
        // Variables are always texts.
        Value::String(text) if text.trim() == "false" => Ok(StateDir::Off),
        Value::String(text) if Path::new(text.trim()).is_absolute() => {
            Ok(StateDir::At(text.trim().into()))
        }
        other => Err(Refusal::new(format!(
            "expected an absolute path such as `/var/lib/{OWN}`, or `false`, found {}",
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
            let settled = StateDir::Usual.settled(&env);
            assert_eq!(
                settled.folder(),
                expected.map(PathBuf::from),
                "{variables:?}"
            );
            assert_eq!(StateDir::Off.settled(&env), StateDir::Off);
            assert_eq!(
                StateDir::At("/own".into()).settled(&env),
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
