//! Finds where two ordered lists differ, by their ranks; pure, others ask.
//!
//! A rank is the place of a pk in a list, counted from 1. [`Halving`] ends whatever the lists are,
//! after as many questions as the rank has binary digits. What it finds is only a hint where to look.
//! Certain is a [`Window`]: rows that stood side by side in one answer. Between the first and the last
//! of them there was no other row. A window around the found rank always shows a difference, unless
//! the list has changed meanwhile.

use std::collections::BTreeSet;

use crate::directory::UserPk;

/// The least size of a window: it shows neighbours that went together, and costs little more than one row.
pub(super) const WINDOW: usize = 8;

/// The search for a rank where the lists differ, while they agree at the rank before it (or it is the first).
#[derive(Clone, Copy, Debug)]
pub(super) struct Halving {
    agrees: usize,
    differs: usize,
}

impl Halving {
    /// Begins with any rank where the lists differ; beyond the end of one of them they do.
    pub(super) fn up_to(differs: usize) -> Self {
        Self { agrees: 0, differs }
    }

    /// The rank to compare next; none as soon as the boundary is found.
    pub(super) fn next(&self) -> Option<usize> {
        (self.agrees + 1 < self.differs).then(|| self.agrees.midpoint(self.differs))
    }

    /// Notes whether the lists agree at a rank.
    pub(super) fn note(&mut self, rank: usize, agrees: bool) {
        if agrees {
            self.agrees = rank;
        } else {
            self.differs = rank;
        }
    }

    /// The rank where they differ.
    pub(super) fn found(&self) -> usize {
        self.differs
    }
}

/// The pk at a rank.
pub(super) fn at(known: &[UserPk], rank: usize) -> Option<UserPk> {
    known.get(rank.checked_sub(1)?).copied()
}

/// The rank of a pk.
pub(super) fn rank_of(known: &[UserPk], pk: UserPk) -> Option<usize> {
    known.binary_search(&pk).ok().map(|place| place + 1)
}

/// A page of a list: its size and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) size: usize,
    pub(super) page: usize,
}

impl Place {
    /// The page of at least so many rows that has a rank and the one before it; the first page if
    /// there is none before.
    pub(super) fn around(rank: usize, least: usize) -> Self {
        let before = rank.saturating_sub(1);
        let mut size = least.max(2);
        while before > 0 && before.is_multiple_of(size) {
            size += 1;
        }
        Self {
            size,
            page: before.saturating_sub(1) / size + 1,
        }
    }
}

/// Pks that stood side by side in one answer.
#[derive(Debug)]
pub(super) struct Window {
    pks: BTreeSet<UserPk>,
    is_first: bool,
    is_last: bool,
}

impl Window {
    /// The window that an answer shows. A page that is not full has the end of the list.
    pub(super) fn new(place: Place, pks: impl IntoIterator<Item = UserPk>) -> Self {
        let pks: BTreeSet<_> = pks.into_iter().collect();
        let is_last = pks.len() < place.size;
        Self {
            pks,
            is_first: place.page == 1,
            is_last,
        }
    }

    /// Which of these pks the window proves to be absent.
    pub(super) fn absent(&self, known: &[UserPk]) -> BTreeSet<UserPk> {
        let above = |pk: &UserPk| self.is_first || self.pks.first().is_some_and(|first| first < pk);
        let below = |pk: &UserPk| self.is_last || self.pks.last().is_some_and(|last| last > pk);
        // An empty page beyond the first says nothing of where it stands.
        if self.pks.is_empty() && !self.is_first {
            return BTreeSet::new();
        }
        known
            .iter()
            .copied()
            .filter(|pk| above(pk) && below(pk) && !self.pks.contains(pk))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pks the lists are made of, all subsets of them.
    const PKS: u32 = 7;

    fn list(bits: u32) -> Vec<UserPk> {
        (0..PKS)
            .filter(|bit| bits & (1 << bit) != 0)
            .map(|bit| UserPk(i64::from(bit) * 10))
            .collect()
    }

    /// A rank where the lists differ, as the last one and the count tell it.
    fn tail(known: &[UserPk], server: &[UserPk]) -> Option<usize> {
        let differs = known.is_empty() || at(server, known.len()) != known.last().copied();
        if differs && !(known.is_empty() && server.is_empty()) {
            return Some(known.len().max(1));
        }
        (server.len() > known.len()).then_some(known.len() + 1)
    }

    /// Looks once and mends what the window shows; tells whether it did.
    fn mend(known: &mut Vec<UserPk>, server: &[UserPk], differs: usize) -> bool {
        let (mut halving, mut asked) = (Halving::up_to(differs), 0);
        while let Some(rank) = halving.next() {
            asked += 1;
            halving.note(
                rank,
                at(server, rank).is_some() && at(server, rank) == at(known, rank),
            );
        }
        assert!(
            asked <= differs.ilog2() + 1,
            "{asked} questions for rank {differs}"
        );
        let rank = halving.found();
        // Smaller than the lists, or a page would show all of one.
        let place = Place::around(rank, 2);
        let page = server
            .chunks(place.size)
            .nth(place.page - 1)
            .unwrap_or_default();
        let absent = Window::new(place, page.iter().copied()).absent(known);
        assert!(
            absent.iter().all(|pk| !server.contains(pk)),
            "{known:?} {server:?}: {absent:?}"
        );
        let before = known.clone();
        known.retain(|pk| !absent.contains(pk));
        known.extend(page);
        known.sort_unstable();
        known.dedup();
        *known != before
    }

    #[test]
    fn lists_of_which_one_holds_the_other_become_equal() {
        for (a, b) in (0..1 << PKS).flat_map(|a| (0..1 << PKS).map(move |b| (a, b))) {
            if a & b != a && a & b != b {
                continue;
            }
            let (mut known, server) = (list(a), list(b));
            while let Some(differs) = tail(&known, &server) {
                assert!(
                    mend(&mut known, &server, differs),
                    "{:?} stays {known:?}",
                    list(a)
                );
            }
            assert_eq!(known, server, "from {:?}", list(a));
        }
    }

    #[test]
    fn whatever_the_lists_are_a_look_ends_and_proves_only_what_is_true() {
        for (a, b) in (0..1 << PKS).flat_map(|a| (0..1 << PKS).map(move |b| (a, b))) {
            let (mut known, server) = (list(a), list(b));
            for _ in 0..2 * PKS {
                let Some(differs) = tail(&known, &server) else {
                    break;
                };
                assert!(
                    mend(&mut known, &server, differs),
                    "a difference at the end is always found"
                );
            }
            assert_eq!(tail(&known, &server), None, "{:?} {server:?}", list(a));
        }
    }

    #[test]
    fn a_page_has_both_ranks() {
        for rank in 1..5000 {
            let Place { size, page } = Place::around(rank, WINDOW);
            let ranks = (page - 1) * size + 1..=page * size;
            assert!(
                ranks.contains(&rank) && ranks.contains(&(rank - 1).max(1)),
                "{rank}: {size} {page}"
            );
            assert!((WINDOW..WINDOW + 12).contains(&size));
        }
    }
}
