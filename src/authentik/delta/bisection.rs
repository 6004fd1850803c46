//! Bisection: finds the offset where two ordered lists differ. Pure: the caller sends the probes.
//!
//! An offset is the position of a pk in a list, counted from 1. [`Bisection`] ends for any
//! lists, after as many probes as the offset has binary digits. Its result is only a hint where to
//! look. A [`Window`] is a proof: the rows of one page. No other row was between its first and
//! its last one. A window around the offset always shows a difference, unless the list changed
//! meanwhile.

use std::collections::BTreeSet;

use crate::directory::UserPk;

/// The minimum size of a window. It shows several deleted neighbours at once, and costs little more
/// than one row.
pub(super) const WINDOW: usize = 8;

/// Searches for an offset where the lists differ and which is the first, or follows one where they
/// agree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bisection {
    agrees: usize,
    differs: usize,
}

impl Bisection {
    /// Starts from any offset where the lists differ. Beyond the end of one of them they do.
    pub(super) fn up_to(differs: usize) -> Self {
        Self { agrees: 0, differs }
    }

    /// The offset to probe next, or `None` when the search is done.
    pub(super) fn next(&self) -> Option<usize> {
        (self.agrees + 1 < self.differs).then(|| self.agrees.midpoint(self.differs))
    }

    /// Records whether the lists agree at an offset.
    pub(super) fn note(&mut self, offset: usize, agrees: bool) {
        if agrees {
            self.agrees = offset;
        } else {
            self.differs = offset;
        }
    }

    /// The offset where the lists differ.
    pub(super) fn found(&self) -> usize {
        self.differs
    }
}

/// The pk at an offset.
pub(super) fn at(known: &[UserPk], offset: usize) -> Option<UserPk> {
    known.get(offset.checked_sub(1)?).copied()
}

/// The offset of a pk.
pub(super) fn offset_of(known: &[UserPk], pk: UserPk) -> Option<usize> {
    known.binary_search(&pk).ok().map(|index| index + 1)
}

/// The size and number of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageRequest {
    pub(super) size: usize,
    pub(super) page: usize,
}

impl PageRequest {
    /// The smallest page of at least `least` rows that has an offset and the one before it. Offset
    /// 1 is on page 1.
    pub(super) fn around(offset: usize, least: usize) -> Self {
        let before = offset.saturating_sub(1);
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

/// The pks of one page, between which the list had no other row.
#[derive(Debug)]
pub(super) struct Window {
    pks: BTreeSet<UserPk>,
    is_first: bool,
    is_last: bool,
}

impl Window {
    /// Creates the window of an answer. A page that is not full is the last one.
    pub(super) fn new(request: PageRequest, pks: impl IntoIterator<Item = UserPk>) -> Self {
        let pks: BTreeSet<_> = pks.into_iter().collect();
        let is_last = pks.len() < request.size;
        Self {
            pks,
            is_first: request.page == 1,
            is_last,
        }
    }

    /// The known pks that the window proves to be absent.
    pub(super) fn absent(&self, known: &[UserPk]) -> BTreeSet<UserPk> {
        let above = |pk: &UserPk| self.is_first || self.pks.first().is_some_and(|first| first < pk);
        let below = |pk: &UserPk| self.is_last || self.pks.last().is_some_and(|last| last > pk);
        // An empty page after the first proves nothing: its position is unknown.
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

    /// The tests use all subsets of this many pks.
    const PKS: u32 = 7;

    fn list(bits: u32) -> Vec<UserPk> {
        (0..PKS)
            .filter(|bit| bits & (1 << bit) != 0)
            .map(|bit| UserPk(i64::from(bit) * 10))
            .collect()
    }

    /// The offset of a mismatch, as a probe of the end finds it.
    fn tail(known: &[UserPk], server: &[UserPk]) -> Option<usize> {
        let differs = known.is_empty() || at(server, known.len()) != known.last().copied();
        if differs && !(known.is_empty() && server.is_empty()) {
            return Some(known.len().max(1));
        }
        (server.len() > known.len()).then_some(known.len() + 1)
    }

    /// Bisects once and repairs what the window shows. Returns whether anything changed.
    fn repair(known: &mut Vec<UserPk>, server: &[UserPk], differs: usize) -> bool {
        let (mut bisection, mut probes) = (Bisection::up_to(differs), 0);
        while let Some(offset) = bisection.next() {
            probes += 1;
            bisection.note(
                offset,
                at(server, offset).is_some() && at(server, offset) == at(known, offset),
            );
        }
        assert!(
            probes <= differs.ilog2() + 1,
            "{probes} probes for offset {differs}"
        );
        let offset = bisection.found();
        // Smaller than the lists, so that a page does not show a whole list.
        let request = PageRequest::around(offset, 2);
        let page = server
            .chunks(request.size)
            .nth(request.page - 1)
            .unwrap_or_default();
        let absent = Window::new(request, page.iter().copied()).absent(known);
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
    fn lists_become_equal_if_one_contains_the_other() {
        for (a, b) in (0..1 << PKS).flat_map(|a| (0..1 << PKS).map(move |b| (a, b))) {
            if a & b != a && a & b != b {
                continue;
            }
            let (mut known, server) = (list(a), list(b));
            while let Some(differs) = tail(&known, &server) {
                assert!(
                    repair(&mut known, &server, differs),
                    "{:?} stays {known:?}",
                    list(a)
                );
            }
            assert_eq!(known, server, "from {:?}", list(a));
        }
    }

    #[test]
    fn a_bisection_of_any_lists_ends_and_proves_only_what_is_true() {
        for (a, b) in (0..1 << PKS).flat_map(|a| (0..1 << PKS).map(move |b| (a, b))) {
            let (mut known, server) = (list(a), list(b));
            for _ in 0..2 * PKS {
                let Some(differs) = tail(&known, &server) else {
                    break;
                };
                assert!(
                    repair(&mut known, &server, differs),
                    "a difference at the end is always found"
                );
            }
            assert_eq!(tail(&known, &server), None, "{:?} {server:?}", list(a));
        }
    }

    #[test]
    fn a_page_has_both_offsets() {
        for offset in 1..5000 {
            let PageRequest { size, page } = PageRequest::around(offset, WINDOW);
            let offsets = (page - 1) * size + 1..=page * size;
            assert!(
                offsets.contains(&offset) && offsets.contains(&(offset - 1).max(1)),
                "{offset}: {size} {page}"
            );
            assert!((WINDOW..WINDOW + 12).contains(&size));
        }
    }
}
