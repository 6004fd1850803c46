use super::*;

#[test]
fn a_missing_value_tells_both_ways_to_set_it() {
    assert_eq!(
        message("", &MINIMAL[1..]),
        "app-config.yaml: catalog.providers.authentik.baseUrl: not set; set it in the configuration file \
         or in the environment variable AUTHENTIK_BASE_URL"
    );
    assert_eq!(
        Config::load(&[], &env(&MINIMAL[..1]))
            .unwrap_err()
            .to_string(),
        "catalog.providers.authentik.token: not set; set it in the configuration file \
         or in the environment variable AUTHENTIK_TOKEN (or AUTHENTIK_TOKEN_FILE)"
    );
}

#[test]
fn a_token_file_gives_the_token_trimmed() {
    let scratch = Scratch::new("token", format!("\n {SECRET}\r\n"));
    let variables = [MINIMAL[0], ("AUTHENTIK_TOKEN_FILE", scratch.path())];
    assert_eq!(
        loaded("", &variables).authentik.token.expose_secret(),
        SECRET
    );
    let with_empty = [variables[0], variables[1], ("AUTHENTIK_TOKEN", "")];
    assert_eq!(
        loaded("", &with_empty).authentik.token.expose_secret(),
        SECRET
    );
}

#[test]
fn white_space_around_a_token_does_not_count_wherever_it_comes_from() {
    let spaced = format!(" {SECRET}\r\n");
    let url = MINIMAL[0];
    for (yaml, variable) in [
        (String::new(), ("AUTHENTIK_TOKEN", spaced.as_str())),
        (
            String::new(),
            ("APP_CONFIG_catalog_providers_authentik_token", &spaced),
        ),
        (authentik("token: '${TOKEN}'"), ("TOKEN", &spaced)),
        (authentik("token: { $env: TOKEN }"), ("TOKEN", &spaced)),
        (authentik(&format!("token: |\n        {SECRET}")), url),
        (authentik(&format!("token: \"{SECRET}\\n\"")), url),
    ] {
        let config = loaded(&yaml, &[url, variable]);
        assert_eq!(config.authentik.token.expose_secret(), SECRET, "{yaml}");
    }
    let backstage =
        service("backstage: { baseUrl: 'https://b', locations: ['https://a/entities'] }");
    let token = ("ENTITY_PROVIDER_BACKSTAGE_TOKEN", spaced.as_str());
    let config = loaded(&backstage, &[MINIMAL[0], MINIMAL[1], token]);
    let token = config.service.backstage.unwrap().token;
    assert_eq!(token.expose_secret(), SECRET);
}

#[test]
fn a_bad_token_file_is_named() {
    let missing = message(
        "",
        &[MINIMAL[0], ("AUTHENTIK_TOKEN_FILE", "/nowhere/token")],
    );
    assert!(
        missing.starts_with("AUTHENTIK_TOKEN_FILE: cannot read /nowhere/token: "),
        "{missing}"
    );
    assert!(
        missing.ends_with("; check the path and its permissions"),
        "{missing}"
    );
    let empty = Scratch::new("empty-token", "\n");
    assert_eq!(
        message("", &[MINIMAL[0], ("AUTHENTIK_TOKEN_FILE", empty.path())]),
        "AUTHENTIK_TOKEN_FILE: the token is empty; create one in Authentik under Directory, Tokens and App passwords"
    );
    let two = Scratch::new("two-tokens", format!("{SECRET}\n{SECRET}\n"));
    assert_eq!(
        message("", &[MINIMAL[0], ("AUTHENTIK_TOKEN_FILE", two.path())]),
        "AUTHENTIK_TOKEN_FILE: the token contains white space or a character that is not ASCII; \
         set only the token, on one line"
    );
}

#[test]
fn a_bad_token_is_refused_and_never_repeated() {
    let place = "app-config.yaml: catalog.providers.authentik.token";
    let not_text = "expected the token as a string; put it in quotes";
    let characters = "the token contains white space or a character that is not ASCII; set only the token, on one line";
    for (value, expected) in [
        (format!("[{SECRET}]"), not_text),
        (format!("{{a: {SECRET}}}"), not_text),
        ("123456789".to_owned(), not_text),
        ("true".to_owned(), not_text),
        (format!("'{SECRET} x'"), characters),
        (format!("\"{SECRET}\\nx\""), characters),
        (format!("|\n        {SECRET}\n        x"), characters),
        (
            "''".to_owned(),
            "the token is empty; create one in Authentik under Directory, Tokens and App passwords",
        ),
        (
            format!("Bearer {SECRET}"),
            "the token starts with `Bearer `; remove that word",
        ),
    ] {
        let error = message(&authentik(&format!("token: {value}")), &MINIMAL[..1]);
        assert_eq!(error, format!("{place}: {expected}"));
        assert!(!error.contains("123456789"), "{error}");
    }
    assert_eq!(
        message(
            "",
            &[MINIMAL[0], ("AUTHENTIK_TOKEN", &format!("Bearer {SECRET}"))]
        ),
        "AUTHENTIK_TOKEN: the token starts with `Bearer `; remove that word"
    );
}

#[test]
fn nothing_printed_shows_the_token() {
    let config = Config::load(&[], &env(&MINIMAL)).unwrap();
    assert!(!format!("{config:?} {config:#?}").contains(SECRET));
}
