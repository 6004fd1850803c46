//! The section `entityProvider.database`: the database that replicas share.

use secrecy::SecretString;
use serde_json::Value;

use super::keys::ValueKind;
use super::scalar;
use super::section::section;
use super::setting::{InvalidValue, Setting};
use crate::cluster::database::Database;

section! {
    /// The section `entityProvider.database`.
    pub struct DatabaseConfig {
        /// The URL of a PostgreSQL database that several replicas share, with user, password and `sslmode`; see
        /// `docs/replicas.md`. Without it there is one process.
        url: SecretString = url().after_restart(),
    }
}

fn url() -> Setting<SecretString> {
    let parse = |value: &Value| {
        let text = scalar::text(value)?;
        let url = SecretString::from(text.trim());
        // The error does not contain the text, which contains a password.
        Database::check(&url).map_err(InvalidValue::new)?;
        Ok(url)
    };
    Setting::with_comparison(ValueKind::Secret, parse, scalar::is_same_secret)
}
