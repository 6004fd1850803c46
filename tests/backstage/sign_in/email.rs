//! Sign-in by email, with Backstage's own module.

use serde_json::json;

use super::{Portal, person, refs, users};
use crate::support::backstage::{Setup, SignIn, Site};
use crate::support::browser::Browser;
use crate::support::oidc::Oidc;

const NO_USER: &str = "Failed to sign-in, unable to resolve user identity";
const NO_EMAIL: &str = "Login failed, user profile does not contain an email";
const SEVERAL: &str = "User lookup resulted in multiple matches";

#[tokio::test]
async fn a_user_signs_in_after_the_sync_and_owns_what_the_groups_own() {
    let directory = users(&[("ann", "ann@example.com")]);
    let portal = Portal::spawn("email", directory, |_, _| {}).await;
    let ann = person("ann@example.com");
    let error = portal.sign_in(&ann).await.unwrap_err();
    assert!(error.starts_with(NO_USER), "{error}");

    portal.sync().await;
    let mut browser = Browser::at(&portal.backstage);
    let identity = browser.sign_in().await.unwrap();
    assert_eq!(identity.user, "user:default/ann");
    assert_eq!(
        identity.ownership,
        refs(&["user:default/ann", "group:default/crew"])
    );
    let info = browser.user_info(&identity).await;
    let owners = info["claims"]["ent"].as_array().unwrap();
    assert_eq!(owners.len(), identity.ownership.len(), "{info}");

    portal.authentik.fake.edit(|directory| {
        let pk = directory.user_named("ann").unwrap().pk;
        let pilots = directory.add_group("pilots");
        assert!(directory.add_member(pilots, pk));
    });
    portal.sync().await;
    let renewed = browser.refresh().await.unwrap();
    let owners = [
        "user:default/ann",
        "group:default/crew",
        "group:default/pilots",
    ];
    assert_eq!(renewed.ownership, refs(&owners));
}

#[tokio::test]
async fn an_email_has_to_be_verified_and_to_belong_to_one_user() {
    let directory = users(&[
        ("ann", "Ann@Example.com"),
        ("bo", "shared@example.com"),
        ("cy", "shared@example.com"),
        ("di", "Same@example.com"),
        ("ed", "same@example.com"),
        ("flo", " flo@example.com"),
        ("guy", ""),
    ]);
    let portal = Portal::spawn("email", directory, |_, _| {}).await;
    portal.sync().await;
    let ann = Ok("user:default/ann".to_owned());
    assert_eq!(portal.sign_in(&person("ann@example.com")).await, ann);
    assert_eq!(portal.sign_in(&person("ANN+tag@example.com")).await, ann);
    let flo = Ok("user:default/flo".to_owned());
    assert_eq!(portal.sign_in(&person(" flo@example.com ")).await, flo);
    for (claims, message) in [
        (person("shared@example.com"), SEVERAL),
        (person("same@example.com"), SEVERAL),
        (person("ann@elsewhere.example"), NO_USER),
        (person(""), NO_EMAIL),
        (json!({ "sub": "guy", "name": "Guy" }), NO_EMAIL),
        // The default scope mapping of Authentik 2025.10.
        (
            json!({ "sub": "ann", "email": "ann@example.com", "email_verified": false }),
            NO_EMAIL,
        ),
    ] {
        let error = portal.sign_in(&claims).await.unwrap_err();
        assert!(error.starts_with(message), "{claims}: {error}");
    }
}

#[tokio::test]
async fn the_local_part_of_an_email_needs_allowed_domains() {
    for (domains, outcome) in [
        (None, Ok("user:default/ann".to_owned())),
        (
            Some(["example.com"]),
            Err("Sign-in user email is not from an allowed domain".to_owned()),
        ),
    ] {
        let directory = users(&[("ann", "ann@example.com")]);
        let portal = Portal::spawn("email", directory, |setup, _| {
            let mut second = json!({ "resolver": "emailLocalPartMatchingUserEntityName" });
            if let Some(domains) = domains {
                second["allowedDomains"] = json!(domains);
            }
            let sign_in = setup.sign_in.as_mut().unwrap();
            let resolvers = &mut sign_in.provider()["signIn"]["resolvers"];
            resolvers.as_array_mut().unwrap().push(second);
        })
        .await;
        portal.sync().await;
        let stranger = person("ann@elsewhere.example");
        assert_eq!(portal.sign_in(&stranger).await, outcome);
    }
}

#[tokio::test]
async fn a_session_needs_offline_access() {
    let directory = users(&[("ann", "ann@example.com")]);
    let portal = Portal::spawn("email", directory, |setup, _| {
        let sign_in = setup.sign_in.as_mut().unwrap();
        sign_in.provider()["additionalScopes"] = json!([]);
    })
    .await;
    portal.sync().await;
    portal.oidc.person(&person("ann@example.com")).await;
    let mut browser = Browser::at(&portal.backstage);
    browser.sign_in().await.unwrap();
    let error = browser.refresh().await.unwrap_err();
    assert!(error.contains("Missing session cookie"), "{error}");
}

#[tokio::test]
async fn a_misspelt_resolver_stops_the_start() {
    let oidc = Oidc::spawn().await;
    let mut sign_in = SignIn::documented("email", &oidc);
    sign_in.provider()["signIn"]["resolvers"][0]["resolver"] = json!("emailMatchingUserEntity");
    let setup = Setup {
        sign_in: Some(sign_in),
        ..Setup::default()
    };
    let message = "Sign-in resolver 'emailMatchingUserEntity' is not available";
    Site::free().await.fail(&setup, message).await;
}
