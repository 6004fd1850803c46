//! Development commands: `cargo xtask generate` writes every file that is made from the code.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use authentik_entity_provider::config::{json_schema, reference_page};
use authentik_entity_provider::http::endpoints::openapi;
use clap::Parser;

/// Development commands
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Write the reference page, the JSON Schema and the OpenAPI description
    Generate {
        /// Write nothing, and fail if a file would change
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Generate { check } => generated().into_iter().try_for_each(|(file, text)| {
            if check {
                compare(file, &text)
            } else {
                write(file, &text)
            }
        }),
    }
}

/// The files that are made from the code, relative to the repository.
fn generated() -> [(&'static str, String); 3] {
    [
        ("docs/configuration.md", reference_page()),
        (
            "docs/app-config.schema.json",
            format!("{:#}\n", json_schema()),
        ),
        ("openapi/openapi.json", openapi::text()),
    ]
}

fn write(file: &str, text: &str) -> anyhow::Result<()> {
    fs::write(path(file), text).with_context(|| format!("cannot write {file}"))
}

fn compare(file: &str, text: &str) -> anyhow::Result<()> {
    let committed =
        fs::read_to_string(path(file)).with_context(|| format!("cannot read {file}"))?;
    ensure!(
        committed == text,
        "{file} is out of date; run `cargo xtask generate`"
    );
    Ok(())
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file)
}
