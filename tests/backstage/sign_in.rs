//! Sign-in with the configurations of `docs/sign-in.md`, as a browser does it.

mod email;
mod leavers;
mod uid;

use std::collections::BTreeSet;

use fake_authentik::{FakeAuthentik, FakeDirectory};
use serde_json::{Value, json};

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup, SignIn};
use crate::support::browser::Browser;
use crate::support::oidc::Oidc;
use crate::support::service::Service;

/// A Backstage at which people sign in.
struct Portal {
    authentik: Authentik,
    service: Service,
    oidc: Oidc,
    backstage: Backstage,
}

impl Portal {
    /// Starts everything, without a sync; the settings of sign-in can be changed.
    async fn spawn(
        module: &'static str,
        directory: FakeDirectory,
        change: impl FnOnce(&mut Setup, &Service),
    ) -> Self {
        let authentik = Authentik::spawn(directory).await;
        let variables = [
            ("ENTITY_PROVIDER_NAMES", "backstage"),
            (
                "ENTITY_PROVIDER_USERS_MAP_ANNOTATIONS",
                "{authentik.goauthentik.io/uid: uid}",
            ),
        ];
        let service = Service::with(&authentik.base, FakeAuthentik::TOKEN, &variables).await;
        let oidc = Oidc::spawn().await;
        let mut setup = Setup {
            sign_in: Some(SignIn::documented(module, &oidc)),
            ..Setup::eager(&service.entities_url())
        };
        change(&mut setup, &service);
        let backstage = Backstage::spawn(&setup).await;
        Self {
            authentik,
            service,
            oidc,
            backstage,
        }
    }

    /// Syncs, and waits until Backstage has the result.
    async fn sync(&self) {
        self.service.sync().await;
        self.backstage.becomes(&self.service.catalog().await).await;
    }

    /// Signs in with a new browser as a person; returns the user's ref, or the error.
    async fn sign_in(&self, person: &Value) -> Result<String, String> {
        self.oidc.person(person).await;
        let identity = Browser::at(&self.backstage).sign_in().await?;
        Ok(identity.user)
    }
}

/// The claims about a user with a verified email.
fn person(email: &str) -> Value {
    json!({ "sub": "subject", "name": "Somebody", "email": email, "email_verified": true })
}

/// Users with these names and emails, all in the group `crew`.
fn users(users: &[(&str, &str)]) -> FakeDirectory {
    let mut directory = FakeDirectory::default();
    let crew = directory.add_group("crew");
    for (name, email) in users {
        let pk = directory.add_user(name);
        assert!(directory.edit_user(pk, |user| (*email).clone_into(&mut user.email)));
        assert!(directory.add_member(crew, pk));
    }
    directory
}

/// Refs as a set.
fn refs(refs: &[&str]) -> BTreeSet<String> {
    refs.iter().map(|&entity| entity.to_owned()).collect()
}
