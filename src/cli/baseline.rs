//! What `diff` compares with: a running service or a file made by `export`.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use secrecy::SecretString;
use serde_json::Value;

use super::service::ServiceClient;
use crate::catalog::diff::{ByRef, entity_ref};
use crate::catalog::entity::PK_ANNOTATION;
use crate::catalog::plan::Names;
use crate::directory::{GroupPk, UserPk};

/// Reads the entities of a running service, with a token if there is one, or of a file in any format of
/// `export`.
pub(super) async fn read(against: &str, token: Option<SecretString>) -> anyhow::Result<ByRef> {
    let bytes = if against.starts_with("http://") || against.starts_with("https://") {
        ServiceClient::at(against)?
            .with_token(token)
            .get("/entities", &[("format", "ndjson")])
            .await?
    } else {
        std::fs::read(Path::new(against)).with_context(|| format!("cannot read {against}"))?
    };
    parse(&bytes).with_context(|| {
        format!(
            "{} has no entities as `export` writes them",
            ServiceClient::shown(against)
        )
    })
}

/// Parses entities as an array, or as one line each with optional `---` lines between them.
pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<ByRef> {
    let text = std::str::from_utf8(bytes).ok().context("it is not UTF-8")?;
    let entities: Vec<Value> = if text.trim_start().starts_with('[') {
        let array = serde_json::from_str(text).map_err(|error| {
            anyhow!(
                "the array is not valid JSON at line {}, column {}",
                error.line(),
                error.column()
            )
        });
        array?
    } else {
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !matches!(line.trim(), "" | "---"));
        let parse = |(at, line)| {
            let entity = serde_json::from_str(line).ok();
            entity.with_context(|| format!("line {} is not an entity in JSON", at + 1))
        };
        lines.map(parse).collect::<anyhow::Result<_>>()?
    };
    let mut by_ref = ByRef::new();
    for entity in entities {
        let entity_ref = entity_ref(&entity).context("an entity has no kind or no name")?;
        let twice = by_ref.insert(entity_ref.clone(), entity).is_some();
        ensure!(!twice, "{entity_ref:?} occurs twice");
    }
    Ok(by_ref)
}

/// Returns the names of the rows, which decide collisions as in the next sync.
pub(super) fn held(entities: &ByRef) -> Names {
    let mut names = Names::default();
    for entity in entities.values() {
        let metadata = &entity["metadata"];
        let (Some(name), Some(pk)) = (
            metadata["name"].as_str(),
            metadata["annotations"][PK_ANNOTATION].as_str(),
        ) else {
            continue;
        };
        match entity["kind"].as_str() {
            Some("User") => {
                names
                    .users
                    .extend(pk.parse().ok().map(|pk| (UserPk(pk), name.into())));
            }
            Some("Group") => {
                names
                    .groups
                    .extend(pk.parse().ok().map(|pk| (GroupPk(pk), name.into())));
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = r#"{"kind":"User","metadata":{"name":"alice","annotations":{"authentik.goauthentik.io/pk":"7"}}}"#;

    #[test]
    fn the_three_formats_mean_the_same() {
        let expected = parse(format!("{ALICE}\n").as_bytes()).unwrap();
        assert_eq!(expected.keys().collect::<Vec<_>>(), ["user:default/alice"]);
        assert_eq!(
            parse(format!("---\n{ALICE}\n").as_bytes()).unwrap(),
            expected
        );
        assert_eq!(
            parse(format!("[\n{ALICE}\n]\n").as_bytes()).unwrap(),
            expected
        );
        assert!(parse(b"").unwrap().is_empty() && parse(b"[\n]\n").unwrap().is_empty());
        assert_eq!(
            held(&expected).users.get(&UserPk(7)).map(|name| &**name),
            Some("alice")
        );
    }

    #[test]
    fn an_invalid_file_is_rejected_with_the_line() {
        let error = |text: &str| format!("{:#}", parse(text.as_bytes()).unwrap_err());
        assert!(error("---\nkind: User\n").contains("line 2"));
        assert!(error("{}").contains("no kind"));
        assert!(error(&format!("{ALICE}\n{ALICE}")).contains("occurs twice"));
    }
}
