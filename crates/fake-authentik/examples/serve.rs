//! Serves a fake Authentik from a process of its own, for demonstrations and benchmarks.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use fake_authentik::{Cost, FakeAuthentik, FakeDirectory, Release};
use tokio::net::TcpListener;

/// Serves a generated directory the way Authentik does.
#[derive(Debug, Parser)]
struct Arguments {
    /// Number of users.
    #[arg(long, default_value_t = 1000)]
    users: usize,
    /// Address to listen on; port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Release to imitate: 2024.2, 2025.10 or 2026.5.
    #[arg(long, default_value_t = Release::V2026_5)]
    release: Release,
    /// Latency of every request, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Cost of every returned user, in milliseconds; the real server needs about 7.
    #[arg(long, default_value_t = 0)]
    row_cost_ms: u64,
    /// Number of requests processed at once; unlimited by default.
    #[arg(long)]
    workers: Option<usize>,
    /// Requests after which a worker is recycled, which fails those in flight; 0 means never.
    #[arg(long, default_value_t = 0)]
    recycle_every: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let cost = Cost {
        latency: Duration::from_millis(arguments.latency_ms),
        per_user: Duration::from_millis(arguments.row_cost_ms),
        workers: arguments.workers,
    };
    let fake = FakeAuthentik::new(arguments.release, FakeDirectory::generate(arguments.users))
        .with_cost(cost);
    fake.recycle_every(arguments.recycle_every);
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("http://{} {}", listener.local_addr()?, FakeAuthentik::TOKEN);
    let interrupted = async {
        // Without a signal handler the signal itself ends the process.
        let _ = tokio::signal::ctrl_c().await;
    };
    fake.serve(listener, interrupted).await?;
    Ok(())
}
