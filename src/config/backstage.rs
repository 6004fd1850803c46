//! The section `entityProvider.backstage`: where to send notifications of changes.

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::keys::ValueKind;
use super::scalar;
use super::section::section;
use super::setting::{InvalidValue, Setting};
use crate::backstage::location::RefreshTarget;

section! {
    /// The section `entityProvider.backstage`.
    pub struct BackstageConfig {
        /// The URL of the Backstage backend, which is notified of changed locations and reads them at once.
        base_url: Url = base_url(),
        /// A static token of Backstage's `backend.auth.externalAccess`.
        token: SecretString = token(),
        /// The targets of this service, exactly as in Backstage's `catalog.locations`.
        locations: Vec<RefreshTarget> = locations(),
    }
}

fn base_url() -> Setting<Url> {
    // The error does not contain the text, which may contain a password.
    let expected = "expected the http or https URL of the Backstage backend, without user, query and \
                    fragment, such as `https://backstage.example.com`";
    Setting::new(ValueKind::Url, move |value| {
        let text = scalar::text(value)?;
        let url = Url::parse(text.trim()).ok().filter(scalar::is_plain);
        url.ok_or_else(|| InvalidValue::new(expected))
    })
}

fn token() -> Setting<SecretString> {
    // The error does not contain the value.
    let expected = "expected a token of Backstage's `backend.auth.externalAccess` as a string without \
                    white space";
    let is_token =
        |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let parse = move |value: &Value| {
        let text = value.as_str().map(str::trim).filter(is_token);
        text.map(SecretString::from)
            .ok_or_else(|| InvalidValue::new(expected))
    };
    Setting::with_comparison(ValueKind::Secret, parse, scalar::is_same_secret)
}

fn locations() -> Setting<Vec<RefreshTarget>> {
    Setting::new(ValueKind::Texts, |value| {
        let targets = scalar::list(value)?;
        if targets.is_empty() {
            return Err(InvalidValue::new(
                "expected at least one target of Backstage's `catalog.locations`",
            ));
        }
        let located = targets.iter().enumerate().map(|(at, target)| {
            RefreshTarget::parse(target)
                .map_err(|error| InvalidValue::new(format!("entry {}: {error}", at + 1)))
        });
        located.collect()
    })
}
