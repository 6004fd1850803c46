//! The few questions that a reading of what changed asks, and the checks that each answer needs.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use reqwest::StatusCode;

use super::reason::Reason;
use super::search::Place;
use super::{BROKEN, Stop};
use crate::authentik::client::{Client, Filter};
use crate::authentik::error::Error;
use crate::authentik::wire::{Page, Pagination, Stamped};
use crate::directory::UserPk;
use crate::progress::Progress;

/// Later than any change: 9000-01-01T00:00:00Z, in seconds. Years of more digits are no dates there.
const NEVER: i64 = 221_845_392_000;

/// Asks, counts, and refuses answers that are not what was asked for.
pub(super) struct Asker<'a> {
    pub(super) client: &'a Client,
    pub(super) progress: &'a Progress,
    /// Changes with a later stamp are asked for.
    pub(super) since: Timestamp,
    /// So many changed users at most.
    pub(super) most: usize,
}

/// The users that changed, as one reading shows them.
#[derive(Debug)]
pub(super) struct Recent {
    rows: BTreeMap<UserPk, Stamped>,
    /// How many the first answer counted.
    count: usize,
}

impl Recent {
    /// A reading whose first answer changed while it was given; it is as no other.
    fn torn() -> Self {
        Self {
            rows: BTreeMap::new(),
            count: usize::MAX,
        }
    }

    /// Whether nothing changed since the reading before, and both are whole: pks do not come back, so
    /// whatever both hold was there at this one's first answer, and one more would have been counted.
    pub(super) fn is_as(&self, before: &Self) -> bool {
        let same = |a: &Stamped, b: &Stamped| {
            (a.user.pk, a.last_updated) == (b.user.pk, b.last_updated)
                && a.user.is_counted_with(&b.user)
        };
        let (now, then) = (self.rows.values(), before.rows.values());
        self.rows.len() == self.count
            && now.len() == then.len()
            && now.zip(then).all(|(a, b)| same(a, b))
    }

    /// The rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Stamped> {
        self.rows.values()
    }
}

impl Asker<'_> {
    /// Refuses a server that ignores the filter of what changed: it would show everybody or nobody new.
    pub(super) async fn require_filter(&self) -> Result<(), Stop> {
        let never = Timestamp::from_second(NEVER).unwrap_or(Timestamp::MAX);
        let page = self
            .page(&Filter::UpdatedAfter(never), Place { size: 1, page: 1 })
            .await?;
        let is_known =
            page.is_some_and(|page| page.pagination.count == 0 && page.results.is_empty());
        if is_known {
            Ok(())
        } else {
            Err(Stop::Doubt(Reason::Unsupported))
        }
    }

    /// Reads the users that changed.
    pub(super) async fn recent(&self) -> Result<Recent, Stop> {
        let size = self.client.page_size();
        let filter = Filter::UpdatedAfter(self.since);
        let first = self.page(&filter, Place { size, page: 1 }).await?;
        let Some(Page {
            pagination,
            results,
            ..
        }) = first
        else {
            return Ok(Recent::torn());
        };
        if pagination.count > self.most.max(size) {
            return Err(Stop::Doubt(Reason::TooMany));
        }
        let mut others = Vec::new();
        for page in 2..=pagination.count.div_ceil(size) {
            others.push(self.page(&filter, Place { size, page }));
        }
        let others = stream::iter(others).buffer_unordered(self.client.concurrency());
        let others: Vec<_> = others.try_collect().await?;
        let rows = others
            .into_iter()
            .flatten()
            .flat_map(|page| page.results)
            .chain(results);
        Ok(Recent {
            rows: rows.map(|row| (row.user.pk, row)).collect(),
            count: pagination.count,
        })
    }

    /// Asks for the row at a rank, and how many there are; none beyond the end.
    pub(super) async fn row(
        &self,
        filter: &Filter,
        rank: usize,
    ) -> Result<Option<(Stamped, usize)>, Stop> {
        let page = self
            .page(
                filter,
                Place {
                    size: 1,
                    page: rank,
                },
            )
            .await?;
        Ok(page.and_then(
            |Page {
                 pagination,
                 results,
                 ..
             }| { Some((results.into_iter().next()?, pagination.count)) },
        ))
    }

    /// Asks for a page; none beyond the end, or if it changed while it was answered.
    pub(super) async fn page(
        &self,
        filter: &Filter,
        place: Place,
    ) -> Result<Option<Page<Stamped>>, Stop> {
        self.progress.expect(1);
        let answer = self.client.users(filter, place.size, place.page).await;
        self.progress.advance();
        let Some(page) = answer.map_err(refused)? else {
            return Ok(None);
        };
        let Page {
            pagination,
            results,
            bytes,
        } = page;
        let results: Result<Vec<Stamped>, _> = results.into_iter().collect();
        let page = Page {
            pagination,
            results: results.map_err(|_| BROKEN)?,
            bytes,
        };
        let Pagination { count, total_pages } = pagination;
        let ascending = page.results.is_sorted_by(|a, b| a.user.pk < b.user.pk);
        // A cap on the size would move every rank.
        if !ascending || total_pages.max(1) != count.div_ceil(place.size).max(1) {
            return Err(Stop::Doubt(Reason::Unsupported));
        }
        // Authentik counts before it reads.
        let rows = count
            .saturating_sub((place.page - 1) * place.size)
            .min(place.size);
        Ok((page.results.len() == rows).then_some(page))
    }
}

/// A question that is no valid one to this server is one that a full crawl does not ask.
fn refused(error: Error) -> Stop {
    match error {
        Error::Status {
            status: StatusCode::BAD_REQUEST,
            ..
        } => Stop::Doubt(Reason::Unsupported),
        error => Stop::Error(error),
    }
}
