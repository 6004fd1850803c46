//! The steps of a check, each independent of a failed one wherever it can be.

use std::path::PathBuf;

use jiff::Timestamp;
use tokio::time::timeout;

use super::outcome::transformed;
use super::report::{Report, Status, Subject};
use crate::app::check_startable;
use crate::authentik::client::{Client, Introduction};
use crate::authentik::crawl::read_directory;
use crate::authentik::error::Error;
use crate::authentik::wire::{List, Listed};
use crate::clock::Clock;
use crate::config::{Config, Environment, time_zone};
use crate::counted::counted;
use crate::directory::{Directory, Group, User};
use crate::progress::Progress;

/// The first version of Authentik that this service is tested with.
const OLDEST: (u32, u32) = (2024, 2);
/// How far the clocks may be apart, in seconds; an answer's date has whole seconds.
const TOLERANCE: i64 = 60;
/// The steps behind the configuration.
const BEHIND_CONFIGURATION: [Subject; 9] = [
    Subject::Connection,
    Subject::Token,
    Subject::Version,
    Subject::Clock,
    Subject::ViewUser,
    Subject::ViewGroup,
    Subject::Reading,
    Subject::FullView,
    Subject::Findings,
];

/// Takes the steps one after another; nothing is published.
pub(super) async fn examine(
    files: &[PathBuf],
    env: &impl Environment,
    clock: Clock,
    progress: &Progress,
) -> Report {
    let mut report = Report::default();
    match Config::load(files, env) {
        Ok(config) => {
            configured(&mut report, files, &config, &clock);
            if let Some(directory) = authentik(&mut report, &config, clock, progress).await {
                transformed(&mut report, &config, &directory);
            }
        }
        Err(errors) => {
            let remedy = "correct it there; docs/configuration.md has every key";
            let trouble = (Subject::Configuration, Status::Failed, "configuration");
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            report.trouble(trouble, errors.join("; "), remedy);
        }
    }
    for subject in BEHIND_CONFIGURATION {
        if report.steps.iter().all(|step| step.subject != subject) {
            report.skip(subject, "a step before it failed");
        }
    }
    report
}

/// Says where the configuration comes from, and what looks like a mistake in it.
fn configured(report: &mut Report, files: &[PathBuf], config: &Config, clock: &Clock) {
    let names: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let source = if names.is_empty() {
        "variables alone".to_owned()
    } else {
        names.join(", ")
    };
    let start = match check_startable(&config.service, clock) {
        Ok(tls) => tls.and_then(|tls| tls.warning()),
        Err(error) => Some(format!("`serve` would not start: {error:#}")),
    };
    let zone = time_zone().err();
    let zone = zone.map(|error| format!("`serve` would not start: {error}"));
    let warnings = config.warnings.iter().cloned();
    let warnings: Vec<_> = warnings.chain(start).chain(zone).collect();
    if warnings.is_empty() {
        return report.fine(Subject::Configuration, format!("loaded from {source}"));
    }
    let message = format!("loaded from {source}; {}", warnings.join("; "));
    let remedy = "correct or remove what is named; docs/configuration.md has every key";
    report.trouble(
        (Subject::Configuration, Status::Warning, "configuration"),
        message,
        remedy,
    );
}

/// Asks Authentik, first for little and then for everything.
async fn authentik(
    report: &mut Report,
    config: &Config,
    clock: Clock,
    progress: &Progress,
) -> Option<Directory> {
    let client = match Client::new(config.client_settings(), clock.clone()) {
        Ok(client) => client,
        Err(error) => {
            let trouble = (Subject::Connection, Status::Failed, error.code());
            report.trouble(trouble, error.to_string(), error.remedy());
            return None;
        }
    };
    let introduction = match client.introduction().await {
        Ok(introduction) => introduction,
        Err(error) => {
            report.error(Subject::Connection, Status::Failed, &error);
            return None;
        }
    };
    report.fine(
        Subject::Connection,
        format!("{} answers", config.authentik.base_url),
    );
    introduced(report, &introduction);
    clocks(report, introduction.date, clock.now());
    if let Err(Error::Token { .. }) = introduction.version {
        return None;
    }
    let users = listed::<User>(report, Subject::ViewUser, &client).await;
    let groups = listed::<Group>(report, Subject::ViewGroup, &client).await;
    if users && groups {
        read(report, config, &client, progress).await
    } else {
        None
    }
}

