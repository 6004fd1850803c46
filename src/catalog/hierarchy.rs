//! Cuts cycles in the groups' hierarchy.
//!
//! Example: group 1 has the parent 2, 2 has the parent 3, and 3 has the parent 1. The links 1 → 2
//! and 2 → 3 stay; 3 → 1 would close a cycle and is cut.
//!
//! The rule: links are added in the order of their (child, parent) pks, and a link that would close
//! a cycle with links already added is cut. Authentik accepts cycles and groups that are their own
//! parent; Backstage's plugins loop or fail on them.

/// The hierarchy without cycles. A group is an index in the order of pks.
#[derive(Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// The remaining parents of each group, ascending.
    pub parents: Vec<Vec<usize>>,
    /// The cut links as (child, parent), ascending.
    pub cut: Vec<(usize, usize)>,
}

impl Hierarchy {
    /// Builds the hierarchy from (child, parent) links; duplicates count once.
    ///
    /// # Panics
    /// When an index is not less than `groups`.
    #[must_use]
    pub fn acyclic(mut links: Vec<(usize, usize)>, groups: usize) -> Self {
        links.sort_unstable();
        links.dedup();
        let mut hierarchy = Self {
            parents: vec![Vec::new(); groups],
            cut: Vec::new(),
        };
        let mut components = Components::new(groups);
        for (child, parent) in links {
            let connected = components.find(child) == components.find(parent);
            if connected && hierarchy.is_ancestor(child, parent) {
                hierarchy.cut.push((child, parent));
            } else {
                components.join(child, parent);
                hierarchy.parents[child].push(parent);
            }
        }
        hierarchy
    }

    /// Whether `ancestor` is `of` itself or above it.
    fn is_ancestor(&self, ancestor: usize, of: usize) -> bool {
        let mut seen = vec![false; self.parents.len()];
        let mut open = vec![of];
        while let Some(group) = open.pop() {
            if group == ancestor {
                return true;
            }
            if !seen[group] {
                seen[group] = true;
                open.extend(&self.parents[group]);
            }
        }
        false
    }
}

/// Connected components (union–find). Only a link within one component can close a cycle.
struct Components(Vec<usize>);

impl Components {
    fn new(groups: usize) -> Self {
        Self((0..groups).collect())
    }

    fn find(&mut self, mut group: usize) -> usize {
        while self.0[group] != group {
            self.0[group] = self.0[self.0[group]];
            group = self.0[group];
        }
        group
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        self.0[one] = other;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tree_and_a_diamond_stay() {
        let diamond = vec![(1, 0), (2, 0), (3, 1), (3, 2)];
        let hierarchy = Hierarchy::acyclic(diamond, 4);
        assert_eq!(hierarchy.parents, [vec![], vec![0], vec![0], vec![1, 2]]);
        assert!(hierarchy.cut.is_empty());
    }

    #[test]
    fn of_a_cycle_the_last_link_by_pk_is_cut() {
        assert_eq!(
            Hierarchy::acyclic(vec![(0, 1), (1, 2), (2, 0)], 3).cut,
            [(2, 0)]
        );
        assert_eq!(Hierarchy::acyclic(vec![(0, 0)], 1).cut, [(0, 0)]);
        assert_eq!(
            Hierarchy::acyclic(vec![(1, 0), (0, 1), (2, 1)], 3).cut,
            [(1, 0)]
        );
    }

    proptest! {
        #[test]
        fn no_cycle_remains_and_no_link_is_cut_in_vain(
            links in prop::collection::vec((0..8usize, 0..8usize), 0..24),
            turn in 0..24usize,
        ) {
            let hierarchy = Hierarchy::acyclic(links.clone(), 8);
            for (child, parents) in hierarchy.parents.iter().enumerate() {
                for parent in parents {
                    prop_assert!(!hierarchy.is_ancestor(child, *parent), "cycle at {child}");
                }
            }
            for (child, parent) in &hierarchy.cut {
                prop_assert!(hierarchy.is_ancestor(*child, *parent), "{child} -> {parent} closes nothing");
            }
            let mut turned = links;
            let by = turn % turned.len().max(1);
            turned.rotate_left(by);
            prop_assert_eq!(Hierarchy::acyclic(turned, 8), hierarchy);
        }
    }
}
