//! Sections of the manual besides the flags: variables, files, exit codes and signals.

use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::config::variables;

/// Variables that are not keys of the configuration.
const OTHER_VARIABLES: [(&str, &str); 6] = [
    (
        "APP_CONFIG_*",
        "One key of an `app-config.yaml`, as Backstage reads it. The variables above override it.",
    ),
    (
        "RUST_LOG",
        "The log level: `error`, `warn`, `info` (the default), `debug` or `trace`.",
    ),
    (
        "STATE_DIRECTORY, XDG_STATE_HOME, HOME",
        "The directory of the last snapshot without `ENTITY_PROVIDER_STATE_DIR`; see FILES.",
    ),
    (
        "HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
        "The proxy for requests to Authentik, and the hosts for which it is not used.",
    ),
    (
        "TZ",
        "The time zone of a `cron` frequency; without it that of the system.",
    ),
    ("NO_COLOR", "Any value turns off the colours of `check`."),
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
        "The directory of the last snapshot, which a restarted service loads. `stateDir` sets another \
         directory, or none. The file contains personal data and is readable by its owner only.",
    ),
    (
        "FILE of --output",
        "Replaced atomically at the end; a new file is readable by its owner only.",
    ),
];

const EXIT_STATUS: [(&str, &str); 4] = [
    (
        "0",
        "The command succeeded. `check`: no step failed. `diff`: there is no difference. `healthcheck`: the \
         service is ready. `serve` and `demo`: a signal ended the service.",
    ),
    (
        "1",
        "The command failed, for a reason on standard error. `check`: a step failed. `diff`: there is a difference. \
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
        "`serve` and `demo` end: a run in progress is cancelled, new requests are answered for `drainDelay`, and \
         requests in progress get `drainTimeout` to end. A second signal ends the program at once.",
    ),
    (
        "SIGHUP",
        "`serve` reloads its configuration and certificates. If they are invalid, the previous ones stay in effect.",
    ),
];

/// Returns the sections for the page of the program.
pub(super) fn of_program() -> Roff {
    let mut page = Roff::new();
    let owned = |(name, text): (&str, &'static str)| (name.to_owned(), text);
    let own = variables();
    let others = OTHER_VARIABLES.map(owned);
    section(&mut page, "ENVIRONMENT", own.chain(others));
    section(&mut page, "FILES", FILES.map(owned));
    section(&mut page, "EXIT STATUS", EXIT_STATUS.map(owned));
    section(&mut page, "SIGNALS", SIGNALS.map(owned));
    page
}

/// Returns the section of a command's page that refers to the others.
pub(super) fn of_command(program: &str) -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold(program),
        roman("(1) has the environment, files, exit status and signals."),
    ]);
    page
}

/// Adds a section with a paragraph for each entry.
fn section(
    page: &mut Roff,
    title: &str,
    entries: impl IntoIterator<Item = (String, &'static str)>,
) {
    page.control("SH", [title]);
    for (name, text) in entries {
        page.control("TP", []);
        page.text([bold(name)]);
        page.text(marked(text));
    }
}

/// Returns a text in which words between backticks are bold.
fn marked(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 0 { roman(part) } else { bold(part) })
        .collect()
}
