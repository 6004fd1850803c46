//! Finds unknown and misplaced keys in our two blocks.

use super::error::{ConfigError, Place};
use super::keys::{self, BLOCKS, KEYS, SERVICE};
use super::misplaced::{is_same_name, keys_of};
use super::tree::{Content, Node};

/// The problems found in the keys of the blocks.
#[derive(Default)]
pub(super) struct KeyProblems {
    /// Probable mistakes.
    pub(super) warnings: Vec<String>,
    /// Errors, which prevent a start.
    pub(super) errors: Vec<ConfigError>,
    /// The correct paths of keys and sections in wrong places.
    pub(super) misplaced: Vec<String>,
}

/// Checks the keys of both blocks. Unknown keys are warnings in Backstage's block and errors in ours.
pub(super) fn check(tree: &Node, findings: &mut KeyProblems) {
    for block in BLOCKS {
        let found = block
            .split('.')
            .try_fold(tree, |node, name| node.child(name));
        if let Some(node) = found {
            Check { block, findings }.section(node, block);
        }
    }
}

struct Check<'a> {
    block: &'static str,
    findings: &'a mut KeyProblems,
}

impl Check<'_> {
    /// Checks the keys of a block or section.
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
        let misplaced = (path == self.block).then(|| {
            self.misplaced_key(&place, name)
                .or_else(|| self.misplaced_block(&place, node, name))
        });
        if let Some((error, keys)) = misplaced.flatten() {
            self.findings.errors.push(error);
            self.findings.misplaced.extend(keys);
            return;
        }
        let remedy = self.remedy(path, name);
        if self.block == SERVICE {
            let error = ConfigError::UnknownKey { place, remedy };
            self.findings.errors.push(error);
        } else {
            let warning = format!("{place}: unknown key, ignored; {remedy}");
            self.findings.warnings.push(warning);
        }
    }

    /// Returns the error for a key of the other block, and its correct path.
    fn misplaced_key(&self, place: &Place, name: &str) -> Option<(ConfigError, Vec<String>)> {
        let owner = self.other();
        let path = format!("{owner}.{name}");
        let error = ConfigError::Misplaced {
            place: place.clone(),
            key: name.to_owned(),
            owner,
        };
        keys::children(owner)
            .contains(&name)
            .then(|| (error, vec![path]))
    }

    /// Returns the error for a block inside this one, and the correct paths of its keys.
    fn misplaced_block(
        &self,
        place: &Place,
        node: &Node,
        name: &str,
    ) -> Option<(ConfigError, Vec<String>)> {
        let Content::Mapping(map) = &node.content else {
            return None;
        };
        let (place, own) = (place.clone(), keys_of(self.block, map.keys()));
        if !own.is_empty() {
            let owner = self.block;
            let error = if owner == SERVICE {
                ConfigError::MisplacedBlock { place, owner }
            } else {
                ConfigError::SecondAuthentik { place, owner }
            };
            return Some((error, own));
        }
        let owner = self.other();
        let mut names = owner.split('.');
        names.any(|part| is_same_name(name, part)).then(|| {
            let keys = keys_of(owner, map.keys());
            (ConfigError::MisplacedBlock { place, owner }, keys)
        })
    }

    /// Returns the other block.
    fn other(&self) -> &'static str {
        let [first, second] = BLOCKS;
        if self.block == first { second } else { first }
    }

    /// Returns what was probably meant: a key of the same section, otherwise one of the whole block.
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
