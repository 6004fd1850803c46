//! Cost of mapped fields and of transitive membership: `cargo bench --bench shape -- --users 50000`.
//!
//! Three services read one fake Authentik, in whose directory every user and group has attributes
//! and the groups form chains of six levels. After each edit all of them sync; only the ratios of
//! their times to those of the service without options are of interest.

use std::net::Ipv4Addr;

use clap::Parser;
use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{FakeProcess, Service, seconds};

mod support;

/// Levels of groups, one below the other.
const DEPTH: usize = 6;
/// A number of clock ticks of one second, longer than the service's overlap.
const LONG: usize = 700;

#[derive(Parser)]
struct Options {
    /// Users in the directory
    #[arg(long, default_value_t = 50_000)]
    users: usize,
    /// Full syncs, and then edits
    #[arg(long, default_value_t = 8)]
    rounds: usize,
    /// Only serve the fake Authentik
    #[arg(long, hide = true)]
    fake: bool,
    /// The flag that `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if options.fake {
        serve(options.users).await
    } else {
        measure(&options).await
    }
}

/// Serves the fake Authentik, and renames a user for each line of the standard input.
async fn serve(users: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}", listener.local_addr()?);
    let fake = FakeAuthentik::new(Release::V2026_5, directory(users)).with_directory_time();
    fake.edit(edit);
    tokio::spawn(axum::serve(listener, fake.router()).into_future());
    tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lines() {
            line?;
            fake.edit(edit);
            println!("{{}}");
        }
        Ok(())
    })
    .await?
}

/// Renames a user, after a time that is longer than the service's overlap.
fn edit(directory: &mut FakeDirectory) {
    for _ in 0..LONG {
        directory.tick();
    }
    let pk = directory.users()[directory.users().len() / 3].pk;
    directory.edit_user(pk, |user| user.name.push('!'));
}

/// A directory with attributes everywhere, and with chains of groups.
fn directory(users: usize) -> FakeDirectory {
    let mut directory = FakeDirectory::generate(users);
    let pks: Vec<u64> = directory.users().iter().map(|user| user.pk).collect();
    for (at, pk) in pks.into_iter().enumerate() {
        if let Some(user) = directory.user_mut(pk) {
            user.attributes = json!({
                "title": format!("Engineer {}", at % 50),
                "phone": [format!("+49 30 {at}")],
                "department": format!("department-{}", at % 20),
                "settings": {"locale": "de"},
            });
        }
    }
    let groups: Vec<_> = directory.groups().iter().map(|group| group.pk).collect();
    for chain in groups.chunks(DEPTH) {
        directory.set_parents(chain[0], &[]);
        for pair in chain.windows(2) {
            directory.set_parents(pair[1], &pair[..1]);
        }
    }
    directory
}

/// Eight mapped fields.
fn mapped() -> Value {
    json!({"users": {"map": {
        "displayName": ["name", "username"],
        "description": "attributes.title",
        "picture": ["attributes.picture", "avatar"],
        "annotations": {
            "authentik.goauthentik.io/uid": "uid",
            "example.com/phone": "attributes.phone",
            "example.com/locale": "attributes.settings.locale",
        },
        "labels": {"department": "attributes.department", "path": "path"},
    }}})
}

/// Seconds and CPU seconds of the runs of one service.
#[derive(Default)]
struct Costs {
    time: Vec<f64>,
    cpu: Vec<f64>,
}

/// Runs the syncs and prints their costs.
async fn measure(options: &Options) -> anyhow::Result<()> {
    let mut authentik = FakeProcess::spawn(options.users).await?;
    let mut services = Vec::new();
    for (name, options) in [
        ("no options", json!({})),
        ("eight mapped fields", mapped()),
        (
            "`membership: transitive`",
            json!({"membership": "transitive"}),
        ),
    ] {
        let service = Service::spawn(&authentik.base_url, &options).await?;
        service.sync(true).await?;
        services.push((name, service));
    }
    println!(
        "{} users, medians of {} runs",
        options.users, options.rounds
    );
    println!("| run | options | time, s | ratio | CPU, s | ratio |");
    println!("|---|---|---|---|---|---|");
    for is_full in [true, false] {
        let mut costs: Vec<Costs> = services.iter().map(|_| Costs::default()).collect();
        for _ in 0..options.rounds {
            authentik.command("edit").await?;
            for ((_, service), costs) in services.iter().zip(&mut costs) {
                let before = service.cpu_seconds()?;
                costs.time.push(seconds(&service.sync(is_full).await?)?);
                costs.cpu.push(service.cpu_seconds()? - before);
            }
        }
        report(if is_full { "full" } else { "one edit" }, &services, &costs);
    }
    Ok(())
}

/// Prints the costs, and their ratios to those of the first service.
fn report(run: &str, services: &[(&str, Service)], costs: &[Costs]) {
    for ((name, _), cost) in services.iter().zip(costs) {
        let (time, cpu) = (median(&cost.time), median(&cost.cpu));
        println!(
            "| {run} | {name} | {time:.2} | {:.2} | {cpu:.2} | {:.2} |",
            time / median(&costs[0].time),
            cpu / median(&costs[0].cpu),
        );
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
