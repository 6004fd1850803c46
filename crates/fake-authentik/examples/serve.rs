//! Serves the look-alike Authentik from a process of its own, for demonstrations and benchmarks.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use fake_authentik::{Cost, FakeAuthentik, FakeDirectory, Release};
use tokio::net::TcpListener;

/// Serves an invented directory as Authentik would.
#[derive(Debug, Parser)]
struct Arguments {
    /// Number of users.
    #[arg(long, default_value_t = 1000)]
    users: usize,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Release to imitate: 2024.2, 2025.10 or 2026.5.
    #[arg(long, default_value_t = Release::V2026_5)]
    release: Release,
    /// Milliseconds that every request takes.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Milliseconds that every returned user takes; the real server needs about 7.
    #[arg(long, default_value_t = 0)]
    row_cost_ms: u64,
    /// Requests worked on at once; any number by default.
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
        // Without a signal handler the process ends by the signal itself.
        let _ = tokio::signal::ctrl_c().await;
    };
    fake.serve(listener, interrupted).await?;
    Ok(())
}
