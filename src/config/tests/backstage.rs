//! The section `entityProvider.backstage`.

use secrecy::ExposeSecret;

use super::*;

const SECTION: &str = "backstage: {baseUrl: 'https://backstage.example.com/base/', token: s3cret0123456789s3cret0123456789, \
                       locations: ['http://e:8080/entities', 'http://e:8080/locations?shards=4']}";

#[test]
fn it_is_read_whole_from_a_file_and_from_variables() {
    let from_file = loaded(&service(SECTION), &MINIMAL)
        .service
        .backstage
        .unwrap();
    let variables = [
        MINIMAL[0],
        MINIMAL[1],
        (
            "ENTITY_PROVIDER_BACKSTAGE_BASE_URL",
            "https://backstage.example.com/base/",
        ),
        ("ENTITY_PROVIDER_BACKSTAGE_TOKEN", SECRET),
        (
            "ENTITY_PROVIDER_BACKSTAGE_LOCATIONS",
            "http://e:8080/entities, http://e:8080/locations?shards=4",
        ),
    ];
    let from_variables = loaded("", &variables).service.backstage.unwrap();
    assert_eq!(from_file.token.expose_secret(), SECRET);
    assert_eq!(from_file.locations.len(), 2);
    assert_eq!(format!("{from_file:?}"), format!("{from_variables:?}"));
    assert!(!format!("{from_file:?}").contains(SECRET));
}

#[test]
fn without_it_no_backstage_is_notified() {
    assert!(loaded("", &MINIMAL).service.backstage.is_none());
    assert!(
        loaded(&service("backstage:"), &MINIMAL)
            .service
            .backstage
            .is_none()
    );
}

#[test]
fn a_mistake_in_it_is_named_with_its_key() {
    let whole = |from: &str, to: &str| message(&service(&SECTION.replace(from, to)), &MINIMAL);
    for (from, to, expected) in [
        (
            ", token: s3cret0123456789s3cret0123456789",
            "",
            "backstage: expected `baseUrl`, `token` and `locations` together",
        ),
        (
            "https://backstage.example.com/base/",
            "backstage",
            "backstage.baseUrl: expected the http or https URL",
        ),
        (
            "s3cret0123456789s3cret0123456789",
            "'s3cret0123456789 s3cret0123456789'",
            "backstage.token: expected a token",
        ),
        (
            "['http://e:8080/entities', 'http://e:8080/locations?shards=4']",
            "[]",
            "expected at least one target",
        ),
        (
            "http://e:8080/entities",
            "http://e:8080/",
            "entry 1: expected a URL whose path ends in `/entities`",
        ),
        ("shards=4", "shards=5", "entry 2: the parameter `shards`"),
    ] {
        let message = whole(from, to);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn another_token_is_another_configuration() {
    let [one, other] = ["s3cret0123456789s3cret0123456789", "t0ken0123456789"]
        .map(|token| loaded(&service(&SECTION.replace(SECRET, token)), &MINIMAL));
    assert!(one.is_same(&one.clone()) && !one.is_same(&other));
}
