//! Output generated from the definitions: the API description, completions, the manual page.

use crate::support::process::Process;

async fn printed(arguments: &[&str]) -> String {
    let ended = Process::run(arguments, &[]).await;
    assert_eq!(
        (ended.status.code(), ended.error.as_str()),
        (Some(0), ""),
        "{arguments:?}"
    );
    ended.out
}

#[tokio::test]
async fn the_printed_description_is_the_committed_one() {
    assert_eq!(
        printed(&["openapi"]).await,
        include_str!("../../../openapi/openapi.json")
    );
}

#[tokio::test]
async fn every_shell_gets_completions_of_commands_and_flags() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]).await;
        for word in [
            "healthcheck",
            "listen",
            "output",
            "authentik-entity-provider",
        ] {
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
    for command in [
        "serve",
        "demo",
        "check",
        "healthcheck",
        "openapi",
        "completions",
        "man",
    ] {
        assert!(page.contains(command), "{command}");
        assert!(
            printed(&["man", command]).await.contains(".SH SYNOPSIS"),
            "{command}"
        );
    }
    for section in ["ENVIRONMENT", "FILES", "EXIT STATUS", "SIGNALS"] {
        let heading = format!(".SH \"{section}\"");
        let plain = format!(".SH {section}\n");
        assert!(
            page.contains(&heading) || page.contains(&plain),
            "{section}: {page}"
        );
    }
    for name in [
        "AUTHENTIK_TOKEN, AUTHENTIK_TOKEN_FILE",
        "ENTITY_PROVIDER_LISTEN",
        "RUST_LOG",
        "SIGHUP",
    ] {
        assert!(page.replace('\\', "").contains(name), "{name}: {page}");
    }
    let ended = Process::run(&["man", "nothing"], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.error.contains("`nothing`"), "{}", ended.error);
}

/// Returns bash's completions of the last word.
async fn proposed(script: &str, words: &[&str]) -> Vec<String> {
    let line = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _authentik__entity__provider {} \"${{COMP_WORDS[-1]}}\" \
         \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len() - 1,
        words[0],
    );
    let out = tokio::process::Command::new("bash")
        .args(["--norc", "-c", &line])
        .output()
        .await
        .unwrap();
    String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn bash_completes_commands_flags_and_values() {
    let script = Process::run(&["completions", "bash"], &[]).await.out;
    let name = "authentik-entity-provider";
    assert!(
        proposed(&script, &[name, "exp"])
            .await
            .contains(&"explain".to_owned())
    );
    assert!(
        proposed(&script, &[name, "export", "--f"])
            .await
            .contains(&"--format".to_owned())
    );
    assert_eq!(
        proposed(&script, &[name, "export", "--format", "n"]).await,
        ["ndjson"]
    );
    assert_eq!(proposed(&script, &[name, "explain", "g"]).await, ["group"]);
}
