//! The steps of a check. A step is skipped only if it needs the result of a failed one.

use std::path::PathBuf;

use jiff::Timestamp;
use tokio::time::timeout;

use super::outcome::check_entities;
use super::report::{Report, Status, Subject};
use crate::app::check_startable;
use crate::authentik::client::{Client, Introduction};
use crate::authentik::crawl::read_directory;
use crate::authentik::error::Error;
use crate::authentik::wire::{List, Listed};
use crate::clock::Clock;
use crate::cluster::database::{Database, SCHEMA};
use crate::config::{Config, Environment, time_zone};
use crate::counted::counted;
use crate::directory::{Directory, Group, User};
use crate::progress::Progress;

/// The oldest version of Authentik that this service is tested with.
const OLDEST: (u32, u32) = (2024, 2);
/// The maximum difference of the clocks in seconds. The `Date` header has whole seconds.
const TOLERANCE: i64 = 60;
/// The steps after the configuration.
const AFTER_CONFIGURATION: [Subject; 9] = [
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

/// Runs the steps one after another; publishes nothing.
pub(super) async fn run_steps(
    files: &[PathBuf],
    env: &impl Environment,
    clock: Clock,
    progress: &Progress,
) -> Report {
    let mut report = Report::default();
    match Config::load(files, env) {
        Ok(config) => {
            check_configuration(&mut report, files, &config, &clock);
            check_database(&mut report, &config).await;
            if let Some(directory) = check_authentik(&mut report, &config, clock, progress).await {
                check_entities(&mut report, &config, &directory);
            }
        }
        Err(errors) => {
            let remedy = "correct it there; docs/configuration.md has every key";
            let problem = (Subject::Configuration, Status::Failed, "configuration");
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            report.problem(problem, errors.join("; "), remedy);
        }
    }
    for subject in AFTER_CONFIGURATION {
        if report.steps.iter().all(|step| step.subject != subject) {
            report.skip(subject, "a previous step failed");
        }
    }
    report
}

/// Reports the sources of the configuration, and its warnings.
fn check_configuration(report: &mut Report, files: &[PathBuf], config: &Config, clock: &Clock) {
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
        return report.pass(Subject::Configuration, format!("loaded from {source}"));
    }
    let message = format!("loaded from {source}; {}", warnings.join("; "));
    let remedy = "correct or remove what is named; docs/configuration.md has every key";
    report.problem(
        (Subject::Configuration, Status::Warning, "configuration"),
        message,
        remedy,
    );
}

/// Reports whether the database that replicas share can be used; changes nothing there.
async fn check_database(report: &mut Report, config: &Config) {
    let Some(database) = config.shared_database() else {
        return;
    };
    let examined = match Database::at(&database.url) {
        Ok(database) => database.examine().await,
        Err(error) => Err(error),
    };
    match examined {
        Ok(true) => report.pass(
            Subject::Database,
            format!("the database answers, and has the schema `{SCHEMA}`"),
        ),
        Ok(false) => report.pass(
            Subject::Database,
            format!("the database answers; the first replica creates the schema `{SCHEMA}`"),
        ),
        Err(error) => report.problem(
            (Subject::Database, Status::Failed, error.code()),
            error.to_string(),
            "docs/replicas.md has the statements that prepare a database",
        ),
    }
}

