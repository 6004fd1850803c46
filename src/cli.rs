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

/// The files of the configuration, for the command line itself and for each command that reads them.
///
/// Not one global argument: clap would forget those before the command if others follow it.
#[derive(Debug, Args)]
struct ConfigFiles {
    /// A Backstage app-config.yaml; its `catalog.providers.authentik` and `entityProvider` are read;
    /// may be repeated, then later files win
    #[arg(long = "config", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl ConfigFiles {
    /// These files and then others.
    fn then(self, others: Self) -> Vec<PathBuf> {
        [self.files, others.files].concat()
    }
}

/// The form of the log, for the commands that run until a signal.
#[derive(Debug, Args)]
struct LogArgs {
    /// The form of the log, whatever files and `ENTITY_PROVIDER_LOG_FORMAT` say
    #[arg(long, value_name = "FORMAT", value_enum)]
    log_format: Option<LogFormat>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    Check(check::Check),
    Export(export::Export),
    Diff(diff::Diff),
    Explain(explain::Explain),
    Healthcheck(healthcheck::Healthcheck),
    Openapi(openapi::Openapi),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Cli {
    /// Whether the command runs until a signal and writes a log of that.
    #[must_use]
    pub fn logs(&self) -> bool {
        self.log_args().is_some()
    }

    /// The form of the log before the configuration is read: that of the flag, else that of the variable.
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

    /// Runs the command until it is done, and says how it went.
    ///
    /// # Errors
    /// Whatever keeps the command from being carried out.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let before = self.config;
        match self.command {
            Command::Serve(serve) => Box::pin(serve.run(before)).await?,
            #[cfg(feature = "demo")]
            Command::Demo(demo) => {
                anyhow::ensure!(
                    before.files.is_empty(),
                    "demo takes no --config: it serves invented data, use serve"
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

/// Writes a line to standard error; an output that takes nothing is no reason to end.
pub fn complain(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}

/// Binds an address, or says which one cannot be bound.
async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| {
        format!("cannot listen on {address}; choose another address with --listen")
    })
}

/// A token that a signal cancels; to be taken before the address is announced, so that whoever
/// sees the address may send a signal.
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
