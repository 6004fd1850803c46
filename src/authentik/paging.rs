//! Reads one list and proves that it is complete.
//!
//! # Example
//!
//! A list has 250 rows with the pks 1 to 250, on 3 pages of 100.
//!
//! 1. Page 1 has the pks 1 to 100. Then row 50 is deleted, so every later row moves up by one.
//! 2. Page 2 has the pks 102 to 201. Row 101 is now the last row of page 1, so neither page shows
//!    it.
//! 3. Two small pages show the *seams*: rows 100 to 102 of the list have the pks 101 to 103, and
//!    rows 199 to 201 have the pks 200 to 202.
//! 4. Page 3 has the pks 202 to 250, and its count is 249.
//!
//! Page 1 ends at pk 100, and the next answer, the seam, begins at 101. There may be rows between
//! them, so the pass proves nothing. The count differs too: 250 distinct pks were read, 249 are
//! counted. The next pass reads 249 rows, each answer overlaps the next one, and the count is 249:
//! it is complete.
//!
//! # Rule
//!
//! A pass requests pages in the order of pks: page 1 first, then the pages between and all seams,
//! several at once, then the last page. A seam is a page of a few rows that has the last row of one
//! page and the first row of the next one. A pass is complete if
//! 1. every answer is sorted by pk, and, in the order of their first pks, each one begins at or
//!    before the highest pk so far;
//! 2. the last answer is the end of the list by its own count;
//! 3. this count is the number of distinct pks that the pass read.
//!
//! A pass that is not complete is discarded, and the list is read again.
//!
//! # Proof
//!
//! One answer is a part of the list at one moment, without a gap. So it shows every row that
//! existed at that moment with a pk from its first to its last one. Take a row that exists during
//! the whole pass.
//!
//! 1. Page 1 begins with the lowest pk of its moment, so the row is not below it.
//! 2. The last answer is the end of the list, so the row is not above it.
//! 3. The answers between leave no gap, so the pk of the row is within one of them.
//! 4. That answer shows the row.
//!
//! The proof assumes nothing about changes during the pass: any number of rows may appear, with any
//! pk, and disappear. Point 3 of the rule also rejects a pass with rows that were deleted
//! meanwhile, or without rows that appeared, unless both cancel out.
//!
//! # Details
//!
//! `total_pages` gives the number of pages. The client does not follow `next`, so no chain of pages
//! is endless. A broken row counts by its pk like any other.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use futures::{StreamExt, TryStreamExt, stream};

use super::client::Client;
use super::error::Error;
use super::wire::{Listed, Page, RowResult};
use crate::directory::RowError;
use crate::progress::Progress;

/// How many passes may be incomplete before the run fails.
const ROUNDS: usize = 4;

/// The maximum size of all answers of a pass, in bytes: ten times a list of 50,000 users. It bounds
/// the memory for the rows, for any count that the server sends.
const LARGEST_PASS: usize = 1 << 30;
/// How many pages a list may grow by during a pass. A list that grows more is treated as endless.
const GROWTH: usize = 100;

/// The rows of a list by pk; the error of a broken row.
pub type ListRows<Row> = BTreeMap<<Row as Listed>::Pk, Result<Row, RowError>>;

/// Reads a list until a pass is complete.
///
/// # Errors
/// When a page cannot be read, the list changes during every pass, or no pass is in the order of
/// pks.
pub async fn read_list<Row: Listed>(
    client: &Client,
    progress: &Progress,
) -> Result<ListRows<Row>, Error> {
    let (mut rows, mut count, mut ordered) = (0, 0, false);
    for _ in 0..ROUNDS {
        let pass = ListReader::new(client, progress).read::<Row>().await?;
        if pass.is_complete() {
            return Ok(pass.rows);
        }
        (rows, count) = (pass.rows.len(), pass.count);
        ordered |= pass.ordered;
    }
    let (list, rounds) = (Row::LIST, ROUNDS);
    if !ordered {
        return Err(Error::Unordered { list, rounds });
    }
    Err(Error::Incomplete {
        list,
        rows,
        count,
        rounds,
    })
}

/// Reads the rows after the first `known` ones, and a few of those. The result is not proven
/// complete.
///
/// # Errors
/// When a page cannot be read.
pub async fn read_tail<Row: Listed>(
    client: &Client,
    progress: &Progress,
    known: usize,
) -> Result<ListRows<Row>, Error> {
    let size = client.page_size();
    let from = known.saturating_sub(1) / size + 1;
    let mut pass = ListPass::default();
    ListReader::new(client, progress)
        .end(&mut pass, from, size)
        .await?;
    Ok(if pass.ended {
        pass.rows
    } else {
        ListRows::<Row>::new()
    })
}

/// The answers of one pass so far.
struct ListPass<Row: Listed> {
    rows: ListRows<Row>,
    /// The lowest and the highest pk of each answer.
    spans: Vec<(Row::Pk, Row::Pk)>,
    /// The count in the last answer.
    count: usize,
    /// Whether no page was missing, and the last answer is the end of the list.
    ended: bool,
    /// Whether every answer is sorted by pk.
    ordered: bool,
}

impl<Row: Listed> Default for ListPass<Row> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            spans: Vec::new(),
            count: 0,
            ended: false,
            ordered: true,
        }
    }
}

impl<Row: Listed> ListPass<Row> {
    /// Adds an answer. If two rows have the same pk, either may remain.
    fn add(&mut self, page: Page<RowResult<Row>>) {
        let keyed: Vec<_> = page.results.into_iter().map(keyed::<Row>).collect();
        if let (Some((lowest, _)), Some((highest, _))) = (keyed.first(), keyed.last()) {
            self.spans.push((*lowest, *highest));
        }
        self.ordered &= keyed.is_sorted_by(|(a, _), (b, _)| a < b);
        self.count = page.pagination.count;
        self.rows.extend(keyed);
    }

