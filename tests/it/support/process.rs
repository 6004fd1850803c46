//! The real binary as a child process, with its output line by line.

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use reqwest::Response;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::client;

/// Maximum time to wait for a child.
const PATIENCE: Duration = Duration::from_mins(1);

/// The service's binary; `tests/backstage/run` names an optimised one.
fn program() -> OsString {
    let built = env!("CARGO_BIN_EXE_authentik-entity-provider");
    std::env::var_os("SERVICE_BINARY").unwrap_or_else(|| built.into())
}

/// A line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Of standard output.
    Out(String),
    /// Of standard error.
    Error(String),
}

/// A running command; it is killed on drop.
pub struct Process {
    child: Child,
    readers: Vec<JoinHandle<()>>,
    lines: UnboundedReceiver<Line>,
    seen: Vec<Line>,
}

/// The result of a command.
#[derive(Debug)]
pub struct Ended {
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub error: String,
}

impl Process {
    /// Starts the service's binary with only these arguments and variables.
    pub fn spawn(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::spawn_build(Path::new(&program()), arguments, variables)
    }

    /// Starts a build of the service with only these arguments and variables.
    pub fn spawn_build(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program);
        let command = command.args(arguments).current_dir(std::env::temp_dir());
        Self::start(command, variables)
    }

    /// Starts the service's binary in a directory.
    pub fn spawn_in(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program());
        Self::start(command.args(arguments).current_dir(directory), variables)
    }

    /// Starts the service's binary with a file size limit of zero, which acts like a full disk
    /// until it is lifted.
    pub fn spawn_on_a_full_disk(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let limited = "trap '' XFSZ; ulimit -S -f 0; exec \"$0\" \"$@\"";
        let mut command = Command::new("/bin/sh");
        Self::start(
            command.args(["-c", limited]).arg(program()).args(arguments),
            variables,
        )
    }

    /// Like [`Process::spawn`], with another standard error.
    pub fn spawn_logging_to(
        error: impl Into<Stdio>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(program());
        Self::start_with(command.args(arguments), variables, error.into())
    }

    /// Like [`Process::spawn`], with standard error in standard output, as with `2>&1`.
    pub fn spawn_with_one_output(arguments: &[&str]) -> Self {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
            .arg(program());
        Self::start(command.args(arguments), &[])
    }

    /// Like [`Process::spawn`], with standard error in a new file on a full file system. Without
    /// the right to mount one, a file size limit has the same effect.
    pub fn spawn_logging_to_a_full_disk(directory: &Path, arguments: &[&str]) -> Self {
        let full = "trap '' XFSZ
            if unshare -rm mount -t tmpfs tmpfs \"$1\"; then
                exec unshare -rm sh -c '
                    mount -t tmpfs -o size=4k tmpfs \"$1\"
                    head -c 4096 /dev/zero > \"$1/full\"; cd \"$1\"; shift; exec \"$0\" \"$@\" 2>log
                ' \"$0\" \"$@\"
            fi
            ulimit -S -f 0; cd \"$1\"; shift; exec \"$0\" \"$@\" 2>log";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", full]).arg(program()).arg(directory);
        Self::start(command.args(arguments), &[])
    }

    /// Starts a command with only these variables.
    fn start(command: &mut Command, variables: &[(&str, &str)]) -> Self {
        Self::start_with(command, variables, Stdio::piped())
    }

    fn start_with(command: &mut Command, variables: &[(&str, &str)], error: Stdio) -> Self {
        let mut child = command
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(error)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (sender, lines) = unbounded_channel();
        let out = child.stdout.take().unwrap();
        let mut readers = vec![tokio::spawn(forward(out, Line::Out, sender.clone()))];
        if let Some(error) = child.stderr.take() {
            readers.push(tokio::spawn(forward(error, Line::Error, sender)));
        }
        Self {
            child,
            readers,
            lines,
            seen: Vec::new(),
        }
    }

    /// Reads lines until the closure returns a value.
    pub async fn until<T>(&mut self, mut find: impl FnMut(&Line) -> Option<T>) -> T {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
            let Ok(Some(line)) = line else {
                panic!("no such line: {:#?}", self.seen)
            };
            let found = find(&line);
            self.seen.push(line);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Waits for an entry of the JSON log with this message.
    pub async fn logged(&mut self, message: &str) -> Value {
        self.until(|line| log_entry(line).filter(|entry| entry["message"] == message))
            .await
    }

    /// Waits until `serve` listens, and returns its base URL.
    pub async fn serving(&mut self) -> String {
        format!(
            "http://{}",
            self.logged("listening").await["address"].as_str().unwrap()
        )
    }

    /// Closes this end of the outputs, like a reader of a pipe that ends.
    pub async fn stop_reading(&mut self) {
        for reader in self.readers.drain(..) {
            reader.abort();
            let _ = reader.await;
        }
    }

    /// Returns the process id.
    pub fn id(&self) -> i32 {
        self.child
            .id()
            .and_then(|id| id.try_into().ok())
            .expect("it runs")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.id()).unwrap(), signal).unwrap();
    }

    /// Waits for the end of the process.
    pub async fn end(mut self) -> Ended {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status
            .unwrap_or_else(|_| panic!("it does not end: {:#?}", self.seen))
            .unwrap();
        while let Some(line) = self.lines.recv().await {
            self.seen.push(line);
        }
        let (mut out, mut error) = (String::new(), String::new());
        for line in self.seen {
            let (text, line) = match line {
                Line::Out(line) => (&mut out, line),
                Line::Error(line) => (&mut error, line),
            };
            text.push_str(&line);
            text.push('\n');
        }
        Ended { status, out, error }
    }

    /// Runs a command to its end.
    pub async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        Self::spawn(arguments, variables).end().await
    }
}

/// Parses an entry of the JSON log.
pub fn log_entry(line: &Line) -> Option<Value> {
    match line {
        Line::Error(line) => serde_json::from_str(line).ok(),
        Line::Out(_) => None,
    }
}

/// Forwards the lines of a stream to a channel.
async fn forward(
    stream: impl AsyncRead + Unpin,
    line: fn(String) -> Line,
    sender: UnboundedSender<Line>,
) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        let _ = sender.send(line(text));
    }
}

/// Sends a GET request.
pub async fn get(url: &str) -> Response {
    client().get(url).send().await.unwrap()
}

/// Sends a POST request and returns the JSON of the answer.
pub async fn post(url: &str) -> Value {
    let answer = client().post(url).send().await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}
