//! Values that variables give instead of the file.

use serde_json::Value;

use super::blocks::Block;
use super::environment::Environment;
use super::error::{ConfigError, Place};
use super::origin::Origin;

pub(super) const BASE_URL: &str = "AUTHENTIK_BASE_URL";
pub(super) const TOKEN: &str = "AUTHENTIK_TOKEN";
pub(super) const TOKEN_FILE: &str = "AUTHENTIK_TOKEN_FILE";

/// Puts the values of variables into Backstage's block; the file's are not needed then.
pub(super) fn apply(
    block: &mut Block,
    env: &impl Environment,
    origin: &mut Origin,
) -> Result<(), ConfigError> {
    let base_url = env.non_empty(BASE_URL).map(|url| ("baseUrl", url, BASE_URL));
    for (key, value, variable) in [base_url, token(env)?].into_iter().flatten() {
        origin.override_key(format!("{}.{key}", block.key), variable);
        block.values.insert(key.to_owned(), Value::String(value));
    }
    Ok(())
}

/// The token of a variable, or of the file that a variable names.
fn token(env: &impl Environment) -> Result<Option<(&'static str, String, &'static str)>, ConfigError> {
    match (env.non_empty(TOKEN), env.non_empty(TOKEN_FILE)) {
        (Some(_), Some(_)) => Err(ConfigError::TwoTokens),
        (Some(token), None) => Ok(Some(("token", token, TOKEN))),
        (None, Some(path)) => Ok(Some(("token", read(&path)?, TOKEN_FILE))),
        (None, None) => Ok(None),
    }
}

/// The content of a token file, without the white space around it.
fn read(path: &str) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Invalid {
        place: Place::Variable(TOKEN_FILE.to_owned()),
        message: format!("cannot read {path}: {error}; check the path and its permissions"),
    })?;
    Ok(text.trim().to_owned())
}
