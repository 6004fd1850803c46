//! Reads one list and proves that it is complete.
//!
//! # Example
//!
//! A list has 250 rows with the pks 1 to 250.
//!
//! 1. Page 1 of 100 rows has the pks 1 to 100. Then row 50 is deleted, so every later row moves up by one.
//! 2. Page 2 of 97 rows begins at row 98 of the list, which is now pk 99, and ends at pk 195. It overlaps the
//!    answer before it: no row between them is missing.
//! 3. Then 20 rows below pk 195 are deleted. Page 3 of 95 rows begins at row 191, which is now pk 212.
//!
//! There may be rows between pk 195 and pk 212. A page around row 175 is read again: it has the pks 176 to 250,
//! and closes the gap.
//!
//! # Rule
//!
//! A pass requests pages in the order of pks: page 1 first, then pages of up to as many rows, several at once, each
//! of which begins a few rows before the end of the one before (`slices`), then the last one. Gaps are read again.
//! A pass is complete if
//! 1. every answer is sorted by pk, and, in the order of their first pks, each one begins at or before the highest
//!    pk so far;
//! 2. the last answer is the end of the list by its own count;
//! 3. the number of distinct pks that the pass read differs from this count by no more than the counts of the
//!    answers differ from each other.
//!
//! A pass that is not complete is discarded, and the list is read again.
//!
//! # Proof
//!
//! One answer is a part of the list at one moment, without a gap. So it shows every row that existed at that moment
//! with a pk from its first to its last one. Take a row that exists during the whole pass.
//!
//! 1. Page 1 begins with the lowest pk of its moment, so the row is not below it.
//! 2. The last answer is the end of the list, so the row is not above it.
//! 3. The answers between leave no gap, so the pk of the row is within one of them.
//! 4. That answer shows the row.
//!
//! The proof assumes nothing about changes during the pass: any number of rows may appear, with any pk, and
//! disappear. It needs no count either. Point 3 of the rule rejects what no change explains: while nothing changes,
//! the counts of all answers and the number of rows must be equal. A row that was deleted after it was read is
//! served until the next run; it existed during this one.
//!
//! # Details
//!
//! `total_pages` of an answer says whether it is the last one. The client does not follow `next`, so no chain of pages
//! is endless. A broken row counts by its pk like any other.

mod pass;
pub(super) mod slices;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use futures::{StreamExt, TryStreamExt, stream};

use super::client::Client;
use super::error::Error;
use super::wire::{Listed, Page, RowResult};
use crate::progress::Progress;
use pass::ListPass;
pub use pass::ListRows;
use slices::{Slice, slices};

/// How many passes may be incomplete before the run fails.
const ROUNDS: usize = 4;

/// How often the gaps of a pass, or a missing end, are read again before the pass is given up.
const REPAIRS: usize = 3;

/// How many slices may be read again at once. A list with more gaps does not change, it is broken.
const LARGEST_REPAIR: usize = 50;
/// The maximum size of all answers of a pass, in bytes: ten times a list of 50,000 users. It bounds
/// the memory for the rows, for any count that the server sends.
const LARGEST_PASS: usize = 1 << 30;
/// How many pages a list may grow by during a pass. A list that grows more is treated as endless.
const GROWTH: usize = 100;

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
    let mut pass = ListPass::default();
    let has_end = ListReader::new(client, progress)
        .end(&mut pass, Slice::after(known.max(1), size), size)
        .await?;
    Ok(if has_end {
        pass.rows
    } else {
        ListRows::<Row>::new()
    })
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

    /// Runs one pass: page 1, which has the count, the slices between, and the end of the list; then what closes
    /// gaps.
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
        let (pages, size) = (first.pagination.total_pages, first.results.len());
        pass.add(first);
        if pages <= 1 {
            pass.ended = true;
            return Ok(pass);
        }
        let mut between: Vec<_> = slices(pass.count, size).collect();
        let Some(last) = between.pop() else {
            return Ok(pass);
        };
        if self.concurrently(&mut pass, between, size).await?
            && self.end(&mut pass, last, size).await?
        {
            self.repair(&mut pass, size).await?;
        }
        Ok(pass)
    }

    /// Reads slices, several at once. Returns false if one is missing or the list grew by more than `GROWTH`
    /// pages.
    async fn concurrently<Row: Listed>(
        &self,
        pass: &mut ListPass<Row>,
        slices: Vec<Slice>,
        size: usize,
    ) -> Result<bool, Error> {
        let max_count = pass.count.saturating_add(GROWTH * size);
        self.progress.expect(slices.len());
        let answers = stream::iter(slices)
            .map(async |slice| self.fetch::<Row>(slice.number, slice.size).await);
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

    /// Reads slices one by one to the end of the list: it may have grown, or shrunk so far that a slice is beyond
    /// its end. Returns whether it was reached.
    async fn end<Row: Listed>(
        &self,
        pass: &mut ListPass<Row>,
        mut slice: Slice,
        size: usize,
    ) -> Result<bool, Error> {
        let mut missing = 0;
        for _ in 0..GROWTH {
            let Some(page) = self.page::<Row>(slice.number, slice.size).await? else {
                missing += 1;
                if missing > REPAIRS {
                    break;
                }
                let start = slice.end() - slice.size;
                slice = Slice::after(start.saturating_sub(size).max(1), size);
                continue;
            };
            let counted = &page.pagination;
            pass.ended = slice.number >= counted.total_pages && slice.end() >= counted.count;
            pass.add(page);
            if pass.ended {
                break;
            }
            slice = Slice::after(slice.end(), size);
        }
        Ok(pass.ended)
    }

    /// Reads the places again where deletes have left a gap between two answers.
    async fn repair<Row: Listed>(
        &self,
        pass: &mut ListPass<Row>,
        size: usize,
    ) -> Result<(), Error> {
        for _ in 0..REPAIRS {
            let repairs = pass.repairs(size);
            let are_few = (1..=LARGEST_REPAIR).contains(&repairs.len());
            if !are_few || !self.concurrently(pass, repairs, size).await? {
                break;
            }
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
