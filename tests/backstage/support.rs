//! Shared support: the fake Authentik, the service's binary, Backstage and its catalog.

pub mod authentik;
pub mod backstage;
pub mod browser;
pub mod catalog;
pub mod database;
pub mod oidc;
pub mod presence;
#[expect(dead_code, reason = "the other suite uses more of it")]
#[path = "../it/support/process.rs"]
pub mod process;
pub mod random;
pub mod recorder;
#[path = "../it/support/replay.rs"]
pub mod replay;
pub mod service;
pub mod setup;
pub mod wait;

use std::path::{Path, PathBuf};
use std::sync::Once;

use reqwest::Client;

/// The folder of the Backstage backend, in which Node finds its packages.
pub fn backend() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backstage/backend");
    std::env::var_os("BACKSTAGE_BACKEND").map_or(own, PathBuf::from)
}

/// Reads a recording, such as `2026.5/version.json`.
pub fn fixture(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/authentik")
        .join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Creates a client that passes answers on unchanged.
pub fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    // Node closes idle connections after five seconds, even if a request is on its way.
    Client::builder()
        .no_proxy()
        .no_gzip()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
}
