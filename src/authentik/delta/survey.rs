//! Compares what is known with Authentik's counts, and mends what does not fit.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use super::asking::Asker;
use super::draft::Draft;
use super::reason::Reason;
use super::search::{Halving, Place, WINDOW, Window, at, rank_of};
use super::{Stop, UNANNOUNCED};
use crate::authentik::client::Filter;
use crate::authentik::wire::{Page, Stamped};
use crate::directory::UserPk;

/// Ranks that are looked at in every reading, besides the last ones.
const SPOTS: usize = 3;
/// Moves the spots along with the time; a prime that divides no usual number of users.
const STRIDE: u64 = 7919;

/// A rank where a part of the list differs from what is known.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) part: Filter,
    pub(super) rank: usize,
}

/// Asks and takes over what the answers show.
pub(super) struct Survey<'a> {
    pub(super) asker: &'a Asker<'a>,
    pub(super) draft: &'a mut Draft,
    /// How many differences were taken over.
    pub(super) mended: usize,
}

impl<'a> Survey<'a> {
    /// Begins with nothing mended.
    pub(super) fn new(asker: &'a Asker<'a>, draft: &'a mut Draft) -> Self {
        Self {
            asker,
            draft,
            mended: 0,
        }
    }

    /// Compares the whole, then the parts and some spots at once, then the whole again.
    pub(super) async fn differs(&mut self) -> Result<Option<Evidence>, Stop> {
        if let Some(found) = self.end_differs(Filter::All).await? {
            return Ok(Some(found));
        }
        let ends = self
            .draft
            .parts()
            .into_iter()
            .map(|part| Look::at_end(self.draft, part));
        let looks: Vec<_> = ends.chain(self.spots()).collect();
        if let Some(found) = self.any_differs(looks).await? {
            return Ok(Some(found));
        }
        self.end_differs(Filter::All).await
    }

    /// Mends a part of the list, difference by difference, until its end fits, nothing is found any
    /// more, or more than `most` were.
    pub(super) async fn mend(&mut self, evidence: Evidence, most: usize) -> Result<(), Stop> {
        let mut evidence = Some(evidence);
        while let Some(Evidence { part, rank }) = evidence.filter(|_| self.mended <= most) {
            let before = self.mended;
            self.mend_at(&part, rank).await?;
            evidence = if self.mended > before {
                self.end_differs(part).await?
            } else {
                None
            };
        }
        Ok(())
    }

    /// Asks for users by pk and takes over what is shown; not for so many that a full crawl costs no more.
    pub(super) async fn visit(&mut self, pks: &BTreeSet<UserPk>) -> Result<(), Stop> {
        if pks.len() > UNANNOUNCED {
            return Err(Stop::Doubt(Reason::TooMany));
        }
        let known = self.draft.pks(&Filter::All);
        let mut asked = Vec::new();
        for rank in pks.iter().filter_map(|pk| rank_of(&known, *pk)) {
            asked.push(self.asker.row(&Filter::All, rank));
        }
        let rows = try_join_all(asked).await?;
        for (row, _) in rows.into_iter().flatten() {
            self.take(row);
        }
        Ok(())
    }

    /// Finds the first difference up to a rank and mends what a window there proves.
    async fn mend_at(&mut self, part: &Filter, rank: usize) -> Result<(), Stop> {
        let known = self.draft.pks(part);
        let asker = self.asker;
        let mut halving = Halving::up_to(rank);
        while let Some(rank) = halving.next() {
            let row = asker.row(part, rank).await?.map(|(row, _)| row);
            let pk = row.as_ref().map(|row| row.user.pk);
            halving.note(rank, pk.is_some() && pk == at(&known, rank));
            if let Some(row) = row {
                self.take(row);
            }
        }
        let place = Place::around(halving.found(), WINDOW);
        let Some(Page { results, .. }) = asker.page(part, place).await? else {
            return Ok(());
        };
        let absent = Window::new(place, results.iter().map(|row| row.user.pk)).absent(&known);
        for row in results {
            self.take(row);
        }
        if *part != Filter::All {
            return self.visit(&absent).await;
        }
        self.mended += absent.len();
        for pk in absent {
            self.draft.remove(pk);
        }
        Ok(())
    }

    /// Takes a row over.
    fn take(&mut self, row: Stamped) {
        self.mended += usize::from(self.draft.take(row));
    }

    /// Compares the end of a part.
    async fn end_differs(&mut self, part: Filter) -> Result<Option<Evidence>, Stop> {
        let look = Look::at_end(self.draft, part);
        self.any_differs(vec![look]).await
    }

    /// Looks at some ranks at once; tells of the first that differs.
    async fn any_differs(&mut self, looks: Vec<Look>) -> Result<Option<Evidence>, Stop> {
        let mut asked = Vec::new();
        for look in &looks {
            asked.push(self.asker.row(&look.part, look.rank.max(1)));
        }
        let rows = try_join_all(asked).await?;
        let mut evidence = None;
        for (row, look) in rows.into_iter().zip(looks) {
            let differs = look.differs_from(row.as_ref());
            if let Some((row, _)) = row {
                self.take(row);
            }
            evidence = evidence.or(differs.map(|rank| Evidence {
                part: look.part,
                rank,
            }));
        }
        Ok(evidence)
    }

    /// Ranks spread over the list: a delete together with an unannounced row is found by any between.
    fn spots(&self) -> Vec<Look> {
        let known = self.draft.pks(&Filter::All);
        let stretch = known.len() / SPOTS;
        let seconds = self.draft.began().as_second().unsigned_abs();
        let shift =
            usize::try_from(seconds.wrapping_mul(STRIDE) % stretch.max(1) as u64).unwrap_or(0);
        let ranks = (0..SPOTS).map(|spot| spot * stretch + shift + 1);
        ranks
            .filter_map(|rank| {
                Some(Look {
                    part: Filter::All,
                    rank,
                    pk: Some(at(&known, rank)?),
                    end: false,
                })
            })
            .collect()
    }
}

/// A rank to look at, and what is expected there.
#[derive(Debug)]
struct Look {
    part: Filter,
    /// None of the rows, if it is 0.
    rank: usize,
    pk: Option<UserPk>,
    /// Whether there must be no further row.
    end: bool,
}

impl Look {
    /// The last row of a part, which must be the last there too.
    fn at_end(draft: &Draft, part: Filter) -> Self {
        let known = draft.pks(&part);
        Self {
            part,
            rank: known.len(),
            pk: known.last().copied(),
            end: true,
        }
    }

    /// A rank where the list differs from what is known, if the answer shows one.
    fn differs_from(&self, answer: Option<&(Stamped, usize)>) -> Option<usize> {
        if answer.map(|(row, _)| row.user.pk).filter(|_| self.rank > 0) != self.pk {
            return Some(self.rank);
        }
        let more = answer.is_some_and(|(_, count)| *count > self.rank);
        (self.end && more).then_some(self.rank + 1)
    }
}
