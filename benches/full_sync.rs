//! Cost of a full sync: `cargo bench --bench full_sync -- --users 50000`.
//!
//! The fake Authentik runs in its own process (this program again), the service in another. The
//! benchmark also fetches and discards the same pages with the same concurrency. This is the cost
//! of the fake Authentik and HTTP alone; read times only as ratios to it.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use clap::Parser;
use fake_authentik::{FakeAuthentik, FakeDirectory, Release};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{FakeProcess, Service, seconds};

mod support;

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
    let authentik = FakeProcess::spawn(users).await?;
    let service = Service::spawn(&authentik.base_url, &json!({})).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let (bytes, pages, fetched) = fetch(&http, &authentik.base_url, users).await?;
    println!("users                             {users}");
    println!(
        "pages of users, MB                {pages}, {:.1}",
        megabytes(bytes)
    );
    println!(
        "fetching alone                    {:.2} s",
        fetched.as_secs_f64()
    );

    report("first sync", &service.sync(true).await?, fetched)?;
    for _ in 0..FURTHER_RUNS {
        let run = service.sync(true).await?;
        report("a further sync, nothing changed", &run, fetched)?;
    }
    let body = http
        .get(format!("{}/entities", service.address))
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
        service.peak_memory_mb()?
    );
    Ok(())
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

/// Prints the duration of a run, and its ratio to fetching alone.
fn report(what: &str, run: &Value, fetched: Duration) -> anyhow::Result<()> {
    let took = seconds(run)?;
    let ratio = took / fetched.as_secs_f64();
    println!("{what:<33} {took:.2} s, {ratio:.2} times fetching alone");
    Ok(())
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
