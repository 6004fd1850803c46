//! The processes of a benchmark: a fake Authentik, and services in front of it.

#![allow(dead_code, reason = "each benchmark uses a part")]

use std::process::Stdio;

use anyhow::{Context, ensure};
use fake_authentik::FakeAuthentik;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The kernel's unit of process time: `USER_HZ`, 100 on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// The process of the fake Authentik: the benchmark's own program, with `--fake`.
pub(crate) struct FakeProcess {
    pub(crate) base_url: String,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl FakeProcess {
    /// Starts it and waits for its address, the first line of its output.
    pub(crate) async fn spawn(users: usize) -> anyhow::Result<Self> {
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

    /// Sends a command; returns the answer.
    pub(crate) async fn command(&mut self, what: &str) -> anyhow::Result<Value> {
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

/// The process of a service without a schedule and without kept files.
pub(crate) struct Service {
    pub(crate) address: String,
    http: reqwest::Client,
    process: Child,
}

impl Service {
    /// Starts it with the options of `entityProvider`, and waits for its address.
    pub(crate) async fn spawn(base_url: &str, options: &Value) -> anyhow::Result<Self> {
        let config = serde_json::json!({"entityProvider": options}).to_string();
        let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
        std::fs::write(&file, config)?;
        let mut process = Command::new(env!("CARGO_BIN_EXE_authentik-entity-provider"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(file.path())
            .env("AUTHENTIK_BASE_URL", base_url)
            .env("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN)
            .env("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", "{trigger: manual}")
            .env("ENTITY_PROVIDER_STATE_DIR", "false")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stderr.take().context("no log")?).lines();
        let line = lines.next_line().await?.context("the service ended")?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let line: Value = serde_json::from_str(&line).with_context(|| line)?;
        let address = line["address"]
            .as_str()
            .context("the log names no address")?;
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            address: format!("http://{address}"),
            http: reqwest::Client::builder().no_proxy().build()?,
            process,
        })
    }

    /// Syncs and returns the run.
    pub(crate) async fn sync(&self, is_full: bool) -> anyhow::Result<Value> {
        let address = format!("{}/sync?wait=10m&full={is_full}", self.address);
        let run = self.http.post(address).send().await?.text().await?;
        let run: Value = serde_json::from_str(&run)?;
        ensure!(run["state"] == "succeeded", "the sync failed: {run}");
        Ok(run)
    }

    /// The CPU time of the process in seconds, from the kernel's `stat`: user and system time.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(self.proc_file("stat")?)?;
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let ticks: Vec<f64> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map_while(|text| text.parse().ok())
            .collect();
        Ok(ticks.iter().sum::<f64>() / TICKS_A_SECOND)
    }

    /// The peak resident memory of the process in MB, from the kernel's `VmHWM`.
    pub(crate) fn peak_memory_mb(&self) -> anyhow::Result<usize> {
        let status = std::fs::read_to_string(self.proc_file("status")?)?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .context("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? / 1024)
    }

    fn proc_file(&self, name: &str) -> anyhow::Result<String> {
        let pid = self.process.id().context("the service ended")?;
        Ok(format!("/proc/{pid}/{name}"))
    }
}

/// The duration of a run in seconds.
pub(crate) fn seconds(run: &Value) -> anyhow::Result<f64> {
    run["durationSeconds"].as_f64().context("no duration")
}
