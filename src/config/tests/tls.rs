//! The section `entityProvider.tls`.

use super::*;

#[test]
fn certificate_and_key_come_together_or_not_at_all() {
    let whole = service("tls: {certFile: /a.crt, keyFile: /a.key}");
    let from_file = loaded(&whole, &MINIMAL).service;
    let variables = [
        MINIMAL[0],
        MINIMAL[1],
        ("ENTITY_PROVIDER_TLS_CERT_FILE", "/a.crt"),
        ("ENTITY_PROVIDER_TLS_KEY_FILE", "/a.key"),
    ];
    let expected = TlsConfig {
        cert_file: "/a.crt".into(),
        key_file: "/a.key".into(),
    };
    assert_eq!(from_file.tls, Some(expected.clone()));
    assert_eq!(loaded("", &variables).service.tls, Some(expected));
    assert_eq!(from_file.scheme(), "https");
    for none in ["tls:", "tls: {}"] {
        let plain = loaded(&service(none), &MINIMAL).service;
        assert_eq!((plain.tls.as_ref(), plain.scheme()), (None, "http"));
    }
}

#[test]
fn one_without_the_other_is_a_mistake() {
    for half in ["tls: {certFile: /a.crt}", "tls: {keyFile: /a.key}"] {
        let message = message(&service(half), &MINIMAL);
        assert!(
            message.contains("entityProvider.tls: expected `certFile` and `keyFile` together"),
            "{message}"
        );
    }
}
