//! The answers of one pass, and whether they prove the list complete.

use std::collections::BTreeMap;

use super::slices::Slice;
use crate::authentik::wire::{Listed, Page, RowResult};
use crate::directory::RowError;

/// The rows of a list by pk; the error of a broken row.
pub type ListRows<Row> = BTreeMap<<Row as Listed>::Pk, Result<Row, RowError>>;

/// The answers of one pass so far.
pub(super) struct ListPass<Row: Listed> {
    pub(super) rows: ListRows<Row>,
    /// The lowest and the highest pk of each answer.
    spans: Vec<(Row::Pk, Row::Pk)>,
    /// The count in the last answer.
    pub(super) count: usize,
    /// The lowest and the highest count.
    counts: Option<(usize, usize)>,
    /// Whether the last answer is the end of the list.
    pub(super) ended: bool,
    /// Whether every answer is sorted by pk.
    pub(super) ordered: bool,
}

impl<Row: Listed> Default for ListPass<Row> {
    fn default() -> Self {
        Self {
            rows: ListRows::<Row>::new(),
            spans: Vec::new(),
            count: 0,
            counts: None,
            ended: false,
            ordered: true,
        }
    }
}

impl<Row: Listed> ListPass<Row> {
    /// Adds an answer. If two rows have the same pk, either may remain.
    pub(super) fn add(&mut self, page: Page<RowResult<Row>>) {
        let keyed: Vec<_> = page.results.into_iter().map(keyed::<Row>).collect();
        if let (Some((lowest, _)), Some((highest, _))) = (keyed.first(), keyed.last()) {
            self.spans.push((*lowest, *highest));
        }
        self.ordered &= keyed.is_sorted_by(|(a, _), (b, _)| a < b);
        self.count = page.pagination.count;
        let (lowest, highest) = self.counts.unwrap_or((self.count, self.count));
        self.counts = Some((lowest.min(self.count), highest.max(self.count)));
        self.rows.extend(keyed);
    }

    /// Whether the rows are proven to be all rows (see the module docs of `paging`).
    pub(super) fn is_complete(&self) -> bool {
        let is_counted = self.rows.len().abs_diff(self.count) <= self.drift();
        let is_chain = self.spans.len() <= 1 || (self.ordered && self.gaps().is_empty());
        self.ended && is_counted && is_chain
    }

    /// Returns by how many rows the list grew or shrank during the pass.
    fn drift(&self) -> usize {
        self.counts.map_or(0, |(lowest, highest)| highest - lowest)
    }

    /// Returns the pks behind which rows may be missing: no answer overlaps the next one there.
    fn gaps(&self) -> Vec<Row::Pk> {
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        let mut gaps = Vec::new();
        let mut reached = None;
        for (lowest, highest) in spans {
            gaps.extend(reached.filter(|reached| lowest > *reached));
            reached = reached.max(Some(highest));
        }
        gaps
    }

    /// Returns slices of at most `size` rows that close the gaps. A row may have moved by as many places as the
    /// list drifted.
    pub(super) fn repairs(&self, size: usize) -> Vec<Slice> {
        let drift = self.drift();
        let mut repairs = Vec::new();
        for pk in self.gaps() {
            let place = self.rows.range(..=pk).count();
            let mut covered = place.saturating_sub(drift).max(1);
            while covered <= place + drift {
                let slice = Slice::after(covered, size);
                covered = slice.end();
                repairs.push(slice);
            }
        }
        repairs
    }
}

/// A row with its pk.
fn keyed<Row: Listed>(row: RowResult<Row>) -> (Row::Pk, Result<Row, RowError>) {
    match row {
        Ok(row) => (row.pk(), Ok(row)),
        Err((pk, error)) => (pk, Err(error)),
    }
}
