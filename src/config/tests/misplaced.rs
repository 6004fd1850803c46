//! Our blocks in the wrong place.

use super::*;

const MOVE: &str = "this block has no effect here; move its keys to";

fn messages(yaml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let errors = load(yaml, variables).expect_err(yaml);
    assert!(!format!("{errors} {errors:?}").contains(SECRET));
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn our_block_in_another_spelling_or_level_is_an_error() {
    for (yaml, place) in [
        ("entityprovider: {pageSize: 5}", "entityprovider"),
        ("entity-provider: {page_size: 5}", "entity-provider"),
        ("entity_provider:", "entity_provider"),
        ("EntityProvider: {}", "EntityProvider"),
        ("entityProviders: {pageSize: 5}", "entityProviders"),
        (
            "backend: {entityProvider: {pageSize: 5}}",
            "backend.entityProvider",
        ),
        (
            "catalog: {entityProvider: {pageSize: 5}}",
            "catalog.entityProvider",
        ),
        (
            "catalog: {providers: {entity-provider: {pageSize: 5}}}",
            "catalog.providers.entity-provider",
        ),
        (
            "entityProvider: {entityProvider: {pageSize: 5}}",
            "entityProvider.entityProvider",
        ),
        (
            "entityProvider: {default: {listen: x, auth: {}}}",
            "entityProvider.default",
        ),
        (
            "catalog: {providers: {authentik: {entityProvider: {pageSize: 5}}}}",
            "catalog.providers.authentik.entityProvider",
        ),
    ] {
        assert_eq!(
            messages(yaml, &MINIMAL),
            [format!("{FILE}: {place}: {MOVE} `entityProvider`")],
            "{yaml}"
        );
    }
}

#[test]
fn backstages_block_in_a_wrong_place_is_an_error_that_explains_what_is_missing() {
    let keys = format!("{{baseUrl: 'https://a.example.com', token: {SECRET}}}");
    for (above, below, place) in [
        ("authentik: ", "", "authentik"),
        ("Authentik: ", "", "Authentik"),
        ("catalog: {authentik: ", "}", "catalog.authentik"),
        ("providers: {authentik: ", "}", "providers.authentik"),
        (
            "catalog: {provider: {authentik: ",
            "}}",
            "catalog.provider.authentik",
        ),
        (
            "catalog: {providers: {Authentik: ",
            "}}",
            "catalog.providers.Authentik",
        ),
        (
            "catalog: {providers: {authentic: ",
            "}}",
            "catalog.providers.authentic",
        ),
        (
            "backend: {catalog: {providers: {authentik: ",
            "}}}",
            "backend.catalog.providers.authentik",
        ),
        (
            "entityProvider: {authentik: ",
            "}",
            "entityProvider.authentik",
        ),
    ] {
        assert_eq!(
            messages(&format!("{above}{keys}{below}"), &[]),
            [format!(
                "{FILE}: {place}: {MOVE} `catalog.providers.authentik`"
            )]
        );
    }
    let yaml = format!("entityProvider: {{catalog: {{providers: {{authentik: {keys}}}}}}}");
    assert_eq!(
        messages(&yaml, &MINIMAL),
        [format!(
            "{FILE}: entityProvider.catalog: {MOVE} `catalog.providers.authentik`"
        )]
    );
}

#[test]
fn one_process_reads_one_authentik() {
    let yaml = authentik(&format!(
        "{{default: {{baseUrl: 'https://a.example.com', token: {SECRET}}}, test: {{schedule: {{}}}}}}"
    ));
    let expected = ["default", "test"].map(|name| {
        format!(
            "{FILE}: catalog.providers.authentik.{name}: one process reads one Authentik; move these keys up \
             to `catalog.providers.authentik`, and run another process for each other Authentik"
        )
    });
    assert_eq!(messages(&yaml, &[]), expected);
}

#[test]
fn a_misplaced_block_leaves_open_who_may_read() {
    let yaml = "entityprovider: {auth: {readTokens: [zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz]}}";
    let listen = ("ENTITY_PROVIDER_LISTEN", "0.0.0.0:80");
    let started =
        examined(yaml, &[MINIMAL[0], MINIMAL[1], listen]).into_startable(|_, _| Vec::new());
    assert_eq!(started.unwrap_err().iter().count(), 1);
}

#[test]
fn the_same_names_in_blocks_of_others_are_theirs() {
    for yaml in [
        "auth: {providers: {authentik: {development: {clientId: x, clientSecret: y}}}}",
        "proxy: {endpoints: {/authentik: {target: 'https://a', headers: {token: x}}}}",
        "integrations: {authentik: [{baseUrl: x, token: y}]}",
        "authentik: https://a.example.com",
        "app: {extensions: [{entityProvider: {names: x}}], support: {entityProvider: true}}",
        "a: {b: {c: {d: {e: {entityProvider: {names: x}}}}}}",
        // Another plugin's, since variables give all of it.
        "authentik: {baseUrl: x, token: y}",
    ] {
        assert!(loaded(yaml, &MINIMAL).warnings.is_empty(), "{yaml}");
    }
    let both = format!(
        "authentik: {{schedule: x}}\n{}",
        authentik("excludeGroups: []")
    );
    loaded(&both, &MINIMAL);
    let lost = "authentik: {baseUrl: x, token: y, schedule: {}}";
    assert_eq!(messages(lost, &MINIMAL).len(), 1);
}

#[test]
fn what_others_write_around_it_hides_no_misplaced_block() {
    let foreign = "
app: &app {title: x}
backend:
  <<: *app
  database: {connection: !Custom {password: x}}
  limits: [.inf, .nan, 0755, 123456789012345678901234567890]
  ~: null key
  ? [complex, key]
  : value
  5: five
entityprovider: {pageSize: 5}";
    assert_eq!(messages(foreign, &MINIMAL).len(), 1);
}

#[test]
fn a_variable_of_backstages_form_may_be_misplaced_too() {
    for (variable, value, place, owner) in [
        (
            "APP_CONFIG_entityprovider_listen",
            "5",
            "entityprovider",
            "entityProvider",
        ),
        (
            "APP_CONFIG_ENTITYPROVIDER_LISTEN",
            "5",
            "ENTITYPROVIDER",
            "entityProvider",
        ),
        (
            "APP_CONFIG_catalog_authentik",
            "{\"schedule\": {}}",
            "catalog.authentik",
            "catalog.providers.authentik",
        ),
    ] {
        let variables = [MINIMAL[0], MINIMAL[1], (variable, value)];
        assert_eq!(
            messages("", &variables),
            [format!("{variable}: {place}: {MOVE} `{owner}`")]
        );
    }
}
