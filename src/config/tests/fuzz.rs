use proptest::prelude::*;

use super::*;

/// Pieces of configurations, put together at random.
const PIECES: [&str; 44] = [
    "catalog:",
    "providers:",
    "authentik:",
    "entityProvider:",
    "token: ",
    "baseUrl: ",
    "schedule:",
    "frequency: ",
    "timeout: ",
    "listen: ",
    "excludeGroups: ",
    "names: ",
    "minutes: 5",
    "cron: ",
    "$env: ",
    "$file: ",
    "$include: ",
    "app-config.yaml",
    "#a.b",
    "${A}",
    "${A:-b}",
    "$${",
    "${",
    "}",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "- ",
    "{",
    "[",
    "]",
    ", ",
    "'",
    "\"",
    "|",
    ">",
    "&a ",
    "*a",
    "!!str ",
    "<<: ",
    "~",
    "---\n",
    "\t",
];

fn soup() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..24)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_input_panics(soup in soup()) {
        let _ = load(&soup, &MINIMAL);
        let _ = load("", &[MINIMAL[0], MINIMAL[1], ("APP_CONFIG_entityProvider", &soup)]);
        let _ = load("", &[MINIMAL[0], MINIMAL[1], ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", &soup)]);
    }

    #[test]
    fn no_soup_after_the_token_shows_it(soup in soup()) {
        let yaml = authentik(&format!("token: {SECRET}{soup}"));
        if let Err(error) = load(&yaml, &MINIMAL[..1]) {
            prop_assert!(!format!("{error} {error:?}").contains(SECRET), "{:?}", error);
        }
    }

    #[test]
    fn no_file_panics_or_shows_the_token(noise in "[a-z:{}\\[\\]\"'&*!|>$ \n-]{0,40}") {
        let yaml = authentik(&format!("token: {SECRET}{noise}"));
        if let Err(error) = load(&yaml, &MINIMAL[..1]) {
            prop_assert!(!format!("{error} {error:?}").contains(SECRET), "{:?}", error);
        }
    }

    #[test]
    fn foreign_blocks_change_nothing(key in "[a-z]{1,8}", value in "\\PC{0,20}") {
        prop_assume!(key != "catalog");
        let foreign = serde_json::json!({ key: { "x": value, "$file": "${NONE}" } }).to_string();
        let yaml = format!("{},\"entityProvider\":{{\"concurrency\":9}}}}", &foreign[..foreign.len() - 1]);
        prop_assert_eq!(loaded(&yaml, &MINIMAL).service.concurrency, 9);
    }
}
