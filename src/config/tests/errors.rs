//! All errors are in one list.

use super::*;

/// The messages of a configuration that must not start.
fn messages(yaml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let started = examined(yaml, variables).into_startable(|_, _| Vec::new());
    lines(&started.expect_err(yaml))
}

fn lines(errors: &ConfigErrors) -> Vec<String> {
    assert!(!format!("{errors} {errors:?}").contains(SECRET));
    errors.iter().map(ToString::to_string).collect()
}

/// Fails unless there is one message for each beginning, in this order.
fn assert_begins(messages: &[String], beginnings: &[&str]) {
    let is_begun = |(message, beginning): (&String, &&str)| message.starts_with(beginning);
    assert!(
        messages.len() == beginnings.len() && messages.iter().zip(beginnings).all(is_begun),
        "{messages:#?}"
    );
}

#[test]
fn every_error_of_a_start_is_listed() {
    let yaml = "
catalog: {providers: {authentik: {baseUrl: x, schedule: {timeout: 5, scope: x}, listen: y}}}
entityProvider: {names: x, port: 1, auth: {docs: x}, concurrency: '${NONE}', publicUrl: https://a}";
    let variables = [
        ("AUTHENTIK_TOKEN", SECRET),
        ("AUTHENTIK_TOKEN_FILE", "/nowhere"),
        ("ENTITY_PROVIDER_PAGE_SIZE", "0"),
        ("APP_CONFIG_entityProvider_maxAge", "null"),
    ];
    let beginnings = [
        "app-config.yaml: catalog.providers.authentik.listen: `listen` belongs to",
        "app-config.yaml: entityProvider.port: unknown key",
        "app-config.yaml: catalog.providers.authentik.baseUrl: this is not an absolute URL",
        "AUTHENTIK_TOKEN and AUTHENTIK_TOKEN_FILE are both set",
        "app-config.yaml: catalog.providers.authentik.schedule.timeout: `5` is a plain number",
        "app-config.yaml: catalog.providers.authentik.schedule.scope: expected",
        "app-config.yaml: entityProvider.auth.docs: expected",
        "app-config.yaml: entityProvider.names: expected",
        "app-config.yaml: entityProvider.concurrency: environment variable `NONE` is not set",
        "ENTITY_PROVIDER_PAGE_SIZE: expected a whole number",
        "APP_CONFIG_entityProvider_maxAge: null has no effect",
    ];
    assert_begins(&messages(yaml, &variables), &beginnings);
    let whole = load(yaml, &variables).unwrap_err().to_string();
    let (heading, list) = whole.split_once('\n').unwrap();
    assert_eq!(heading, "the configuration has 11 errors:");
    assert!(list.lines().all(|line| line.starts_with("  ")) && list.lines().count() == 11);
}

#[test]
fn what_the_first_start_lacks_is_one_list() {
    let beginnings = [
        "app-config.yaml: catalog.providers.authentik.baseUrl: not set",
        "app-config.yaml: catalog.providers.authentik.token: not set",
        "`entityProvider.auth.readTokens` is not set, but the service listens on 0.0.0.0:80",
    ];
    let listen = ("ENTITY_PROVIDER_LISTEN", "0.0.0.0:80");
    assert_begins(&messages("", &[listen]), &beginnings);
}

#[test]
fn a_start_without_errors_lists_what_cannot_be_used() {
    let tls = service("tls: {certFile: a.pem, keyFile: b.pem}");
    let started = examined(&tls, &MINIMAL).into_startable(|service, config| {
        assert!(service.tls.is_some() && config.is_some());
        vec!["cannot read a.pem".to_owned()]
    });
    assert_eq!(lines(&started.unwrap_err()), ["cannot read a.pem"]);
    let wrong = service("{tls: {certFile: a.pem}, drainDelay: 1}");
    let started = examined(&wrong, &[]).into_startable(|service, config| {
        assert!(service.tls.is_none() && config.is_none());
        Vec::new()
    });
    let beginnings = [
        "app-config.yaml: catalog.providers.authentik.baseUrl: not set",
        "app-config.yaml: catalog.providers.authentik.token: not set",
        "app-config.yaml: entityProvider.tls: expected `certFile` and `keyFile` together",
        "app-config.yaml: entityProvider.drainDelay: `1` is a plain number",
    ];
    assert_begins(&lines(&started.unwrap_err()), &beginnings);
}

#[test]
fn access_is_not_judged_by_what_is_wrong() {
    for line in [
        "{listen: '0.0.0.0:80', auth: {readTokens: [short]}}",
        "{listen: '0.0.0.0:80', auth: []}",
        "{listen: x, auth: {syncTokens: [zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz]}}",
    ] {
        let messages = messages(&service(line), &MINIMAL);
        let [message] = &messages[..] else {
            panic!("{line}: {messages:#?}")
        };
        assert!(message.starts_with("app-config.yaml: entityProvider."));
    }
}

#[test]
fn keys_of_a_broken_section_share_one_error() {
    for (yaml, expected) in [
        (
            "catalog: 5",
            "app-config.yaml: catalog: expected a mapping of keys to values, found `5`",
        ),
        (
            "entityProvider: {auth: [], shrinkGuard: {}}",
            "app-config.yaml: entityProvider.auth: expected a mapping of keys to values, found a list",
        ),
        (
            "entityProvider: {tls: true}",
            "app-config.yaml: entityProvider.tls: expected a mapping of keys to values, found `true`",
        ),
    ] {
        assert_eq!(messages(yaml, &MINIMAL), [expected]);
    }
}

#[test]
fn a_group_of_keys_lists_its_own_errors_too() {
    let line = "backstage: {baseUrl: x, token: 'a b'}";
    let beginnings = [
        "app-config.yaml: entityProvider.backstage.baseUrl: expected",
        "app-config.yaml: entityProvider.backstage.token: expected",
        "app-config.yaml: entityProvider.backstage: expected `baseUrl`, `token` and `locations` together",
    ];
    assert_begins(&messages(&service(line), &MINIMAL), &beginnings);
}

#[test]
fn a_file_that_cannot_be_read_hides_no_other_error_and_is_blamed_for_nothing_else() {
    let [good, bad] = [
        (
            "errors-a.yaml",
            service("{concurrency: 0, listen: '0.0.0.0:80'}"),
        ),
        ("errors-b.yaml", "a: [".to_owned()),
    ]
    .map(|(name, text)| Scratch::new(name, text));
    let files = ["/nowhere/a.yaml".into(), good.0.clone(), bad.0.clone()];
    let started = ParsedConfig::load(&files, &env(&[])).into_startable(|_, _| Vec::new());
    let beginnings = [
        "cannot read the configuration file /nowhere/a.yaml: ",
        &format!("{}: line 1, column ", bad.path()),
        &format!("{}: entityProvider.concurrency: expected", good.path()),
    ];
    assert_begins(&lines(&started.unwrap_err()), &beginnings);
}

#[test]
fn our_own_block_is_read_without_the_other_one() {
    let service = examined("catalog: 5\nentityProvider: {pageSize: 7}", &[]).into_service();
    assert_eq!(service.unwrap().page_size, 7);
}
