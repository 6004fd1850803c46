//! Cost of an incremental sync: `cargo bench --bench delta_sync -- --users 100000`.
//!
//! The fake Authentik runs in its own process (this program again) and reads edits from its
//! standard input; the service runs in another. Each request takes 20 ms and each user row 7 ms.
//! The first sync, a full one, runs without this delay; the benchmark counts its rows and adds 7 ms
//! for each.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use axum::body::HttpBody;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use clap::Parser;
use fake_authentik::{Cost, FakeAuthentik, FakeDirectory, Release};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Time of every request.
const LATENCY: Duration = Duration::from_millis(20);
/// Time of every returned user, as measured on the real server.
const PER_USER: Duration = Duration::from_millis(7);
/// A number of clock ticks of one second, longer than the service's overlap.
const LONG: usize = 700;
/// The kernel's unit of process time: `USER_HZ`, 100 on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

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
    let (service, address) = spawn_service(&authentik.base_url).await?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build()?;
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
        let cpu = cpu_seconds(&service)?;
        let run = sync(&http, &address).await?;
        let cpu = cpu_seconds(&service)? - cpu;
        let after = authentik.command("count").await?;
        let more = |key: &str| after[key].as_u64().unwrap_or(0) - before[key].as_u64().unwrap_or(0);
        let (rows, megabytes) = (more("rows"), more("bytes") as f64 / 1e6);
        println!(
            "| {name} | {} | {} | {rows} | {megabytes:.2} | {cpu:.2} | {:.2} | {:.1} |",
            run["mode"].as_str().unwrap_or_default(),
            more("requests"),
            run["durationSeconds"].as_f64().context("no duration")?,
            PER_USER.as_secs_f64() * rows as f64,
        );
    }
    Ok(())
}

/// The process of the fake Authentik.
struct FakeProcess {
    base_url: String,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl FakeProcess {
    /// Starts it and waits for its address.
    async fn spawn(users: usize) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--fake", "--users", &users.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let commands = process.stdin.take().context("no input")?;
        let mut answers = BufReader::new(process.stdout.take().context("no output")?).lines();
        let base_url = answers
            .next_line()
            .await?
            .context("the fake Authentik ended")?;
        Ok(Self {
            base_url,
            commands,
            answers,
            _process: process,
        })
    }

    /// Sends a command; returns the counters.
    async fn command(&mut self, what: &str) -> anyhow::Result<Value> {
        self.commands
            .write_all(format!("{what}\n").as_bytes())
            .await?;
        let answer = self
            .answers
            .next_line()
            .await?
            .context("the fake Authentik ended")?;
        Ok(serde_json::from_str(&answer)?)
    }
}

/// Starts the service, without a schedule, and waits for its address.
async fn spawn_service(base_url: &str) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_authentik-entity-provider"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("AUTHENTIK_BASE_URL", base_url)
        .env("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN)
        .env("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", "{trigger: manual}")
        .env("ENTITY_PROVIDER_STATE_DIR", "false")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
    let line = lines.next_line().await?.context("the service ended")?;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let line: Value = serde_json::from_str(&line).with_context(|| line)?;
    let address = line["address"]
        .as_str()
        .context("the log names no address")?;
    Ok((child, format!("http://{address}")))
}

/// Syncs and returns the run.
async fn sync(http: &reqwest::Client, address: &str) -> anyhow::Result<Value> {
    let run = http
        .post(format!("{address}/sync?wait=10m"))
        .send()
        .await?
        .text()
        .await?;
    let run: Value = serde_json::from_str(&run)?;
    ensure!(run["state"] == "succeeded", "the sync failed: {run}");
    Ok(run)
}

/// Returns the CPU time of a process in seconds, from the kernel's `stat`: user and system time.
fn cpu_seconds(child: &Child) -> anyhow::Result<f64> {
    let pid = child.id().context("the service ended")?;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map_while(|text| text.parse().ok())
        .collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_A_SECOND)
}
