//! `export`: the bytes of `/entities` without a server, written to a file atomically.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};

use crate::support::app::{Pair, TestApp, config};
use crate::support::command::Upstream;
use crate::support::directory::{assert_contains, crowd, directory};

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

/// Returns the file names in a directory.
fn listed(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn every_format_has_the_bytes_that_the_service_serves() {
    let upstream = Upstream::spawn(FakeDirectory::generate(60)).await;
    let app = TestApp::spawn(config(&upstream.authentik.base, FakeAuthentik::TOKEN)).await;
    app.sync().await;
    for format in ["yaml", "json", "ndjson"] {
        let served = app
            .fetch(&format!("/entities?format={format}"))
            .await
            .text()
            .await
            .unwrap();
        assert_eq!(
            upstream.printed(&["export", "--format", format]).await,
            served,
            "{format}"
        );
    }
    let served = app.fetch("/entities").await.text().await.unwrap();
    assert_eq!(
        upstream.printed(&["export"]).await,
        served,
        "the default is what Backstage reads"
    );
}

#[tokio::test]
async fn a_shard_has_the_bytes_that_the_service_serves() {
    let upstream = Upstream::spawn(FakeDirectory::generate(60)).await;
    let app = TestApp::spawn(config(&upstream.authentik.base, FakeAuthentik::TOKEN)).await;
    app.sync().await;
    for shard in ["0/1", "1/2", "3/4"] {
        let served = app
            .fetch(&format!("/entities?shard={shard}"))
            .await
            .text()
            .await
            .unwrap();
        assert!(served.contains("\"kind\":\"User\""));
        assert_eq!(
            upstream.printed(&["export", "--shard", shard]).await,
            served,
            "{shard}"
        );
    }
    let refused = upstream.run(&["export", "--shard", "3/6"]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert_contains(&refused.error, &["--shard", "power of two"]);
}

#[tokio::test]
async fn the_number_of_findings_is_on_standard_error() {
    let upstream = Upstream::spawn(directory(&[(1, "a"), (2, "A"), (3, "-")], &[])).await;
    let ended = upstream.run(&["export"]).await;
    assert_eq!(
        ended.error,
        "findings: 2 (name-collision 1, name-refused 1)\n"
    );
    let upstream = Upstream::spawn(crowd(3)).await;
    assert_eq!(upstream.run(&["export"]).await.error, "");
}

#[tokio::test]
async fn every_command_can_write_its_output_to_a_file() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let folder = tempfile::tempdir().unwrap();
    let entities = folder.path().join("entities.yaml");
    let entities = entities.to_str().unwrap();
    upstream.printed(&["export", "--output", entities]).await;
    let file = folder.path().join("output");
    let file = file.to_str().unwrap();
    for command in [
        &["check"][..],
        &["diff", "--against", entities],
        &["explain", "user", "user-1"],
    ] {
        for format in ["text", "json"] {
            let printing = [command, &["--format", format]].concat();
            let printed = upstream.printed(&printing).await;
            let writing = [&printing[..], &["--output", file]].concat();
            assert_eq!(upstream.printed(&writing).await, "", "{writing:?}");
            assert_eq!(fs::read_to_string(file).unwrap(), printed);
            assert_eq!(printed.starts_with('{'), format == "json", "{printed}");
        }
    }
    for command in [&["openapi"][..], &["man"], &["completions", "bash"]] {
        let printed = upstream.printed(command).await;
        upstream
            .printed(&[command, &["--output", file]].concat())
            .await;
        assert_eq!(fs::read_to_string(file).unwrap(), printed);
    }
}

#[tokio::test]
async fn a_file_is_replaced_as_a_whole_and_a_failed_run_leaves_the_old_one() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entities.yaml");
    let arguments = ["export", "--output", file.to_str().unwrap()];
    assert_eq!(upstream.printed(&arguments).await, "");
    let old = fs::read_to_string(&file).unwrap();
    assert_eq!(old, upstream.printed(&["export"]).await);
    assert_eq!(mode(&file), 0o600, "only the owner can read personal data");
    upstream.fake.revoke(FakeAuthentik::TOKEN);
    let failed = upstream.run(&arguments).await;
    assert_eq!(failed.status.code(), Some(1));
    assert_contains(&failed.error, &["error: ", "(token)"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), old);
    assert_eq!(
        listed(folder.path()),
        ["entities.yaml"],
        "no unfinished file remains"
    );
}

#[tokio::test]
async fn an_existing_file_keeps_its_mode_and_a_link_stays_a_link() {
    let upstream = Upstream::spawn(crowd(5)).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    upstream
        .printed(&["export", "--output", link.to_str().unwrap()])
        .await;
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().starts_with("---\n"));
    assert_eq!(mode(&file), 0o640);
}

#[tokio::test]
async fn a_path_that_cannot_be_written_is_named() {
    let upstream = Upstream::spawn(crowd(5)).await;
    for place in ["/dev/null", "/nonexistent/entities.yaml"] {
        let ended = upstream.run(&["export", "--output", place]).await;
        assert_eq!(ended.status.code(), Some(1));
        assert_contains(&ended.error, &[&format!("cannot write {place}")]);
    }
}

#[tokio::test]
async fn a_configuration_file_before_the_command_is_used() {
    let pair = Pair::spawn(
        Release::V2026_5,
        directory(&[(1, "pat")], &[(1, "Tech Ops!", &[])]),
        |_| (),
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app-config.yaml");
    let token = FakeAuthentik::TOKEN;
    let text = format!(
        "catalog: {{providers: {{authentik: {{baseUrl: '{}', token: '{token}', excludeGroups: [tech-ops-]}}}}}}",
        pair.authentik.base
    );
    fs::write(&file, text).unwrap();
    let ended =
        crate::support::process::Process::run(&["--config", file.to_str().unwrap(), "export"], &[])
            .await;
    assert_eq!(
        ended.out.matches("---").count(),
        1,
        "only the user: {}",
        ended.out
    );
}