/// What the answer says of the token and the version.
fn introduced(report: &mut Report, introduction: &Introduction) {
    match &introduction.version {
        Ok(version) => {
            report.fine(Subject::Token, "Authentik knows the token");
            judge(report, version);
        }
        Err(error @ Error::Token { .. }) => {
            report.error(Subject::Token, Status::Failed, error);
            report.skip(Subject::Version, "only a valid token is told the version");
        }
        Err(error) => {
            report.skip(
                Subject::Token,
                "the lists tell whether Authentik knows the token",
            );
            report.error(Subject::Version, Status::Warning, error);
        }
    }
}

/// Whether the version is supported.
fn judge(report: &mut Report, version: &str) {
    let (year, month) = OLDEST;
    match release(version) {
        Some(release) if release >= OLDEST => {
            report.fine(Subject::Version, format!("Authentik {version}"));
        }
        Some(_) => report.trouble(
            (Subject::Version, Status::Failed, "unsupported-version"),
            format!("Authentik {version} is older than {year}.{month}"),
            format!("update Authentik to {year}.{month} or later"),
        ),
        None => report.trouble(
            (Subject::Version, Status::Warning, "unknown-version"),
            format!("Authentik calls its version {version:?}, which says nothing about its age"),
            format!("make sure that it is {year}.{month} or later"),
        ),
    }
}

/// Year and month of a version such as `2026.5.0-rc1`.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// Whether both clocks agree.
fn clocks(report: &mut Report, theirs: Option<Timestamp>, ours: Timestamp) {
    let Some(theirs) = theirs else {
        return report.skip(Subject::Clock, "the answer has no date");
    };
    let distance = theirs.duration_since(ours).as_secs();
    if distance.abs() <= TOLERANCE {
        return report.fine(
            Subject::Clock,
            format!("at most {TOLERANCE} s apart from Authentik's"),
        );
    }
    let side = if distance > 0 { "ahead of" } else { "behind" };
    report.trouble(
        (Subject::Clock, Status::Warning, "clock-distance"),
        format!(
            "Authentik's clock is {} s {side} this machine's",
            distance.abs()
        ),
        "let both machines synchronise their clocks",
    );
}

/// Whether a list may be read at all, and is not empty.
async fn listed<Row: Listed>(report: &mut Report, subject: Subject, client: &Client) -> bool {
    let count = match client.page::<Row>(1).await {
        Ok(page) => page.map_or(0, |page| page.pagination.count),
        Err(error) => {
            report.error(subject, Status::Failed, &error);
            return false;
        }
    };
    match (Row::LIST, count) {
        (List::Users, 0) => {
            report.error(subject, Status::Failed, &Error::Empty);
            return false;
        }
        (List::Groups, 0) => report.trouble(
            (subject, Status::Warning, "no-groups"),
            "Authentik answers with an empty group list",
            "if there are groups, give the token's role the global permission `view_group`",
        ),
        (list, count) => {
            report.fine(
                subject,
                format!("Authentik lists {}", counted(count, &list.to_string())),
            );
        }
    }
    true
}

/// Reads both lists whole, as a run does.
async fn read(
    report: &mut Report,
    config: &Config,
    client: &Client,
    progress: &Progress,
) -> Option<Directory> {
    let (limit, kept) = (config.full_limit(), Directory::default());
    match timeout(
        limit.time,
        Box::pin(read_directory(client, &kept, progress)),
    )
    .await
    {
        Ok(Ok(directory)) => {
            report.fine(Subject::Reading, "both lists were read whole");
            return Some(directory);
        }
        Ok(Err(error)) => report.error(Subject::Reading, Status::Failed, &error),
        Err(_) => {
            let (done, total) = (progress.done(), progress.total());
            let (seconds, key) = (limit.time.as_secs_f64(), limit.key);
            report.trouble(
                (Subject::Reading, Status::Failed, "timeout"),
                format!(
                    "{done} of {} were read within {seconds} s (`{key}`)",
                    counted(total, "page")
                ),
                format!("raise `{key}`"),
            );
        }
    }
    None
}
