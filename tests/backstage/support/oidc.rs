//! A fake of Authentik's OIDC provider, as a Node process.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{backend, client};

/// A running provider; it is killed on drop.
pub struct Oidc {
    /// The base URL, without a trailing slash.
    pub base: String,
    _child: Child,
}

impl Oidc {
    /// Starts it, without a signed-in person.
    pub async fn spawn() -> Self {
        let mut child = Command::new("node")
            .arg("oidc.js")
            .current_dir(backend())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = lines.next_line().await.unwrap().expect("an address");
        Self {
            base,
            _child: child,
        }
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> String {
        format!("{}/application/o/backstage/", self.base)
    }

    /// Sets the claims of the person who signs in, also in the sessions that exist.
    pub async fn person(&self, claims: &Value) {
        let answer = client()
            .put(format!("{}/person", self.base))
            .body(claims.to_string())
            .send();
        assert_eq!(answer.await.unwrap().status(), 200);
    }
}
