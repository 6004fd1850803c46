//! What the manual says beyond the flags: variables, files, exit codes and signals.

use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::config::variables;

/// Variables that are no key of the configuration.
const OTHER_VARIABLES: [(&str, &str); 6] = [
    (
        "APP_CONFIG_*",
        "One key of an `app-config.yaml`, as Backstage reads it. Each of the variables above wins over it.",
    ),
    (
        "RUST_LOG",
        "How much is logged: `error`, `warn`, `info` (the default), `debug` or `trace`.",
    ),
    (
        "STATE_DIRECTORY, XDG_STATE_HOME, HOME",
        "Where the last snapshot is stored without `ENTITY_PROVIDER_STATE_DIR`; see FILES.",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
        "The proxy between this program and Authentik, and the hosts that are reached without it.",
    ),
    (
        "TZ",
        "The time zone of a `cron` frequency; without it that of the system.",
    ),
    ("NO_COLOR", "Any text turns the colours of `check` off."),
];

const FILES: [(&str, &str); 3] = [
    (
        "app-config.yaml",
        "Backstage's configuration, read with `--config`; `catalog.providers.authentik` and `entityProvider` \
         are read, and files that these blocks include.",
    ),
    (
        "$STATE_DIRECTORY, or $XDG_STATE_HOME/authentik-entity-provider, or \
         ~/.local/state/authentik-entity-provider",
        "The directory of the last snapshot, with which a restarted service begins. `stateDir` names another \
         one, or none. The file has personal data and is for its owner alone.",
    ),
    (
        "FILE of --output",
        "Replaced as a whole once everything is known; a new file is for its owner alone.",
    ),
];

const EXIT_STATUS: [(&str, &str); 4] = [
    (
        "0",
        "The command succeeded. `check`: no step failed. `diff`: there is no difference. `healthcheck`: the \
         service is ready. `serve` and `demo`: a signal ended the service in an orderly way.",
    ),
    (
        "1",
        "The command failed; standard error says why. `check`: a step failed. `diff`: there is a difference. \
         `healthcheck`: the service is not ready.",
    ),
    (
        "2",
        "The command line is wrong. `diff`: the comparison cannot be made.",
    ),
    ("130", "A second signal ended the service at once."),
];

const SIGNALS: [(&str, &str); 2] = [
    (
        "SIGTERM, SIGINT",
        "`serve` and `demo` end: a run under way is dropped, requests are answered for `drainDelay`, and those \
         under way have `drainTimeout` to end. A second one ends the program at once.",
    ),
    (
        "SIGHUP",
        "`serve` reads its configuration and certificates again. If they are invalid, the ones before stay in use.",
    ),
];

/// The sections for the page of the program.
pub(super) fn of_program() -> Roff {
    let mut page = Roff::new();
    let own = variables();
    let others = OTHER_VARIABLES.map(|(name, says)| (name.to_owned(), says));
    section(&mut page, "ENVIRONMENT", own.chain(others));
    let owned = |(name, says): (&str, &'static str)| (name.to_owned(), says);
    section(&mut page, "FILES", FILES.map(owned));
    section(&mut page, "EXIT STATUS", EXIT_STATUS.map(owned));
    section(&mut page, "SIGNALS", SIGNALS.map(owned));
    page
}

/// The section of a command's page that leads to the others.
pub(super) fn of_command(program: &str) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold(program),
        roman("(1) has the environment, files, exit status and signals."),
    ]);
    page
}

/// A section with a paragraph for each thing.
fn section(page: &mut Roff, title: &str, things: impl IntoIterator<Item = (String, &'static str)>) {
    page.control("SH", [title]);
    for (name, says) in things {
        page.control("TP", []);
        page.text([bold(name)]);
        page.text(marked(says));
    }
}

/// A text in which what stands between backticks is bold.
fn marked(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 0 { roman(part) } else { bold(part) })
        .collect()
}
