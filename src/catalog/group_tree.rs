//! The hierarchy of all groups of a directory, whether they become entities or not.

use super::hierarchy::Hierarchy;
use crate::directory::{Directory, Group};

/// The groups of a directory with their ancestors. A group is its index in the directory.
#[derive(Debug)]
pub(super) struct GroupTree<'d> {
    groups: &'d [Group],
    hierarchy: Hierarchy,
}

impl<'d> GroupTree<'d> {
    /// Builds the tree; links that close a cycle are cut.
    pub(super) fn new(directory: &'d Directory) -> Self {
        let groups = directory.groups();
        let index = |pk| groups.binary_search_by_key(&pk, |group| group.pk).ok();
        let links = groups.iter().enumerate().flat_map(|(child, group)| {
            let parents = group.parents.iter();
            parents.filter_map(move |parent| Some((child, index(*parent)?)))
        });
        Self {
            groups,
            hierarchy: Hierarchy::acyclic(links.collect(), groups.len()),
        }
    }

    /// Each group with itself and every group above it.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&'d Group, Vec<&'d Group>)> {
        (0..self.groups.len()).map(|group| {
            let line = self.line(group).into_iter().map(|at| &self.groups[at]);
            (&self.groups[group], line.collect())
        })
    }

    /// A group and every group above it.
    fn line(&self, group: usize) -> Vec<usize> {
        let (mut line, mut next) = (vec![group], 0);
        while let Some(&group) = line.get(next) {
            next += 1;
            for parent in &self.hierarchy.parents[group] {
                if !line.contains(parent) {
                    line.push(*parent);
                }
            }
        }
        line
    }
}
