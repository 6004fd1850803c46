//! The output of `--help`, at the width of a pipe.

use crate::support::process::Process;

async fn help(arguments: &[&str]) -> String {
    let ended = Process::run(arguments, &[]).await;
    assert_eq!((ended.status.code(), ended.error.as_str()), (Some(0), ""));
    assert!(ended.out.lines().all(|line| line.chars().count() <= 100));
    ended.out
}

#[tokio::test]
async fn the_help_is_the_reviewed_one() {
    insta::assert_snapshot!("help", help(&["--help"]).await);
    insta::assert_snapshot!("help-serve", help(&["serve", "--help"]).await);
    for command in ["demo", "check", "export", "diff", "explain", "healthcheck"] {
        insta::assert_snapshot!(format!("help-{command}"), help(&[command, "--help"]).await);
    }
}

#[tokio::test]
async fn the_version_is_that_of_the_package() {
    assert_eq!(
        help(&["--version"]).await,
        format!("authentik-entity-provider {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn without_a_command_the_help_is_shown_and_the_exit_code_is_an_error() {
    let ended = Process::run(&[], &[]).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.error.contains("Usage:") && ended.error.contains("serve"));
}

#[tokio::test]
async fn a_misspelt_flag_is_named() {
    let ended = Process::run(&["serve", "--lisen", "127.0.0.1:0"], &[]).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        ended.error.contains("--lisen") && ended.error.contains("--listen"),
        "{}",
        ended.error
    );
}
