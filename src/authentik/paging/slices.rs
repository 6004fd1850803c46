//! Which pages cover a list so that each one overlaps the next. Pure.
//!
//! Page `k` of `s` rows has the rows `(k - 1) * s + 1` to `k * s` of the list, and a client may choose `s` for each
//! request. So pages of different sizes overlap without requests of their own: 10,000 rows take 117 pages of up to
//! 100 rows, a tenth of the rows twice.

/// The number of rows that a page shares with the one before, so that two deletes between the two answers leave no
/// gap. Small pages share fewer.
const OVERLAP: usize = 3;
/// A page shares at most this part of its rows: a tenth.
const SHARED_PART: usize = 10;

/// A page of a list, with a size of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::authentik) struct Slice {
    /// The number of the page, from 1.
    pub(super) number: usize,
    /// The number of rows.
    pub(super) size: usize,
}

impl Slice {
    /// Returns the slice of at most `largest` rows that begins before the first `covered` rows of the list end,
    /// and ends furthest behind them.
    pub(super) fn after(covered: usize, largest: usize) -> Self {
        let shared = OVERLAP.min(largest / SHARED_PART).max(1);
        let start = covered.saturating_sub(shared);
        let slices = (1..=largest).map(|size| Self {
            number: start / size + 1,
            size,
        });
        let longer = slices.filter(|slice| slice.end() > covered);
        // Of two that end at the same row, the one with fewer rows.
        longer
            .max_by_key(|slice| (slice.end(), std::cmp::Reverse(slice.size)))
            .unwrap_or_else(|| Self::across(covered))
    }

    /// Returns the smallest slice that has the row `covered` and the next one.
    fn across(covered: usize) -> Self {
        let sizes = 2..=covered + 2;
        let size = sizes
            .into_iter()
            .find(|size| !covered.is_multiple_of(*size));
        let size = size.unwrap_or(2);
        Self {
            number: covered / size + 1,
            size,
        }
    }

    /// Returns the last row of a full slice, counted from 1.
    pub(super) fn end(self) -> usize {
        self.number * self.size
    }
}

/// Returns the slices that cover a list of `count` rows after its first page of `size` rows. The last one ends at
/// or behind the end of the list.
pub(in crate::authentik) fn slices(count: usize, size: usize) -> impl Iterator<Item = Slice> {
    let mut covered = size;
    std::iter::from_fn(move || {
        let slice = (covered < count && size > 0).then(|| Slice::after(covered, size))?;
        covered = slice.end();
        Some(slice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the requests and the rows that cover a list.
    fn cost(count: usize, size: usize) -> (usize, usize) {
        let mut cost = (1, size.min(count));
        for slice in slices(count, size) {
            cost.0 += 1;
            cost.1 += slice.end().min(count) - (slice.end() - slice.size);
        }
        cost
    }

    #[test]
    fn each_slice_begins_before_the_last_one_ends_and_ends_behind_it() {
        for size in 1..=120 {
            let mut covered = size;
            for slice in slices(3_000, size) {
                let start = slice.end() - slice.size + 1;
                let shared = (size / SHARED_PART).clamp(1, OVERLAP);
                let shares_enough = start + shared <= covered + 1 || slice.size > size;
                assert!(
                    start <= covered && shares_enough,
                    "{slice:?} after {covered}"
                );
                assert!(slice.end() > covered, "{slice:?} after {covered}");
                assert!(slice.size <= size.max(11), "{slice:?} of {size}");
                covered = slice.end();
            }
            assert!(covered >= 3_000, "{size}");
        }
    }

    #[test]
    fn a_list_costs_little_more_than_its_pages() {
        assert_eq!(cost(0, 100), (1, 0));
        assert_eq!(cost(100, 100), (1, 100));
        assert_eq!(cost(101, 100), (2, 104));
        assert_eq!(cost(10_000, 100), (117, 10_992));
        assert_eq!(cost(100_000, 100), (1_166, 109_372));
    }
}
