//! Sign-in by `uid`, with the module in `integrations/backstage/auth`.

use fake_authentik::{FakeAuthentik, FakeDirectory};
use serde_json::{Value, json};

use super::{Portal, users};
use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup, SignIn, Site};
use crate::support::browser::Browser;
use crate::support::oidc::Oidc;
use crate::support::service::Service;

/// The `uid` of a user of an installation.
fn uid(installation: u8, pk: u64) -> String {
    format!("{installation:032x}{pk:032x}")
}

/// The claims of Authentik's default scope mappings from 2025.10 on.
fn account(installation: u8, pk: u64, email: &str) -> Value {
    json!({ "sub": uid(installation, pk), "name": "Somebody", "email": email, "email_verified": false })
}

/// Users with the `uid`s of an installation.
fn installed(installation: u8, people: &[(&str, &str)]) -> FakeDirectory {
    let mut directory = users(people);
    let pks: Vec<u64> = directory.users().iter().map(|user| user.pk).collect();
    for pk in pks {
        assert!(directory.edit_user(pk, |user| user.uid = uid(installation, pk)));
    }
    directory
}

const PEOPLE: [(&str, &str); 3] = [
    ("ann", "ann@example.com"),
    ("bo", "ann@example.com"),
    ("cy", ""),
];

#[tokio::test]
async fn missing_shared_and_changed_emails_do_not_matter() {
    let portal = Portal::spawn("uid", installed(1, &PEOPLE), |_, _| {}).await;
    let error = portal.sign_in(&account(1, 1, "")).await.unwrap_err();
    assert!(error.contains("no User in namespace 'default'"), "{error}");
    portal.sync().await;
    for (pk, email, name) in [
        (1, "ann@example.com", "ann"),
        (2, "ann@example.com", "bo"),
        (3, "", "cy"),
        (1, "ann@elsewhere.example", "ann"),
    ] {
        let user = portal.sign_in(&account(1, pk, email)).await;
        assert_eq!(user, Ok(format!("user:default/{name}")));
    }
    let mut browser = Browser::at(&portal.backstage);
    let identity = browser.sign_in().await.unwrap();
    assert!(identity.ownership.contains("group:default/crew"));
    assert_eq!(
        browser.refresh().await.unwrap().ownership,
        identity.ownership
    );

    let mut upper = account(1, 1, "");
    upper["sub"] = json!(format!("{:032X}{:032X}", 0xA, 1));
    let mut other = account(1, 1, "");
    other["iss"] = json!("https://elsewhere.example/");
    for (claims, message) in [
        (
            account(1, 4, "ann@example.com"),
            "no User in namespace 'default'",
        ),
        (
            account(2, 1, "ann@example.com"),
            "no User in namespace 'default'",
        ),
        (upper, "no User in namespace 'default'"),
        (other, "iss"),
    ] {
        let error = portal.sign_in(&claims).await.unwrap_err();
        assert!(error.contains(message), "{claims}: {error}");
    }
}

#[tokio::test]
async fn of_two_directories_with_equal_pks_only_the_configured_one_signs_in() {
    let oidc = Oidc::spawn().await;
    let mut sign_in = SignIn::documented("uid", &oidc);
    sign_in.auth["authentikEntityProvider"]["namespace"] = json!("acme");
    let acme = service(1, "acme").await;
    let other = service(2, "other").await;
    let setup = Setup {
        targets: vec![acme.1.entities_url(), other.1.entities_url()],
        sign_in: Some(sign_in),
        ..Setup::eager("")
    };
    let backstage = Backstage::spawn(&setup).await;
    let both = acme.1.catalog().await.with(other.1.catalog().await);
    backstage.becomes(&both).await;
    oidc.person(&account(1, 2, "")).await;
    let identity = Browser::at(&backstage).sign_in().await.unwrap();
    assert_eq!(identity.user, "user:acme/bo");
    oidc.person(&account(2, 2, "")).await;
    let error = Browser::at(&backstage).sign_in().await.unwrap_err();
    assert!(error.contains("no User in namespace 'acme'"), "{error}");
}

/// A service that has read an installation into a namespace.
async fn service(installation: u8, namespace: &str) -> (Authentik, Service) {
    let authentik = Authentik::spawn(installed(installation, &PEOPLE)).await;
    let variables = [
        ("ENTITY_PROVIDER_NAMES", "backstage"),
        ("ENTITY_PROVIDER_NAMESPACE", namespace),
        ("ENTITY_PROVIDER_LOCATION_PREFIX", namespace),
        (
            "ENTITY_PROVIDER_USERS_MAP_ANNOTATIONS",
            "{authentik.goauthentik.io/uid: uid}",
        ),
    ];
    let service = Service::with(&authentik.base, FakeAuthentik::TOKEN, &variables).await;
    service.sync().await;
    (authentik, service)
}

#[tokio::test]
async fn two_users_with_one_uid_are_refused() {
    let mut directory = installed(1, &PEOPLE);
    assert!(directory.edit_user(2, |user| user.uid = uid(1, 1)));
    let portal = Portal::spawn("uid", directory, |_, _| {}).await;
    portal.sync().await;
    let error = portal.sign_in(&account(1, 1, "")).await.unwrap_err();
    assert_eq!(error, "User lookup resulted in multiple matches");
}

#[tokio::test]
async fn resolvers_of_the_configuration_stop_the_start() {
    let oidc = Oidc::spawn().await;
    let mut sign_in = SignIn::documented("uid", &oidc);
    sign_in.provider()["signIn"] =
        json!({ "resolvers": [{ "resolver": "emailMatchingUserEntityProfileEmail" }] });
    let setup = Setup {
        sign_in: Some(sign_in),
        ..Setup::default()
    };
    let message = "auth.providers.oidc.production.signIn has to be removed";
    Site::free().await.fail(&setup, message).await;
}

#[tokio::test]
async fn another_issuer_than_the_configured_one_is_refused() {
    let portal = Portal::spawn("uid", installed(1, &PEOPLE), |setup, _| {
        let sign_in = setup.sign_in.as_mut().unwrap();
        sign_in.auth["authentikEntityProvider"]["issuer"] = json!("https://authentik.example.com/");
    })
    .await;
    portal.sync().await;
    let error = portal.sign_in(&account(1, 1, "")).await.unwrap_err();
    assert!(error.contains(&portal.oidc.issuer()), "{error}");
}
