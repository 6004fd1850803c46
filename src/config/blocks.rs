//! The two blocks that are ours: which keys they may hold, and their types.

use serde::de::DeserializeOwned;
use serde_json::Map;

use super::error::{ConfigError, Place};
use super::keys::{self, BLOCKS, Fallback, KEYS, SERVICE};
use super::tree::{Content, Node};

/// Drops keys of Backstage's block that nobody reads, with a warning each; in ours they are errors.
pub(super) fn check(tree: &mut Node, warnings: &mut Vec<String>) -> Result<(), ConfigError> {
    for block in BLOCKS {
        pick(tree, block)?;
        if let Some(node) = block
            .split('.')
            .try_fold(&mut *tree, |node, name| node.child(name))
        {
            Check { block, warnings }.section(node, block)?;
        }
    }
    Ok(())
}

/// Refuses a tree without a key that has no default.
pub(super) fn require(tree: &Node, files: Option<&str>) -> Result<(), ConfigError> {
    for key in KEYS.iter().filter(|key| key.fallback == Fallback::Required) {
        let Some((block, name)) = key.path.rsplit_once('.') else {
            continue;
        };
        let block = pick(tree, block)?
            .map(|node| node.mapping(block))
            .transpose()?
            .flatten();
        let node = block.and_then(|block| block.get(name));
        if node.is_none_or(|node| matches!(node.content, Content::Absent)) {
            let place = Place::Key {
                file: files.map(str::to_owned),
                key: key.path.to_owned(),
            };
            let file = key
                .file_variable()
                .map(|file| format!(" (or {file})"))
                .unwrap_or_default();
            return Err(ConfigError::Missing {
                place,
                variables: format!("{}{file}", key.variable),
            });
        }
    }
    Ok(())
}

/// Gives a block its type; an error names the exact key.
pub(super) fn typed<T: DeserializeOwned>(tree: &Node, block: &str) -> Result<T, ConfigError> {
    let node = pick(tree, block)?;
    let value = node.map(Node::value).transpose()?.flatten();
    serde_path_to_error::deserialize(value.unwrap_or_else(|| Map::new().into())).map_err(|error| {
        let path = error.path().to_string();
        let source = &node.unwrap_or(tree).deepest(&path).source;
        let place = source.place(&format!("{block}.{path}"));
        ConfigError::Invalid {
            place,
            message: error.into_inner().to_string(),
        }
    })
}

/// Walks down to a block; whatever is on the way must be a mapping.
fn pick<'a>(tree: &'a Node, block: &str) -> Result<Option<&'a Node>, ConfigError> {
    let mut node = tree;
    let mut walked = 0;
    for part in block.split('.') {
        let Some(below) = node
            .mapping(&block[..walked])?
            .and_then(|map| map.get(part))
        else {
            return Ok(None);
        };
        node = below;
        walked += part.len() + usize::from(walked > 0);
    }
    node.mapping(block)?;
    Ok(Some(node))
}

struct Check<'a> {
    block: &'static str,
    warnings: &'a mut Vec<String>,
}

impl Check<'_> {
    /// Looks at the keys of a block or of a section in it.
    fn section(&mut self, node: &mut Node, path: &str) -> Result<(), ConfigError> {
        let known = keys::children(path);
        if known.is_empty() {
            return Ok(());
        }
        if self.block == SERVICE && matches!(node.content, Content::Leaf(_)) {
            // Where serde would repeat the value, which may be a token.
            node.mapping(path)?;
        }
        let Content::Mapping(map) = &mut node.content else {
            return Ok(());
        };
        let unknown: Vec<String> = map
            .keys()
            .filter(|name| !known.contains(&&name[..]))
            .cloned()
            .collect();
        for name in unknown {
            if let Some(node) = map
                .remove(&name)
                .filter(|node| !matches!(node.content, Content::Absent))
            {
                self.unknown(&node, path, &name)?;
            }
        }
        map.iter_mut()
            .try_for_each(|(name, node)| self.section(node, &format!("{path}.{name}")))
    }

    fn unknown(&mut self, node: &Node, path: &str, name: &str) -> Result<(), ConfigError> {
        let place = node.source.place(&format!("{path}.{name}"));
        let elsewhere = BLOCKS
            .into_iter()
            .find(|block| keys::children(block).contains(&name));
        if let Some(owner) = elsewhere.filter(|owner| path == self.block && *owner != path) {
            return Err(ConfigError::Misplaced {
                place,
                key: name.to_owned(),
                owner,
            });
        }
        let remedy = self.remedy(path, name);
        if self.block == SERVICE {
            return Err(ConfigError::UnknownKey { place, remedy });
        }
        self.warnings
            .push(format!("{place}: unknown key, ignored; {remedy}"));
        Ok(())
    }

    /// What was probably meant: a key beside the unknown one, else one elsewhere in the block.
    fn remedy(&self, path: &str, name: &str) -> String {
        let known = keys::children(path);
        let whole = KEYS
            .iter()
            .filter(|key| key.below(self.block).is_some())
            .map(|key| key.path);
        let near =
            keys::nearest(name, known.iter().copied()).or_else(|| keys::nearest(name, whole));
        match near {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("expected one of {}", keys::listed(&known)),
        }
    }
}
