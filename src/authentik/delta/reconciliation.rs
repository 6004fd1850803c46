//! Reconciliation: probes the lists, and repairs the known rows where a probe does not match.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::bisection::{Bisection, PageRequest, WINDOW, Window, at, offset_of};
use super::draft::Draft;
use super::fallback::FallbackReason;
use super::queries::Queries;
use super::{Abort, MAX_UNSTAMPED};
use crate::authentik::client::Filter;
use crate::authentik::wire::{Page, Stamped};
use crate::directory::UserPk;

/// How many sample offsets each comparison probes, besides the ends.
const SAMPLE_OFFSETS: usize = 3;
/// Moves the sample offsets with the time: a prime that does not divide usual numbers of users.
const STRIDE: u64 = 7919;

/// An offset where a part of the list differs from the known rows.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) part: Filter,
    pub(super) offset: usize,
}

/// Sends probes and applies the rows in the answers to the draft.
pub(super) struct Reconciliation<'a> {
    pub(super) queries: &'a Queries<'a>,
    pub(super) draft: &'a mut Draft,
    /// How many changes were applied that move a count.
    pub(super) repaired: usize,
}

impl<'a> Reconciliation<'a> {
    /// Starts with nothing repaired.
    pub(super) fn new(queries: &'a Queries<'a>, draft: &'a mut Draft) -> Self {
        Self {
            queries,
            draft,
            repaired: 0,
        }
    }

    /// Probes the end of the list, then the ends of the parts and the sample offsets concurrently,
    /// then the end of the list again. Returns the first mismatch.
    pub(super) async fn find_mismatch(&mut self) -> Result<Option<Mismatch>, Abort> {
        if let Some(found) = self.probe_end(Filter::All).await? {
            return Ok(Some(found));
        }
        let ends = self
            .draft
            .parts()
            .into_iter()
            .map(|part| Probe::at_end(self.draft, part));
        let probes: Vec<_> = ends.chain(self.sample_offsets()).collect();
        if let Some(found) = self.probe_all(probes).await? {
            return Ok(Some(found));
        }
        self.probe_end(Filter::All).await
    }

    /// Repairs a part of the list until the probe of its end matches, a step repairs nothing, or
    /// more than `limit` changes were applied.
    pub(super) async fn repair(&mut self, mismatch: Mismatch, limit: usize) -> Result<(), Abort> {
        let mut mismatch = Some(mismatch);
        while let Some(Mismatch { part, offset }) = mismatch.filter(|_| self.repaired <= limit) {
            let before = self.repaired;
            self.repair_at(&part, offset).await?;
            mismatch = if self.repaired > before {
                self.probe_end(part).await?
            } else {
                None
            };
        }
        Ok(())
    }

    /// Requests known users and applies their rows. Falls back for more than `MAX_UNSTAMPED` users.
    pub(super) async fn refetch(&mut self, pks: &BTreeSet<UserPk>) -> Result<(), Abort> {
        if pks.len() > MAX_UNSTAMPED {
            return Err(Abort::Fallback(FallbackReason::TooManyChanges));
        }
        let known = self.draft.pks(&Filter::All);
        let mut requests = Vec::new();
        for offset in pks.iter().filter_map(|pk| offset_of(&known, *pk)) {
            requests.push(self.queries.row(&Filter::All, offset));
        }
        let rows = try_join_all(requests).await?;
        for (row, _) in rows.into_iter().flatten() {
            self.apply(row);
        }
        Ok(())
    }

    /// Finds a difference up to an offset by bisection, and repairs what a window there proves.
    async fn repair_at(&mut self, part: &Filter, offset: usize) -> Result<(), Abort> {
        let known = self.draft.pks(part);
        let queries = self.queries;
        let mut bisection = Bisection::up_to(offset);
        while let Some(offset) = bisection.next() {
            let row = queries.row(part, offset).await?.map(|(row, _)| row);
            let pk = row.as_ref().map(|row| row.user.pk);
            bisection.note(offset, pk.is_some() && pk == at(&known, offset));
            if let Some(row) = row {
                self.apply(row);
            }
        }
        let request = PageRequest::around(bisection.found(), WINDOW);
        let Some(Page { results, .. }) = queries.page(part, request).await? else {
            return Ok(());
        };
        let absent = Window::new(request, results.iter().map(|row| row.user.pk)).absent(&known);
        for row in results {
            self.apply(row);
        }
        if *part != Filter::All {
            return self.refetch(&absent).await;
        }
        self.repaired += absent.len();
        for pk in absent {
            self.draft.remove(pk);
        }
        Ok(())
    }

    fn apply(&mut self, row: Stamped) {
        self.repaired += usize::from(self.draft.apply(row));
    }

    /// Probes the end of a part.
    async fn probe_end(&mut self, part: Filter) -> Result<Option<Mismatch>, Abort> {
        let probe = Probe::at_end(self.draft, part);
        self.probe_all(vec![probe]).await
    }

    /// Sends several probes concurrently, and returns the first mismatch.
    async fn probe_all(&mut self, probes: Vec<Probe>) -> Result<Option<Mismatch>, Abort> {
        let mut requests = Vec::new();
        for probe in &probes {
            requests.push(self.queries.row(&probe.part, probe.offset.max(1)));
        }
        let rows = try_join_all(requests).await?;
        let mut mismatch = None;
        for (row, probe) in rows.into_iter().zip(probes) {
            let differs = probe.differs_from(row.as_ref());
            if let Some((row, _)) = row {
                self.apply(row);
            }
            mismatch = mismatch.or(differs.map(|offset| Mismatch {
                part: probe.part,
                offset,
            }));
        }
        Ok(mismatch)
    }

    /// Offsets spread over the list. One between a deletion and an unstamped new row shows the
    /// shift.
    fn sample_offsets(&self) -> Vec<Probe> {
        let known = self.draft.pks(&Filter::All);
        let stretch = known.len() / SAMPLE_OFFSETS;
        let seconds = self.draft.began().as_second().unsigned_abs();
        let shift =
            usize::try_from(seconds.wrapping_mul(STRIDE) % stretch.max(1) as u64).unwrap_or(0);
        let offsets = (0..SAMPLE_OFFSETS).map(|sample| sample * stretch + shift + 1);
        offsets
            .filter_map(|offset| {
                Some(Probe {
                    part: Filter::All,
                    offset,
                    pk: Some(at(&known, offset)?),
                    end: false,
                })
            })
            .collect()
    }
}

/// An offset to probe, and the expected result.
#[derive(Debug)]
struct Probe {
    part: Filter,
    /// 0 if no row is expected.
    offset: usize,
    pk: Option<UserPk>,
    /// Whether no further row may follow.
    end: bool,
}

impl Probe {
    /// Expects the last known row of a part to be the last row of the list.
    fn at_end(draft: &Draft, part: Filter) -> Self {
        let known = draft.pks(&part);
        Self {
            part,
            offset: known.len(),
            pk: known.last().copied(),
            end: true,
        }
    }

    /// The offset where the answer differs from the known rows, if it does.
    fn differs_from(&self, answer: Option<&(Stamped, usize)>) -> Option<usize> {
        if answer
            .map(|(row, _)| row.user.pk)
            .filter(|_| self.offset > 0)
            != self.pk
        {
            return Some(self.offset);
        }
        let more = answer.is_some_and(|(_, count)| *count > self.offset);
        (self.end && more).then_some(self.offset + 1)
    }
}