/// Checks Authentik, with small requests first, and returns all rows.
async fn check_authentik(
    report: &mut Report,
    config: &Config,
    clock: Clock,
    progress: &Progress,
) -> Option<Directory> {
    let client = match Client::new(config.client_settings(), clock.clone()) {
        Ok(client) => client,
        Err(error) => {
            let problem = (Subject::Connection, Status::Failed, error.code());
            report.problem(problem, error.to_string(), error.remedy());
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
    report.pass(
        Subject::Connection,
        format!("{} answers", config.authentik.base_url),
    );
    check_token(report, &introduction);
    check_clocks(report, introduction.date, clock.now());
    if let Err(Error::Token { .. }) = introduction.version {
        return None;
    }
    let users = check_list::<User>(report, Subject::ViewUser, &client).await;
    let groups = check_list::<Group>(report, Subject::ViewGroup, &client).await;
    if users && groups {
        read(report, config, &client, progress).await
    } else {
        None
    }
}

/// Reports the token and the version.
fn check_token(report: &mut Report, introduction: &Introduction) {
    match &introduction.version {
        Ok(version) => {
            report.pass(Subject::Token, "Authentik knows the token");
            check_version(report, version);
        }
        Err(error @ Error::Token { .. }) => {
            report.error(Subject::Token, Status::Failed, error);
            report.skip(
                Subject::Version,
                "Authentik reports its version only to a valid token",
            );
        }
        Err(error) => {
            report.skip(
                Subject::Token,
                "the lists show whether Authentik knows the token",
            );
            report.error(Subject::Version, Status::Warning, error);
        }
    }
}

/// Reports whether the version is supported.
fn check_version(report: &mut Report, version: &str) {
    let (year, month) = OLDEST;
    match release(version) {
        Some(release) if release >= OLDEST => {
            report.pass(Subject::Version, format!("Authentik {version}"));
        }
        Some(_) => report.problem(
            (Subject::Version, Status::Failed, "unsupported-version"),
            format!("Authentik {version} is older than {year}.{month}"),
            format!("update Authentik to {year}.{month} or later"),
        ),
        None => report.problem(
            (Subject::Version, Status::Warning, "unknown-version"),
            format!("Authentik calls its version {version:?}, which has no year and month"),
            format!("make sure that it is {year}.{month} or later"),
        ),
    }
}

/// Returns year and month of a version such as `2026.5.0-rc1`.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// Reports whether both clocks agree.
fn check_clocks(report: &mut Report, theirs: Option<Timestamp>, ours: Timestamp) {
    let Some(theirs) = theirs else {
        return report.skip(Subject::Clock, "the answer has no date");
    };
    let distance = theirs.duration_since(ours).as_secs();
    if distance.abs() <= TOLERANCE {
        return report.pass(
            Subject::Clock,
            format!("at most {TOLERANCE} s apart from Authentik's"),
        );
    }
    let side = if distance > 0 { "ahead of" } else { "behind" };
    report.problem(
        (Subject::Clock, Status::Warning, "clock-distance"),
        format!(
            "Authentik's clock is {} s {side} this machine's",
            distance.abs()
        ),
        "let both machines synchronise their clocks",
    );
}

/// Reports whether a list can be read and is not empty; returns false if it cannot.
async fn check_list<Row: Listed>(report: &mut Report, subject: Subject, client: &Client) -> bool {
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
        (List::Groups, 0) => report.problem(
            (subject, Status::Warning, "no-groups"),
            "Authentik answers with an empty group list",
            "if there are groups, give the token's role the global permission `view_group`",
        ),
        (list, count) => {
            report.pass(
                subject,
                format!("Authentik lists {}", counted(count, &list.to_string())),
            );
        }
    }
    true
}

/// Reads both lists completely, as a run does.
async fn read(
    report: &mut Report,
    config: &Config,
    client: &Client,
    progress: &Progress,
) -> Option<Directory> {
    let (limit, previous) = (config.full_limit(), Directory::default());
    match timeout(
        limit.time,
        Box::pin(read_directory(client, &previous, progress)),
    )
    .await
    {
        Ok(Ok(directory)) => {
            report.pass(Subject::Reading, "both lists were read completely");
            return Some(directory);
        }
        Ok(Err(error)) => report.error(Subject::Reading, Status::Failed, &error),
        Err(_) => {
            let (done, total) = (progress.done(), progress.total());
            let (seconds, key) = (limit.time.as_secs_f64(), limit.key);
            report.problem(
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
