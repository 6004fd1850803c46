//! Reads one list whole and proves it.
//!
//! Pages are asked for in the order of pks, several at once. An insert or a rename between two pages
//! loses nothing then, but a delete moves the following rows up by one and hides the first of a page
//! not read yet, and rows with low pks can appear late: a sequence's number is taken before its
//! transaction commits. A list on one page is one answer and needs no proof. Otherwise:
//!
//! **Users** get ever higher pks, but for those late ones. The last page is read first. Its count and
//! its highest pk, the anchor, tell how many users there were up to that pk. After all other pages
//! the list is read from the last page on once more: the whole count less the users above the anchor
//! tells how many there are up to it now. If both are as many as were read, and nothing was deleted,
//! none is missing; a delete shows in the counts. What stays open is a delete together with a late
//! commit of a lower pk within the same reading: both counts hide it until the next run.
//!
//! **Groups** have random pks and are cheap. They are read until two readings in a row bring the same
//! pks, as many as the second one's first answer counts. Pks do not come back, so all of them existed
//! at that answer; one more would have been counted.
//!
//! How many pages there are is told by `total_pages`; `next` is not followed, so that no chain of
//! pages can be endless. A row that cannot be read is counted by its pk like any other. A reading that is not proven is thrown away and done again.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use futures::{StreamExt, TryStreamExt, stream};

use super::client::Client;
use super::error::Error;
use super::wire::{Listed, Page, Read};
use crate::directory::Flaw;
use crate::progress::Progress;

/// How often a list that changes under the reader is read before the run fails.
const ROUNDS: usize = 4;

/// How much all answers of one reading may hold: ten times a list of 50,000 users. Rows are kept whole,
/// so this bounds the memory that a list takes, whatever its count says.
const LARGEST_READING: usize = 1 << 30;
/// How many pages a list may grow by while it is read; more is a list that has no end.
const GROWTH: usize = 100;

/// The rows of a list by pk, and what is wrong with those that could not be read.
pub type Rows<Row> = BTreeMap<<Row as Listed>::Pk, Result<Row, Flaw>>;

/// Reads a list whole.
///
/// # Errors
/// Whatever keeps a page from being read, or a list that changes faster than it is read.
pub async fn read_list<Row: Listed>(client: &Client, progress: &Progress) -> Result<Rows<Row>, Error> {
    let mut before: Option<Reading<Row>> = None;
    for _ in 0..ROUNDS {
        let reading = Reader::new(client, progress).read().await?;
        if reading.is_proven(before.as_ref()) {
            return Ok(reading.rows);
        }
        before = Some(reading);
    }
    let (rows, count) = before.map_or((0, 0), |last| (last.rows.len(), last.count));
    Err(Error::Incomplete { list: Row::LIST, rows, count, rounds: ROUNDS })
}

/// Reads the rows behind the first `known` ones and a few of those; proves nothing.
///
/// # Errors
/// Whatever keeps a page from being read.
pub async fn read_tail<Row: Listed>(
    client: &Client,
    progress: &Progress,
    known: usize,
) -> Result<Rows<Row>, Error> {
    let from = known.saturating_sub(1) / client.page_size() + 1;
    let tail = Reader::new(client, progress).tail(from).await?;
    Ok(tail.map(|(rows, _)| rows).unwrap_or_default())
}

/// One reading of a list.
struct Reading<Row: Listed> {
    rows: Rows<Row>,
    /// How many rows the first answer counted.
    count: usize,
    proof: Proof<Row::Pk>,
}

/// What a reading says of its own completeness.
enum Proof<Pk> {
    /// All rows came with one answer.
    OneAnswer,
    /// Rows up to a pk, as they were counted before and after the rest was read.
    Anchor { highest: Pk, before: usize, after: usize },
    /// Nothing: another reading must bring the same.
    Repetition,
    /// Nothing, and no other reading helps: the list ended before its end.
    Broken,
}

impl<Row: Listed> Reading<Row> {
    /// Whether the rows are all that there are; see the module's documentation.
    fn is_proven(&self, before: Option<&Self>) -> bool {
        match self.proof {
            Proof::OneAnswer => self.rows.len() == self.count,
            Proof::Anchor { highest, before, after } => {
                let read = self.rows.range(..=highest).count();
                read == before && read == after
            }
            Proof::Repetition => {
                let same = before.is_some_and(|before| self.rows.keys().eq(before.rows.keys()));
                same && self.rows.len() == self.count
            }
            Proof::Broken => false,
        }
    }
}

