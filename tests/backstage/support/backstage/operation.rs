//! Operations on a Backstage: restarts, display names, the log.

use reqwest::Method;
use serde_json::Value;

use super::super::wait::wait_longer;
use super::{Backstage, Setup};

impl Backstage {
    /// Restarts it and runs a statement on the catalog's database while it is down.
    pub async fn restart_after(self, statement: &str, setup: &Setup) -> Self {
        let site = self.stop().await;
        site.database.execute(statement).await;
        site.start(setup).await
    }

    /// Returns the display name of one user.
    pub async fn display_name(&self, entity_ref: &str) -> String {
        let path = entity_ref.replace([':', '/'], "/");
        let path = format!("/api/catalog/entities/by-name/{path}");
        let answer = self.send(Method::GET, &path, &[], String::new()).await;
        let user: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        user["spec"]["profile"]["displayName"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Returns its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has nothing to process before its next poll; an earlier restart may lose a
    /// relation.
    pub async fn settles(&self) {
        wait_longer("nothing is due", async || match self.database.due().await {
            0 => Ok(()),
            due => Err(format!("{due} are due")),
        })
        .await;
    }
}
