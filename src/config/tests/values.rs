use super::*;

#[test]
fn a_base_url_is_checked_where_it_was_given() {
    assert_eq!(
        message(&authentik("baseUrl: authentik"), &MINIMAL[1..]),
        "app-config.yaml: catalog.providers.authentik.baseUrl: this is not an absolute URL; \
         expected something like `https://authentik.example.com`"
    );
    assert_eq!(
        message(
            "",
            &[("AUTHENTIK_BASE_URL", "ftp://a.example.com"), MINIMAL[1]]
        ),
        "AUTHENTIK_BASE_URL: scheme `ftp` cannot be used; expected `http` or `https`"
    );
    assert_eq!(
        message(&authentik("baseUrl: ''"), &MINIMAL[1..]),
        "app-config.yaml: catalog.providers.authentik.baseUrl: expected a string that is not empty"
    );
}

#[test]
fn a_bad_value_in_backstages_block_is_named_by_its_whole_key() {
    for (line, expected) in [
        (
            "includeServiceAccounts: maybe",
            "includeServiceAccounts: expected `true` or `false`, found `maybe`",
        ),
        (
            "excludeGroups: [a, 7]",
            "excludeGroups[1]: expected a string, found `7`; put it in quotes",
        ),
        (
            "excludeGroups: {a: b}",
            "excludeGroups: expected a list of strings such as `[\"akadmin\"]`, found a mapping",
        ),
        (
            "schedule: 30m",
            "schedule: expected a mapping of keys to values, found a string",
        ),
        (
            "schedule: {scope: cluster}",
            "schedule.scope: expected `global` or `local`, found `cluster`",
        ),
        (
            "schedule: {scope: [local]}",
            "schedule.scope: expected a string, found a list",
        ),
        (
            "schedule: {frequency: 30}",
            "schedule.frequency: `30` is a plain number; try adding a unit, as in `30m` or `{minutes: 30}`",
        ),
        (
            "schedule: {frequency: {minutes: 0}}",
            "schedule.frequency: must be longer than zero; expected something like `{minutes: 30}`",
        ),
        (
            "schedule: {timeout: 0s}",
            "schedule.timeout: must be longer than zero; expected something like `{minutes: 30}`",
        ),
        (
            "schedule: {timeout: {cron: '* * * * *'}}",
            "schedule.timeout: `cron` works for `frequency` only; expected a duration such as `{minutes: 3}`",
        ),
        (
            "schedule: {initialDelay: {trigger: manual}}",
            "schedule.initialDelay: `trigger` works for `frequency` only; \
             expected a duration such as `{minutes: 3}`",
        ),
    ] {
        let error = message(&authentik(line), &MINIMAL);
        assert_eq!(
            error,
            format!("app-config.yaml: catalog.providers.authentik.{expected}")
        );
    }
}

#[test]
fn a_bad_value_in_our_block_is_named_by_its_whole_key() {
    let address = "is not an address to listen on; expected an IP address and a port, such as";
    let url = "expected an http or https URL without user, query, fragment and `*`, \
               such as `https://entities.example.com`";
    for (line, expected) in [
        ("listen: 8081", format!("listen: `8081` {address} `127.0.0.1:8081` or `0.0.0.0:8081`")),
        ("listen: ':8081'", format!("listen: `:8081` {address} `127.0.0.1:8081` or `0.0.0.0:8081`")),
        ("listen: 127.0.0.1", format!("listen: `127.0.0.1` {address} `127.0.0.1:8080` or `0.0.0.0:8080`")),
        ("listen: host:80", format!("listen: `host:80` {address} `127.0.0.1:80` or `0.0.0.0:80`")),
        ("listen: []", format!("listen: a list {address} `127.0.0.1:8080` or `0.0.0.0:8080`")),
        ("publicUrl: entities", format!("publicUrl: {url}")),
        ("publicUrl: ftp://a.example.com", format!("publicUrl: {url}")),
        ("publicUrl: https://a:s3cret0123456789@b", format!("publicUrl: {url}")),
        ("publicUrl: https://a.example.com/?a=b", format!("publicUrl: {url}")),
        ("publicUrl: https://a.example.com/all/*", format!("publicUrl: {url}")),
        (
            "trustedProxies: [10.0.0.0/33]",
            "trustedProxies: expected IP networks or addresses such as `10.0.0.0/8` or `::1`, found `10.0.0.0/33`"
                .into(),
        ),
        (
            "locationPrefix: -a",
            "locationPrefix: expected at most 44 of the characters `A-Z a-z 0-9 - _ .`, \
             the first one a letter or digit, found `-a`"
                .into(),
        ),
        ("names: npm", "names: expected `npm-module`, `backstage` or `slug`, found `npm`".into()),
        ("concurrency: 0", "concurrency: expected a whole number from 1 to 32, found `0`".into()),
        ("concurrency: 33", "concurrency: expected a whole number from 1 to 32, found `33`".into()),
        ("pageSize: 101", "pageSize: expected a whole number from 1 to 100, found `101`".into()),
        ("pageSize: many", "pageSize: expected a whole number from 1 to 100, found `many`".into()),
        (
            "requestTimeout: 0s",
            "requestTimeout: must be longer than zero; expected something like `{minutes: 30}`".into(),
        ),
        (
            "drainDelay: 5",
            "drainDelay: `5` is a plain number; try adding a unit, as in `30m` or `{minutes: 30}`".into(),
        ),
        (
            "stateDir: state",
            "stateDir: expected an absolute path such as `/var/lib/authentik-entity-provider`, or `false`, \
             found `state`"
                .into(),
        ),
        ("maxAge: 0s", "maxAge: must be longer than zero; expected something like `{minutes: 30}`".into()),
        (
            "port: 80",
            format!("port: unknown key; expected one of {}", keys::listed(&keys::children(keys::SERVICE))),
        ),
        (
            "shrinkGuard: { percent: 0 }",
            "shrinkGuard.percent: expected a whole number from 1 to 100, found `0`".into(),
        ),
        (
            "shrinkGuard: { percents: 10 }",
            "shrinkGuard.percents: unknown key; did you mean `percent`?".into(),
        ),
        ("listn: x", "listn: unknown key; did you mean `listen`?".into()),
        ("pagesize: 5", "pagesize: unknown key; did you mean `pageSize`?".into()),
        ("baseUrl: x", "baseUrl: `baseUrl` belongs to `catalog.providers.authentik`; move it there".into()),
    ] {
        assert_eq!(message(&service(line), &MINIMAL), format!("app-config.yaml: entityProvider.{expected}"));
    }
}

#[test]
fn the_listen_address_may_be_v6_or_localhost() {
    for (line, expected) in [
        ("listen: localhost:9000", "127.0.0.1:9000"),
        ("listen: '[::]:9000'", "[::]:9000"),
        ("listen: 127.0.0.1:0", "127.0.0.1:0"),
    ] {
        assert_eq!(
            loaded(&service(line), &MINIMAL).service.listen.to_string(),
            expected
        );
    }
}

#[test]
fn the_public_url_loses_its_trailing_slashes() {
    for (given, expected) in [
        ("https://a.example.com", "https://a.example.com"),
        ("https://a.example.com/", "https://a.example.com"),
        (
            "http://A.example.com:8080/x//",
            "http://a.example.com:8080/x",
        ),
    ] {
        let config = loaded(&service(&format!("publicUrl: {given}")), &MINIMAL);
        assert_eq!(config.service.public_url.as_deref(), Some(expected));
    }
}
