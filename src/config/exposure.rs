//! Who reads what says much of the service and nothing of people.

use super::scalar::choice;
use super::setting::Setting;

/// Who reads the description of the API, or the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// Whoever has a token that is good for it.
    #[default]
    Token,
    /// Everybody.
    Open,
    /// Nobody: it is not there.
    Off,
}

/// Takes one of the three words.
pub(super) fn exposure() -> Setting<Exposure> {
    choice(&[
        ("token", Exposure::Token),
        ("open", Exposure::Open),
        ("off", Exposure::Off),
    ])
}
