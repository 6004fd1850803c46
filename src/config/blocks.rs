//! The keys of our two blocks that nothing reads.

use super::error::ConfigError;
use super::keys::{self, BLOCKS, KEYS, SERVICE};
use super::tree::{Content, Node};

/// Warns of unknown keys in Backstage's block; in ours they are errors.
pub(super) fn check(tree: &Node, warnings: &mut Vec<String>, errors: &mut Vec<ConfigError>) {
    for block in BLOCKS {
        let found = block
            .split('.')
            .try_fold(tree, |node, name| node.child(name));
        if let Some(node) = found {
            let mut check = Check {
                block,
                warnings,
                errors,
            };
            check.section(node, block);
        }
    }
}

struct Check<'a> {
    block: &'static str,
    warnings: &'a mut Vec<String>,
    errors: &'a mut Vec<ConfigError>,
}

impl Check<'_> {
    /// Looks at the keys of a block or of a section in it.
    fn section(&mut self, node: &Node, path: &str) {
        let known = keys::children(path);
        let Content::Mapping(map) = &node.content else {
            return;
        };
        if known.is_empty() {
            return;
        }
        for (name, node) in map {
            if known.contains(&name.as_str()) {
                self.section(node, &format!("{path}.{name}"));
            } else if !matches!(node.content, Content::Absent) {
                self.unknown(node, path, name);
            }
        }
    }

    fn unknown(&mut self, node: &Node, path: &str, name: &str) {
        let place = node.source.place(&format!("{path}.{name}"));
        let elsewhere = BLOCKS
            .into_iter()
            .find(|block| keys::children(block).contains(&name));
        if let Some(owner) = elsewhere.filter(|owner| path == self.block && *owner != path) {
            let key = name.to_owned();
            self.errors
                .push(ConfigError::Misplaced { place, key, owner });
            return;
        }
        let remedy = self.remedy(path, name);
        if self.block == SERVICE {
            self.errors.push(ConfigError::UnknownKey { place, remedy });
        } else {
            self.warnings
                .push(format!("{place}: unknown key, ignored; {remedy}"));
        }
    }

    /// What was probably meant: a key beside the unknown one, else one elsewhere in the block.
    fn remedy(&self, path: &str, name: &str) -> String {
        let known = keys::children(path);
        let whole = KEYS
            .iter()
            .filter(|key| key.below(self.block).is_some())
            .map(|key| key.path.as_str());
        let near =
            keys::nearest(name, known.iter().copied()).or_else(|| keys::nearest(name, whole));
        match near {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("expected one of {}", keys::listed(&known)),
        }
    }
}
