use super::*;

const READ: &str = "r3ad0123456789abcdef0123456789ab";

fn read_tokens(config: &Config) -> Vec<&str> {
    config
        .service
        .auth
        .read_tokens
        .iter()
        .map(ExposeSecret::expose_secret)
        .collect()
}

#[test]
fn tokens_come_from_values_variables_and_files() {
    let scratch = Scratch::new("read-tokens", format!("{READ}\n\n{SECRET}\n"));
    let yaml = |value: &str| service(&format!("auth: {{ readTokens: {value} }}"));
    let [name, file] = [
        "ENTITY_PROVIDER_AUTH_READ_TOKENS",
        "ENTITY_PROVIDER_AUTH_READ_TOKENS_FILE",
    ];
    let (both, json) = (
        format!("{READ}, {SECRET}"),
        format!("['{READ}', '{SECRET}']"),
    );
    let list = format!("[{READ}, {{ $env: OTHER }}]");
    for (yaml, variables) in [
        (yaml(&list), &[("OTHER", SECRET)][..]),
        (
            yaml(&format!("['{READ}', '${{OTHER}}']")),
            &[("OTHER", SECRET)],
        ),
        (yaml("'${BOTH}'"), &[("BOTH", &both)]),
        (yaml(&format!("{{ $file: {} }}", scratch.path())), &[]),
        (yaml("[zzzzzzzzzzzzzzzz]"), &[(name, &both)]),
        (String::new(), &[(name, &json)]),
        (String::new(), &[(file, scratch.path())]),
        (
            String::new(),
            &[("APP_CONFIG_entityProvider_auth_readTokens", &both)],
        ),
    ] {
        let config = loaded(&yaml, &[&MINIMAL, variables].concat());
        assert_eq!(read_tokens(&config), [READ, SECRET], "{yaml} {variables:?}");
        assert_eq!(config.warnings, Vec::<String>::new());
        assert!(!format!("{config:?}").contains(READ));
    }
}

#[test]
fn a_bad_token_is_named_by_its_place_and_never_repeated() {
    let place = "app-config.yaml: entityProvider.auth";
    for (line, expected) in [
        (
            format!("auth: {SECRET}"),
            ": expected a mapping of keys to values, found a string",
        ),
        (
            format!("auth: {{ readTokens: [{READ}, '{SECRET} x'] }}"),
            ".readTokens: token 2 has an invalid character",
        ),
        (
            format!("auth: {{ syncTokens: [{{ a: {SECRET} }}] }}"),
            ".syncTokens: token 1 is not a string",
        ),
        (
            "auth: { readTokens: '' }".to_owned(),
            ".readTokens: token 1 is empty",
        ),
        (
            format!("auth: {{ readToken: {SECRET} }}"),
            ".readToken: unknown key; did you mean `readTokens`?",
        ),
    ] {
        let error = message(&service(&line), &MINIMAL);
        assert!(
            error.starts_with(&format!("{place}{expected}")),
            "{line}: {error}"
        );
    }
    let empty = Scratch::new("no-read-tokens", "\n");
    assert!(
        message(
            "",
            &[
                MINIMAL[0],
                MINIMAL[1],
                ("ENTITY_PROVIDER_AUTH_READ_TOKENS_FILE", empty.path())
            ]
        )
        .starts_with("ENTITY_PROVIDER_AUTH_READ_TOKENS_FILE: token 1 is empty")
    );
}

#[test]
fn another_token_is_another_configuration() {
    let with = |read: &str, sync: &str| {
        loaded(
            &service(&format!(
                "auth: {{ readTokens: [{read}], syncTokens: [{sync}] }}"
            )),
            &MINIMAL,
        )
    };
    assert!(with(READ, SECRET).is_same(&with(READ, SECRET)));
    for (read, sync) in [
        (SECRET, READ),
        (READ, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"),
        ("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", SECRET),
        (READ, ""),
    ] {
        assert!(
            !with(READ, SECRET).is_same(&with(read, sync)),
            "{read} {sync}"
        );
    }
}
