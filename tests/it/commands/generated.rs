//! What is made from the definitions: the description, completions, the manual.

use crate::support::process::Process;

async fn printed(arguments: &[&str]) -> String {
    let ended = Process::run(arguments, &[]).await;
    assert_eq!((ended.status.code(), ended.error.as_str()), (Some(0), ""), "{arguments:?}");
    ended.out
}

#[tokio::test]
async fn the_printed_description_is_the_committed_one() {
    assert_eq!(printed(&["openapi"]).await, include_str!("../../../openapi/openapi.json"));
}

#[tokio::test]
async fn every_shell_gets_completions_of_commands_and_flags() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]).await;
        for word in ["healthcheck", "listen", "output", "authentik-entity-provider"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[tokio::test]
async fn the_manual_has_a_page_for_the_program_and_for_each_command() {
    let page = printed(&["man"]).await;
    assert!(
        page.contains(".TH authentik\\-entity\\-provider 1")
            || page.contains(".TH authentik-entity-provider 1"),
        "{page}"
    );
    for command in ["serve", "demo", "check", "healthcheck", "openapi", "completions", "man"] {
        assert!(page.contains(command), "{command}");
        assert!(printed(&["man", command]).await.contains(".SH SYNOPSIS"), "{command}");
    }
    let ended = Process::run(&["man", "nothing"], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.error.contains("`nothing`"), "{}", ended.error);
}
