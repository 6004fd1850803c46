//! Random changes of a directory: a service with incremental syncs serves the same as one with full
//! syncs.

use super::*;
use crate::delta::random::changes::{Changes, Numbers, beginning};

/// Number of directories.
const DIRECTORIES: u64 = 12;
/// Runs for each directory.
const RUNS: u64 = 12;

/// Returns the default body.
async fn body(app: &TestApp) -> Vec<String> {
    let text = app.fetch("/entities").await.text().await.unwrap();
    text.split("---\n").map(str::to_owned).collect()
}

#[tokio::test]
async fn after_each_run_both_services_serve_the_same() {
    let mut deltas = 0;
    for seed in 0..DIRECTORIES {
        let mut numbers = Numbers(seed << 20);
        let changes = Changes::new(&mut numbers);
        let following = Following::of(beginning(&mut numbers)).await;
        let Pair {
            fake,
            app,
            authentik,
        } = &following.pair;
        let whole = TestApp::spawn(config(&authentik.base, FakeAuthentik::TOKEN)).await;
        whole.sync().await;
        for run in 0..RUNS {
            fake.edit(|directory| {
                (0..numbers.below(4)).for_each(|_| changes.apply(directory, &mut numbers, None));
            });
            let followed = app
                .post("/sync?wait=1m&accept=shrink")
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            whole.sync_accepting().await;
            deltas += u64::from(followed.contains("\"mode\":\"incremental\""));
            assert_eq!(
                body(app).await,
                body(&whole).await,
                "seed {seed}, run {run}: {followed}"
            );
        }
    }
    assert!(deltas > DIRECTORIES * RUNS / 2, "{deltas} deltas");
}
