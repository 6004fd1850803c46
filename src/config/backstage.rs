//! Which Backstage to tell of changes, and of which of its locations.

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::keys::Kind;
use super::scalar;
use super::section::section;
use super::setting::{Refusal, Setting};
use crate::backstage::location::RefreshTarget;

section! {
    /// The section `entityProvider.backstage`.
    pub struct BackstageConfig {
        /// The Backstage backend that is told which locations changed, so that it reads them at once.
        base_url: Url = base_url(),
        /// A static token of Backstage's `backend.auth.externalAccess`.
        token: SecretString = token(),
        /// The targets that read this service, exactly as Backstage's `catalog.locations` spells them.
        locations: Vec<RefreshTarget> = locations(),
    }
}

fn base_url() -> Setting<Url> {
    // The text is not repeated: it may hold a password.
    let expected = "expected the http or https URL of the Backstage backend, without user, query and \
                    fragment, such as `https://backstage.example.com`";
    Setting::new(Kind::Url, move |value| {
        let text = scalar::text(value)?;
        let url = Url::parse(text.trim()).ok().filter(scalar::is_plain);
        url.ok_or_else(|| Refusal::new(expected))
    })
}

fn token() -> Setting<SecretString> {
    // The value is not repeated.
    let expected = "expected a token of Backstage's `backend.auth.externalAccess` as a string without \
                    white space";
    let is_token =
        |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let parse = move |value: &Value| {
        let text = value.as_str().map(str::trim).filter(is_token);
        text.map(SecretString::from)
            .ok_or_else(|| Refusal::new(expected))
    };
    Setting::compared(Kind::Secret, parse, scalar::is_same_secret)
}

fn locations() -> Setting<Vec<RefreshTarget>> {
    Setting::new(Kind::Texts, |value| {
        let targets = scalar::list(value)?;
        if targets.is_empty() {
            return Err(Refusal::new(
                "expected at least one target of Backstage's `catalog.locations`",
            ));
        }
        let located = targets.iter().enumerate().map(|(at, target)| {
            RefreshTarget::parse(target)
                .map_err(|error| Refusal::new(format!("entry {}: {error}", at + 1)))
        });
        located.collect()
    })
}
