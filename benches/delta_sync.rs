//! Cost of an incremental sync: `cargo bench --bench delta_sync -- --users 100000`.
//!
//! The fake Authentik runs in its own process (this program again) and reads edits from its
//! standard input; the service runs in another. Each request takes 20 ms and each user row 7 ms.
//! The first sync, a full one, runs without this delay; the benchmark counts its rows and adds 7 ms
//! for each.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::bail;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use clap::Parser;
use fake_authentik::{Cost, FakeAuthentik, FakeDirectory, Release};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{FakeProcess, Service, seconds};

mod support;

/// Time of every request.
const LATENCY: Duration = Duration::from_millis(20);
/// Time of every returned user, as measured on the real server.
const PER_USER: Duration = Duration::from_millis(7);
/// A number of clock ticks of one second, longer than the service's overlap.
const LONG: usize = 700;

#[derive(Parser)]
struct Options {
    /// Users in the directory
    #[arg(long, default_value_t = 100_000)]
    users: usize,
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
        measure(options.users).await
    }
}

/// Serves the fake Authentik and runs the commands from standard input until it closes.
async fn serve(users: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}", listener.local_addr()?);
    let fake =
        FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(users)).with_directory_time();
    fake.edit(wait);
    fake.edit(|directory| edit(directory, 0));
    let bytes = Arc::<AtomicU64>::default();
    let counted = Arc::clone(&bytes);
    let count = from_fn(move |request: Request, next: Next| {
        let counted = Arc::clone(&counted);
        async move {
            let response = next.run(request).await;
            counted.fetch_add(response.body().size_hint().exact().unwrap_or(0), Relaxed);
            response
        }
    });
    tokio::spawn(axum::serve(listener, fake.router().layer(count)).into_future());
    tokio::task::spawn_blocking(move || run_commands(&fake, &bytes)).await?
}

/// Runs each command of the input and answers with the counters.
fn run_commands(fake: &FakeAuthentik, bytes: &AtomicU64) -> anyhow::Result<()> {
    for line in std::io::stdin().lines() {
        run_command(fake, &line?)?;
        let counters = fake.counters();
        let (requests, rows) = (counters.requests, counters.user_rows);
        println!(
            "{}",
            json!({"requests": requests, "rows": rows, "bytes": bytes.load(Relaxed)})
        );
    }
    Ok(())
}

/// Edits the fake Authentik by a command.
fn run_command(fake: &FakeAuthentik, what: &str) -> anyhow::Result<()> {
    fake.edit(wait);
    let cost = Cost {
        latency: LATENCY,
        per_user: PER_USER,
        workers: None,
    };
    fake.edit(|directory| {
        let users = directory.users().len();
        match what {
            "count" => {}
            "cost" => return Ok(()),
            "edit" => edit(directory, users / 3),
            "delete" => delete(directory, users / 2),
            "swap" => {
                delete(directory, users / 4);
                directory.add_user("new-user");
            }
            "percent" => (0..users / 100).for_each(|at| edit(directory, at * 100)),
            _ => bail!("unknown command {what}"),
        }
        Ok(())
    })?;
    if what == "cost" {
        fake.set_cost(cost);
    }
    Ok(())
}

/// Advances the clock beyond the overlap.
fn wait(directory: &mut FakeDirectory) {
    for _ in 0..LONG {
        directory.tick();
    }
}

/// Renames the user at an offset.
fn edit(directory: &mut FakeDirectory, offset: usize) {
    let pk = directory.users()[offset].pk;
    directory.edit_user(pk, |user| user.name.push('!'));
}

/// Deletes the user at an offset.
fn delete(directory: &mut FakeDirectory, offset: usize) {
    directory.remove_user(directory.users()[offset].pk);
}

/// Runs the syncs and prints their costs.
async fn measure(users: usize) -> anyhow::Result<()> {
    let mut authentik = FakeProcess::spawn(users).await?;
    let service = Service::spawn(&authentik.base_url, &json!({})).await?;
    println!("{users} users");
    println!(
        "| run | mode | requests | user rows | MB | CPU of the service, s | time, s | of Authentik's CPU, s |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, edit) in [
        ("(a) everything", "count"),
        ("(b) nothing changed", "cost"),
        ("(c) one edit", "edit"),
        ("(d) one delete", "delete"),
        ("(e) delete and insert", "swap"),
        ("(f) 1 % changed", "percent"),
    ] {
        let before = authentik.command(edit).await?;
        let cpu = service.cpu_seconds()?;
        let run = service.sync(false).await?;
        let cpu = service.cpu_seconds()? - cpu;
        let after = authentik.command("count").await?;
        let more = |key: &str| after[key].as_u64().unwrap_or(0) - before[key].as_u64().unwrap_or(0);
        let (rows, megabytes) = (more("rows"), more("bytes") as f64 / 1e6);
        println!(
            "| {name} | {} | {} | {rows} | {megabytes:.2} | {cpu:.2} | {:.2} | {:.1} |",
            run["mode"].as_str().unwrap_or_default(),
            more("requests"),
            seconds(&run)?,
            PER_USER.as_secs_f64() * rows as f64,
        );
    }
    Ok(())
}
