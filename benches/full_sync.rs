//! Cost of a full sync: `cargo bench --bench full_sync -- --users 50000`.
//!
//! The fake Authentik runs in its own process (this program again), the service in another. The
//! benchmark also fetches and discards the same pages with the same concurrency. This is the cost
//! of the fake Authentik and HTTP alone; read times only as ratios to it.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// Concurrent requests, the service's default.
const CONCURRENCY: usize = 4;
/// Number of runs after the first.
const FURTHER_RUNS: usize = 3;

#[derive(Parser)]
struct Options {
    /// Users in the directory
    #[arg(long, default_value_t = 50_000)]
    users: usize,
    /// Only serve the fake Authentik and print its address
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

/// Serves the fake Authentik until the process ends.
async fn serve(users: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}", listener.local_addr()?);
    let authentik = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(users));
    Ok(authentik.serve(listener, std::future::pending()).await?)
}

/// Runs the syncs and prints their costs.
async fn measure(users: usize) -> anyhow::Result<()> {
    let (_authentik, base_url) = spawn_fake(users).await?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build()?;
    let (bytes, pages, fetched) = fetch(&http, &base_url, users).await?;
    println!("users                             {users}");
    println!(
        "pages of users, MB                {pages}, {:.1}",
        megabytes(bytes)
    );
    println!(
        "fetching alone                    {:.2} s",
        fetched.as_secs_f64()
    );

    let (service, address) = spawn_service(&base_url).await?;
    let first = sync(&http, &address).await?;
    report("first sync", first, fetched);
    for _ in 0..FURTHER_RUNS {
        report(
            "a further sync, nothing changed",
            sync(&http, &address).await?,
            fetched,
        );
    }
    let body = http
        .get(format!("{address}/entities"))
        .send()
        .await?
        .bytes()
        .await?;
    println!(
        "GET /entities                     {:.1} MB",
        megabytes(body.len())
    );
    println!(
        "peak resident memory              {} MB",
        peak_memory_mb(&service)?
    );
    Ok(())
}

/// Starts the fake Authentik and waits for its address.
async fn spawn_fake(users: usize) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--fake", "--users", &users.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().context("no output")?;
    let line = BufReader::new(stdout).lines().next_line().await?;
    Ok((child, line.context("the fake Authentik ended")?))
}

/// Starts the service, without a schedule, and waits for its address.
async fn spawn_service(base_url: &str) -> anyhow::Result<(Child, String)> {
    let file = std::env::temp_dir().join(format!("full-sync-{}.yaml", std::process::id()));
    let config = "catalog: {providers: {authentik: {schedule: {frequency: {trigger: manual}}}}}\n";
    std::fs::write(&file, config)?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_authentik-entity-provider"))
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .env("AUTHENTIK_BASE_URL", base_url)
        .env("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN)
        .env("ENTITY_PROVIDER_STATE_DIR", "false")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no log")?).lines();
    let line = lines.next_line().await?.context("the service ended")?;
    std::fs::remove_file(&file)?;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let line: Value = serde_json::from_str(&line).with_context(|| line)?;
    let address = line["address"]
        .as_str()
        .context("the log names no address")?;
    Ok((child, format!("http://{address}")))
}

/// Fetches and discards all pages of users; returns bytes, pages and duration.
async fn fetch(
    http: &reqwest::Client,
    base_url: &str,
    users: usize,
) -> anyhow::Result<(usize, usize, Duration)> {
    let started = Instant::now();
    let pages = users.div_ceil(100);
    let sizes: Vec<usize> = stream::iter(1..=pages)
        .map(|page| {
            let url = format!(
                "{base_url}/api/v3/core/users/?page={page}&page_size=100&ordering=pk&include_groups=false"
            );
            http.get(url).bearer_auth(FakeAuthentik::TOKEN).send()
        })
        .buffer_unordered(CONCURRENCY)
        .and_then(async |response| Ok(response.bytes().await?.len()))
        .try_collect()
        .await?;
    Ok((sizes.iter().sum(), pages, started.elapsed()))
}

/// Syncs and returns the duration of the run.
async fn sync(http: &reqwest::Client, address: &str) -> anyhow::Result<Duration> {
    let run = http
        .post(format!("{address}/sync?wait=10m&full=true"))
        .send()
        .await?
        .text()
        .await?;
    let run: Value = serde_json::from_str(&run)?;
    ensure!(run["state"] == "succeeded", "the sync failed: {run}");
    Ok(Duration::from_secs_f64(
        run["durationSeconds"].as_f64().context("no duration")?,
    ))
}

/// Prints a duration, and its ratio to fetching alone.
fn report(what: &str, took: Duration, fetched: Duration) {
    let ratio = took.as_secs_f64() / fetched.as_secs_f64();
    println!(
        "{what:<33} {:.2} s, {ratio:.2} times fetching alone",
        took.as_secs_f64()
    );
}

/// Returns the peak resident memory of a process in MB, from the kernel's `VmHWM`.
fn peak_memory_mb(child: &Child) -> anyhow::Result<usize> {
    let pid = child.id().context("the service ended")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? / 1024)
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
