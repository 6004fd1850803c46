//! The requests of an incremental sync, and the checks of each answer.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use reqwest::StatusCode;

use super::bisection::PageRequest;
use super::fallback::FallbackReason;
use super::{Abort, BROKEN};
use crate::authentik::client::{Client, Filter};
use crate::authentik::error::Error;
use crate::authentik::wire::{Page, Stamped, WirePagination};
use crate::directory::UserPk;
use crate::progress::Progress;

/// Later than any change: 9000-01-01T00:00:00Z, in seconds. Authentik rejects years with more than
/// four digits.
const NEVER: i64 = 221_845_392_000;

/// Sends the requests, counts them, and rejects answers that do not match the request.
pub(super) struct Queries<'a> {
    pub(super) client: &'a Client,
    pub(super) progress: &'a Progress,
    /// Users with a later stamp are recent.
    pub(super) since: Timestamp,
    /// The maximum number of recent users, or one page if that is more.
    pub(super) max_recent: usize,
}

/// The recent users, as read once.
#[derive(Debug)]
pub(super) struct RecentUsers {
    rows: BTreeMap<UserPk, Stamped>,
    /// The count in the first answer.
    count: usize,
}

impl RecentUsers {
    /// The first answer was inconsistent, so this equals no other read.
    fn torn() -> Self {
        Self {
            rows: BTreeMap::new(),
            count: usize::MAX,
        }
    }

    /// Whether nothing changed since the previous read, and both are complete. Authentik never
    /// reuses a pk, so every row of both existed at the first answer of this read, and a further
    /// row would have made its count greater.
    pub(super) fn is_unchanged_since(&self, before: &Self) -> bool {
        let same = |a: &Stamped, b: &Stamped| {
            (a.user.pk, a.last_updated) == (b.user.pk, b.last_updated)
                && a.user.is_in_same_partition(&b.user)
        };
        let (now, then) = (self.rows.values(), before.rows.values());
        self.rows.len() == self.count
            && now.len() == then.len()
            && now.zip(then).all(|(a, b)| same(a, b))
    }

    /// The rows by pk.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Stamped> {
        self.rows.values()
    }
}

impl Queries<'_> {
    /// Falls back if the server ignores the filter `last_updated__gt`.
    pub(super) async fn require_filter(&self) -> Result<(), Abort> {
        let never = Timestamp::from_second(NEVER).unwrap_or(Timestamp::MAX);
        let page = self
            .page(
                &Filter::UpdatedAfter(never),
                PageRequest { size: 1, page: 1 },
            )
            .await?;
        let is_known =
            page.is_some_and(|page| page.pagination.count == 0 && page.results.is_empty());
        if is_known {
            Ok(())
        } else {
            Err(Abort::Fallback(FallbackReason::Unsupported))
        }
    }

    /// Reads the recent users.
    pub(super) async fn recent(&self) -> Result<RecentUsers, Abort> {
        let size = self.client.page_size();
        let filter = Filter::UpdatedAfter(self.since);
        let first = self.page(&filter, PageRequest { size, page: 1 }).await?;
        let Some(Page {
            pagination,
            results,
            ..
        }) = first
        else {
            return Ok(RecentUsers::torn());
        };
        if pagination.count > self.max_recent.max(size) {
            return Err(Abort::Fallback(FallbackReason::TooManyChanges));
        }
        let mut others = Vec::new();
        for page in 2..=pagination.count.div_ceil(size) {
            others.push(self.page(&filter, PageRequest { size, page }));
        }
        let others = stream::iter(others).buffer_unordered(self.client.concurrency());
        let others: Vec<_> = others.try_collect().await?;
        let rows = others
            .into_iter()
            .flatten()
            .flat_map(|page| page.results)
            .chain(results);
        Ok(RecentUsers {
            rows: rows.map(|row| (row.user.pk, row)).collect(),
            count: pagination.count,
        })
    }

    /// Probes an offset: the row there and the total count. Returns `None` beyond the end.
    pub(super) async fn row(
        &self,
        filter: &Filter,
        offset: usize,
    ) -> Result<Option<(Stamped, usize)>, Abort> {
        let page = self
            .page(
                filter,
                PageRequest {
                    size: 1,
                    page: offset,
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

    /// Requests a page. Returns `None` beyond the end, or if the list changed while the server
    /// answered.
    pub(super) async fn page(
        &self,
        filter: &Filter,
        request: PageRequest,
    ) -> Result<Option<Page<Stamped>>, Abort> {
        self.progress.expect(1);
        let answer = self.client.users(filter, request.size, request.page).await;
        self.progress.advance();
        let Some(page) = answer.map_err(abort_for)? else {
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
        let WirePagination { count, total_pages } = pagination;
        let ascending = page.results.is_sorted_by(|a, b| a.user.pk < b.user.pk);
        // A cap on the page size would shift every offset.
        if !ascending || total_pages.max(1) != count.div_ceil(request.size).max(1) {
            return Err(Abort::Fallback(FallbackReason::Unsupported));
        }
        // Authentik counts before it selects the rows.
        let rows = count
            .saturating_sub((request.page - 1) * request.size)
            .min(request.size);
        Ok((page.results.len() == rows).then_some(page))
    }
}

/// Falls back on 400 (Bad Request): a full sync sends simpler requests.
fn abort_for(error: Error) -> Abort {
    match error {
        Error::Status {
            status: StatusCode::BAD_REQUEST,
            ..
        } => Abort::Fallback(FallbackReason::Unsupported),
        error => Abort::Error(error),
    }
}