    /// Whether the rows are proven to be all rows (see the module docs).
    fn is_complete(&self) -> bool {
        self.ended && self.rows.len() == self.count && (self.spans.len() <= 1 || self.is_seamless())
    }

    /// Whether every answer is sorted by pk, and none begins above the highest pk so far.
    fn is_seamless(&self) -> bool {
        if !self.ordered {
            return false;
        }
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        let mut reached = spans.first().map(|(lowest, _)| *lowest);
        spans.iter().all(|(lowest, highest)| {
            let has_no_gap = Some(*lowest) <= reached;
            reached = reached.max(Some(*highest));
            has_no_gap
        })
    }
}

/// Requests the pages of one pass.
struct ListReader<'a> {
    client: &'a Client,
    progress: &'a Progress,
    /// The size of all answers so far.
    bytes: AtomicUsize,
}

impl<'a> ListReader<'a> {
    /// Creates a reader for a new pass.
    fn new(client: &'a Client, progress: &'a Progress) -> Self {
        Self {
            client,
            progress,
            bytes: AtomicUsize::new(0),
        }
    }

    /// Runs one pass: page 1, which has the number of pages, the pages between and all seams, then
    /// the last page.
    async fn read<Row: Listed>(&self) -> Result<ListPass<Row>, Error> {
        let mut pass = ListPass::default();
        self.progress.open();
        let first = self.page::<Row>(1, self.client.page_size()).await?;
        self.progress.sized();
        let Some(first) = first else {
            return Ok(pass);
        };
        // A page that is not the last one is full, so its length is the page size that Authentik
        // applies.
        let (last, size) = (first.pagination.total_pages, first.results.len());
        pass.add(first);
        if last <= 1 {
            pass.ended = true;
        } else if size > 0 && self.middle(&mut pass, last, size).await? {
            self.end(&mut pass, last, size).await?;
        }
        Ok(pass)
    }

    /// Reads the pages between the first and the last, and all seams, concurrently. Returns false
    /// if a page is missing or the list grew by more than `GROWTH` pages.
    async fn middle<Row: Listed>(
        &self,
        pass: &mut ListPass<Row>,
        last: usize,
        size: usize,
    ) -> Result<bool, Error> {
        let (requested, max_count) = (
            self.client.page_size(),
            pass.count.saturating_add(GROWTH * size),
        );
        let pages = (2..last).map(|number| (number, requested));
        let requests = pages.chain((1..last).map(|number| seam(number, size)));
        self.progress.expect(2 * last - 3);
        let answers = stream::iter(requests)
            .map(async |(number, size)| self.fetch::<Row>(number, size).await);
        let mut answers = pin!(answers.buffer_unordered(self.client.concurrency()));
        while let Some(answer) = answers.try_next().await? {
            self.progress.advance();
            let Some(page) = answer.filter(|page| page.pagination.count <= max_count) else {
                return Ok(false);
            };
            pass.add(page);
        }
        Ok(true)
    }

    /// Reads pages and seams one by one from a page to the end: the list may have grown.
    async fn end<Row: Listed>(
        &self,
        pass: &mut ListPass<Row>,
        from: usize,
        size: usize,
    ) -> Result<(), Error> {
        for number in from..from.saturating_add(GROWTH) {
            let Some(page) = self.page::<Row>(number, self.client.page_size()).await? else {
                break;
            };
            pass.ended = number >= page.pagination.total_pages;
            pass.add(page);
            if pass.ended {
                break;
            }
            let (number, size) = seam(number, size);
            let Some(seam) = self.page::<Row>(number, size).await? else {
                break;
            };
            pass.add(seam);
        }
        Ok(())
    }

    /// Reads one page and reports progress. Returns `None` beyond the end.
    async fn page<Row: Listed>(
        &self,
        number: usize,
        size: usize,
    ) -> Result<Option<Page<RowResult<Row>>>, Error> {
        self.progress.expect(1);
        let page = self.fetch(number, size).await?;
        self.progress.advance();
        Ok(page)
    }

    /// Requests one page and adds up the size of the answers.
    async fn fetch<Row: Listed>(
        &self,
        number: usize,
        size: usize,
    ) -> Result<Option<Page<RowResult<Row>>>, Error> {
        let page = self.client.page_of::<Row>(number, size).await?;
        let bytes = page.as_ref().map_or(0, |page| page.bytes);
        if self.bytes.fetch_add(bytes, Relaxed) + bytes > LARGEST_PASS {
            return Err(Error::Oversized {
                list: Row::LIST,
                limit: LARGEST_PASS,
            });
        }
        Ok(page)
    }
}

/// The number and size of the smallest page that has the last row of a page of `size` rows and the
/// first row of the next one.
fn seam(number: usize, size: usize) -> (usize, usize) {
    let end = number * size;
    let own = (2..=end + 1)
        .find(|own| !end.is_multiple_of(*own))
        .unwrap_or(end + 1);
    (end / own + 1, own)
}

/// A row with its pk.
fn keyed<Row: Listed>(row: RowResult<Row>) -> (Row::Pk, Result<Row, RowError>) {
    match row {
        Ok(row) => (row.pk(), Ok(row)),
        Err((pk, error)) => (pk, Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seam_has_the_rows_on_both_sides() {
        for size in 1..=200 {
            for number in 1..=100 {
                let (page, own) = seam(number, size);
                let (first, last) = ((page - 1) * own + 1, page * own);
                assert!(
                    first <= number * size && number * size < last,
                    "{number} of {size}"
                );
                assert!(own <= 11, "{own} rows for {number} of {size}");
            }
        }
    }
}