/// Asks for the pages of one reading.
struct Reader<'a> {
    client: &'a Client,
    progress: &'a Progress,
    /// How much has been read.
    bytes: AtomicUsize,
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing.
    fn new(client: &'a Client, progress: &'a Progress) -> Self {
        Self { client, progress, bytes: AtomicUsize::new(0) }
    }

    /// Reads the list once.
    async fn read<Row: Listed>(&self) -> Result<Reading<Row>, Error> {
        self.progress.open();
        let first = self.page::<Row>(1).await?;
        self.progress.sized();
        let broken = Reading { rows: Rows::<Row>::new(), count: 0, proof: Proof::Broken };
        let Some(Page { pagination, results, .. }) = first else { return Ok(broken) };
        if pagination.total_pages <= 1 {
            let proof = Proof::OneAnswer;
            return Ok(Reading { rows: by_pk(results), count: pagination.count, proof });
        }
        if Row::APPENDED {
            return Ok(self.anchored(pagination.total_pages).await?.unwrap_or(broken));
        }
        let mut rows = by_pk(results);
        let Some(mut rest) = self.pages(2..=pagination.total_pages).await? else { return Ok(broken) };
        rows.append(&mut rest);
        Ok(Reading { rows, count: pagination.count, proof: Proof::Repetition })
    }

    /// Reads the last page, then those before it, then on from the last page; none if the list ended
    /// before its end. Whatever was read before the anchor is older than it and does not count.
    async fn anchored<Row: Listed>(&self, from: usize) -> Result<Option<Reading<Row>>, Error> {
        let Some((last, Page { pagination, results, .. })) = self.last_page::<Row>(from).await? else {
            return Ok(None);
        };
        let mut rows = by_pk(results);
        let Some(highest) = rows.last_key_value().map(|(pk, _)| *pk) else { return Ok(None) };
        let Some(mut others) = self.pages(1..=last - 1).await? else { return Ok(None) };
        rows.append(&mut others);
        let Some((mut tail, count)) = self.tail(last).await? else { return Ok(None) };
        rows.append(&mut tail);
        let above = rows.range((Bound::Excluded(highest), Bound::Unbounded)).count();
        let proof = Proof::Anchor { highest, before: pagination.count, after: count.saturating_sub(above) };
        Ok(Some(Reading { rows, count: pagination.count, proof }))
    }

    /// Finds the last page, which is `from` unless the list has grown.
    async fn last_page<Row: Listed>(&self, from: usize) -> Result<Option<(usize, Page<Read<Row>>)>, Error> {
        for number in from..from.saturating_add(GROWTH) {
            match self.page::<Row>(number).await? {
                Some(page) if number < page.pagination.total_pages => {}
                last => return Ok(last.map(|page| (number, page))),
            }
        }
        Ok(None)
    }

    /// Reads from a page to the end, one after another; gives the rows and how many the last counted.
    async fn tail<Row: Listed>(&self, from: usize) -> Result<Option<(Rows<Row>, usize)>, Error> {
        let mut rows = Rows::<Row>::new();
        for number in from..from.saturating_add(GROWTH) {
            let Some(Page { pagination, results, .. }) = self.page::<Row>(number).await? else { break };
            rows.append(&mut by_pk(results));
            if number >= pagination.total_pages {
                return Ok(Some((rows, pagination.count)));
            }
        }
        Ok(None)
    }

    /// Reads pages, several at once; none as soon as the list ends before them. Of two rows with one pk
    /// either may stay.
    async fn pages<Row: Listed>(&self, numbers: RangeInclusive<usize>) -> Result<Option<Rows<Row>>, Error> {
        self.progress.expect(numbers.clone().count());
        let pages = stream::iter(numbers).map(async |number| self.fetch::<Row>(number).await);
        let mut pages = pin!(pages.buffer_unordered(self.client.concurrency()));
        let mut rows = Rows::<Row>::new();
        while let Some(page) = pages.try_next().await? {
            self.progress.advance();
            let Some(page) = page else { return Ok(None) };
            rows.append(&mut by_pk(page.results));
        }
        Ok(Some(rows))
    }

    /// Reads one page; none beyond the end.
    async fn page<Row: Listed>(&self, number: usize) -> Result<Option<Page<Read<Row>>>, Error> {
        self.progress.expect(1);
        let page = self.fetch(number).await?;
        self.progress.advance();
        Ok(page)
    }

    /// Asks for one page and adds up how much comes.
    async fn fetch<Row: Listed>(&self, number: usize) -> Result<Option<Page<Read<Row>>>, Error> {
        let page = self.client.page::<Row>(number).await?;
        let bytes = page.as_ref().map_or(0, |page| page.bytes);
        if self.bytes.fetch_add(bytes, Relaxed) + bytes > LARGEST_READING {
            return Err(Error::Oversized { list: Row::LIST, limit: LARGEST_READING });
        }
        Ok(page)
    }
}

/// Rows by their pks.
fn by_pk<Row: Listed>(rows: Vec<Read<Row>>) -> Rows<Row> {
    let keyed = rows.into_iter().map(|row| match row {
        Ok(row) => (row.pk(), Ok(row)),
        Err((pk, flaw)) => (pk, Err(flaw)),
    });
    keyed.collect()
}
