//! The npm module that this service replaces, in the same Backstage.

use authentik_entity_provider::authentik::fake::{FakeAuthentik, FakeDirectory};
use serde_json::json;

use crate::support::authentik::Authentik;
use crate::support::backstage::{Backstage, Setup};
use crate::support::wait::wait_until;

#[tokio::test]
async fn the_npm_module_fills_a_catalog_from_the_look_alike() {
    let authentik = Authentik::spawn(FakeDirectory::generate(50)).await;
    // Its first read comes before the catalog is there and is skipped.
    let schedule = json!({ "frequency": { "seconds": 5 }, "timeout": { "minutes": 1 } });
    let block = json!({ "baseUrl": authentik.base, "token": FakeAuthentik::TOKEN, "schedule": schedule });
    let backstage = Backstage::spawn(&Setup { npm_module: Some(block), ..Setup::default() }).await;
    wait_until("the npm module's entities", async || {
        let refs = backstage.catalog().await.refs();
        if refs.len() > 50 && refs.contains("user:default/akadmin") {
            Ok(())
        } else {
            Err(format!("{refs:?}"))
        }
    })
    .await;
}
