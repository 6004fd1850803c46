//! The access rules of the metrics and the API description, which have no personal data.

use super::scalar::choice;
use super::setting::Setting;

/// Who may read the description of the API, or the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// Clients with a valid token.
    #[default]
    Token,
    /// All clients.
    Open,
    /// No client: the endpoint does not exist.
    Off,
}

/// Returns the setting of an access rule.
pub(super) fn exposure() -> Setting<Exposure> {
    choice(&[
        ("token", Exposure::Token),
        ("open", Exposure::Open),
        ("off", Exposure::Off),
    ])
}
