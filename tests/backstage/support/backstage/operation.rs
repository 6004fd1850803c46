//! What its operator does with a Backstage, and sees of it.

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::super::database::Database;
use super::super::wait::wait_longer;
use super::{Backstage, Setup};

impl Backstage {
    /// Ends it as its supervisor does, and leaves its database.
    pub async fn stop(mut self) -> Database {
        let pid = self.child.id().and_then(|id| id.try_into().ok()).expect("it runs");
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        self.child.wait().await.unwrap();
        self.database.clone()
    }

    /// Restarts it, and runs a statement on the catalog's database while it is down.
    pub async fn restart_after(self, statement: &str, setup: &Setup) -> Self {
        let database = self.stop().await;
        database.execute(statement).await;
        Self::with(setup, database).await
    }

    /// Its base URL, as other services are told it.
    pub fn base(&self) -> &str {
        self.base.as_str()
    }

    /// The name that a user is shown with; asks for that user alone.
    pub async fn display_name(&self, entity_ref: &str) -> String {
        let path = entity_ref.replace([':', '/'], "/");
        let path = format!("/api/catalog/entities/by-name/{path}");
        let answer = self.send(Method::GET, &path, &[], String::new()).await;
        let user: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        user["spec"]["profile"]["displayName"].as_str().unwrap_or_default().to_owned()
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it has nothing to do before its next poll; a restart before that may lose a relation.
    pub async fn settles(&self) {
        wait_longer("nothing is due", async || match self.database.due().await {
            0 => Ok(()),
            due => Err(format!("{due} are due")),
        })
        .await;
    }
}
