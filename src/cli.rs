//! The command line; each command has a file of its own.

mod baseline;
mod check;
mod completions;
#[cfg(feature = "demo")]
mod demo;
mod diff;
mod explain;
mod export;
mod healthcheck;
mod man;
mod once;
mod openapi;
mod output;
mod progress;
mod serve;
mod service;
mod systemd;

use std::io::{Write, stderr};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::LogFormat;
use crate::shutdown;

/// Serves the users and groups of an Authentik server to Backstage as catalog entities.
///
/// `AUTHENTIK_BASE_URL` and `AUTHENTIK_TOKEN` (or `AUTHENTIK_TOKEN_FILE`) alone are enough to run `serve`;
/// `demo` needs nothing at all.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    config: ConfigFiles,

    #[command(subcommand)]
    command: Command,
}

/// The files of the configuration, as an argument of the program and of each command that reads them.
///
/// This is not one global argument of clap, because values after the command would replace those before.
#[derive(Debug, Args)]
struct ConfigFiles {
    /// A Backstage app-config.yaml; its `catalog.providers.authentik` and `entityProvider` are read;
    /// may be repeated, then later files win
    #[arg(long = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl ConfigFiles {
    /// Returns these files, followed by others.
    fn then(self, others: Self) -> Vec<PathBuf> {
        [self.files, others.files].concat()
    }
}

/// The log format, for commands that run until a signal.
#[derive(Debug, Args)]
struct LogArgs {
    /// The format of the log; overrides files and `ENTITY_PROVIDER_LOG_FORMAT`
    #[arg(long, value_name = "FORMAT", value_enum)]
    log_format: Option<LogFormat>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
    Check(check::CheckArgs),
    Export(export::ExportArgs),
    Diff(diff::DiffArgs),
    Explain(explain::ExplainArgs),
    Healthcheck(healthcheck::HealthcheckArgs),
    Openapi(openapi::OpenapiArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Cli {
    /// Returns true if the command runs until a signal and writes a log.
    #[must_use]
    pub fn logs(&self) -> bool {
        self.log_args().is_some()
    }

    /// Returns the log format before the configuration is loaded: of the flag, otherwise of the variable.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        let variable = || LogFormat::parse(&std::env::var(LogFormat::VARIABLE).ok()?);
        let flag = self.log_args().and_then(|args| args.log_format);
        flag.or_else(variable).unwrap_or_default()
    }

    fn log_args(&self) -> Option<&LogArgs> {
        match &self.command {
            Command::Serve(serve) => Some(&serve.log),
            #[cfg(feature = "demo")]
            Command::Demo(demo) => Some(&demo.log),
            _ => None,
        }
    }

    /// Runs the command and returns its exit code.
    ///
    /// # Errors
    /// If the command fails.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let before = self.config;
        match self.command {
            Command::Serve(serve) => Box::pin(serve.run(before)).await?,
            #[cfg(feature = "demo")]
            Command::Demo(demo) => {
                anyhow::ensure!(
                    before.files.is_empty(),
                    "demo takes no --config: it serves generated data; use serve"
                );
                Box::pin(demo.run()).await?;
            }
            Command::Check(check) => return check.run(before).await,
            Command::Export(export) => export.run(before).await?,
            Command::Diff(diff) => return Ok(diff.run(before).await),
            Command::Explain(explain) => explain.run(before).await?,
            Command::Healthcheck(healthcheck) => healthcheck.run(before).await?,
            Command::Openapi(openapi) => openapi.run()?,
            Command::Completions(completions) => completions.run()?,
            Command::Man(man) => man.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a line to standard error. Errors are ignored.
pub fn write_stderr_line(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

/// Binds an address; the error names it.
async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| {
        format!("cannot listen on {address}; choose another address with --listen")
    })
}

/// Returns a token that a signal cancels. Called before the address is printed, so that a signal sent
/// after that is handled.
fn shutdown() -> anyhow::Result<CancellationToken> {
    shutdown::on_signal().context("cannot wait for signals")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(line: &str) -> Vec<PathBuf> {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Serve(serve) = cli.command else {
            panic!("{line}")
        };
        cli.config.then(serve.config)
    }

    #[test]
    fn config_files_keep_their_order_before_and_after_the_command() {
        let program = "authentik-entity-provider";
        assert_eq!(files(&format!("{program} serve")), Vec::<PathBuf>::new());
        assert_eq!(
            files(&format!(
                "{program} --config a --config b serve --config c --listen [::]:80 --config=d"
            )),
            ["a", "b", "c", "d"].map(PathBuf::from)
        );
    }
}
