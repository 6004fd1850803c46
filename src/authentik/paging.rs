//! Reads one list whole and proves it.
//!
//! Pages are asked for in the order of pks, several at once, and the list may change between any two of
//! them. One answer is a part of the list without a gap, as it was at one moment. So an answer proves
//! of all pks from its first to its last which of them existed then, and of nothing else.
//!
//! Between the last row of a page and the first of the next there may be rows that neither shows: a
//! delete further up moves the first row of a page not read yet onto one that was. Therefore each
//! **seam** between two pages is read as well: a few rows that stand on both sides of it. The reading
//! is whole if, from the first page to the last one, each answer reaches to the next one's first row.
//!
//! *Proof.* Take a row that exists all the time. Page 1 begins with the lowest pk of its moment, so the
//! row is not below it; nor is it above the last answer, which by its own count is the end of the list.
//! The answers between leave no gap, so its pk lies within one of them, and that one shows it. Nothing
//! is assumed of what happens meanwhile: rows may come with any pk and go, in any number.
//!
//! The last page is read last. What it counts must be the number of distinct pks that were read, so
//! that a reading in which rows went, or came unseen, is no proof either. How many pages there are is
//! told by `total_pages`; `next` is not followed, so that no chain of pages can be endless. A row that
//! cannot be read is counted by its pk like any other. A reading that is not proven is thrown away and
//! done again.

use std::collections::BTreeMap;
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
/// Whatever keeps a page from being read, a list that changes faster than it is read, or one that never
/// comes in the order of pks.
pub async fn read_list<Row: Listed>(
    client: &Client,
    progress: &Progress,
) -> Result<Rows<Row>, Error> {
    let (mut rows, mut count, mut ordered) = (0, 0, false);
    for _ in 0..ROUNDS {
        let reading = Reader::new(client, progress).read::<Row>().await?;
        if reading.is_whole() {
            return Ok(reading.rows);
        }
        (rows, count) = (reading.rows.len(), reading.count);
        ordered |= reading.ordered;
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

/// Reads the rows behind the first `known` ones and a few of those; proves nothing.
///
/// # Errors
/// Whatever keeps a page from being read.
pub async fn read_tail<Row: Listed>(
    client: &Client,
    progress: &Progress,
    known: usize,
) -> Result<Rows<Row>, Error> {
    let size = client.page_size();
    let from = known.saturating_sub(1) / size + 1;
    let mut reading = Reading::default();
    Reader::new(client, progress)
        .end(&mut reading, from, size)
        .await?;
    Ok(if reading.ended {
        reading.rows
    } else {
        Rows::<Row>::new()
    })
}

/// What a reading brought so far.
struct Reading<Row: Listed> {
    rows: Rows<Row>,
    /// The lowest and the highest pk of each answer.
    spans: Vec<(Row::Pk, Row::Pk)>,
    /// How many rows the last answer counted.
    count: usize,
    /// Whether every page was there and the last answer is the end of the list.
    ended: bool,
    /// Whether every answer was in the order of pks.
    ordered: bool,
}

impl<Row: Listed> Default for Reading<Row> {
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

impl<Row: Listed> Reading<Row> {
    /// Adds an answer. Of two rows with one pk either may stay.
    fn add(&mut self, page: Page<Read<Row>>) {
        let keyed: Vec<_> = page.results.into_iter().map(keyed::<Row>).collect();
        if let (Some((lowest, _)), Some((highest, _))) = (keyed.first(), keyed.last()) {
            self.spans.push((*lowest, *highest));
        }
        self.ordered &= keyed.is_sorted_by(|(a, _), (b, _)| a < b);
        self.count = page.pagination.count;
        self.rows.extend(keyed);
    }

    /// Whether the rows are all that there are; see the module's documentation.
    fn is_whole(&self) -> bool {
        self.ended && self.rows.len() == self.count && (self.spans.len() <= 1 || self.is_seamless())
    }

    /// Whether each answer reaches to the next one's first row; without an order none reaches anywhere.
    fn is_seamless(&self) -> bool {
        if !self.ordered {
            return false;
        }
        let mut spans = self.spans.clone();
        spans.sort_unstable();
        let mut reached = spans.first().map(|(lowest, _)| *lowest);
        spans.iter().all(|(lowest, highest)| {
            let meets = Some(*lowest) <= reached;
            reached = reached.max(Some(*highest));
            meets
        })
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
        Self {
            client,
            progress,
            bytes: AtomicUsize::new(0),
        }
    }

    /// Reads the list once: page 1, which tells how many there are, those between and all seams, and
    /// the last page on its own at the end.
    async fn read<Row: Listed>(&self) -> Result<Reading<Row>, Error> {
        let mut reading = Reading::default();
        self.progress.open();
        let first = self.page::<Row>(1, self.client.page_size()).await?;
        self.progress.sized();
        let Some(first) = first else {
            return Ok(reading);
        };
        // A page that is not the last is full, and tells to how many rows Authentik caps it.
        let (last, size) = (first.pagination.total_pages, first.results.len());
        reading.add(first);
        if last <= 1 {
            reading.ended = true;
        } else if size > 0 && self.middle(&mut reading, last, size).await? {
            self.end(&mut reading, last, size).await?;
        }
        Ok(reading)
    }

    /// Reads the pages between the first and the last, and all seams, several at once; tells whether the
    /// list reached that far and did not grow without end.
    async fn middle<Row: Listed>(
        &self,
        reading: &mut Reading<Row>,
        last: usize,
        size: usize,
    ) -> Result<bool, Error> {
        let (asked, most) = (
            self.client.page_size(),
            reading.count.saturating_add(GROWTH * size),
        );
        let pages = (2..last).map(|number| (number, asked));
        let requests = pages.chain((1..last).map(|number| seam(number, size)));
        self.progress.expect(2 * last - 3);
        let answers = stream::iter(requests)
            .map(async |(number, size)| self.fetch::<Row>(number, size).await);
        let mut answers = pin!(answers.buffer_unordered(self.client.concurrency()));
        while let Some(answer) = answers.try_next().await? {
            self.progress.advance();
            let Some(page) = answer.filter(|page| page.pagination.count <= most) else {
                return Ok(false);
            };
            reading.add(page);
        }
        Ok(true)
    }

    /// Reads from a page to the end, one after another, as the list may have grown.
    async fn end<Row: Listed>(
        &self,
        reading: &mut Reading<Row>,
        from: usize,
        size: usize,
    ) -> Result<(), Error> {
        for number in from..from.saturating_add(GROWTH) {
            let Some(page) = self.page::<Row>(number, self.client.page_size()).await? else {
                break;
            };
            reading.ended = number >= page.pagination.total_pages;
            reading.add(page);
            if reading.ended {
                break;
            }
            let (number, size) = seam(number, size);
            let Some(seam) = self.page::<Row>(number, size).await? else {
                break;
            };
            reading.add(seam);
        }
        Ok(())
    }

    /// Reads one page; none beyond the end.
    async fn page<Row: Listed>(
        &self,
        number: usize,
        size: usize,
    ) -> Result<Option<Page<Read<Row>>>, Error> {
        self.progress.expect(1);
        let page = self.fetch(number, size).await?;
        self.progress.advance();
        Ok(page)
    }

    /// Asks for one page and adds up how much comes.
    async fn fetch<Row: Listed>(
        &self,
        number: usize,
        size: usize,
    ) -> Result<Option<Page<Read<Row>>>, Error> {
        let page = self.client.page_of::<Row>(number, size).await?;
        let bytes = page.as_ref().map_or(0, |page| page.bytes);
        if self.bytes.fetch_add(bytes, Relaxed) + bytes > LARGEST_READING {
            return Err(Error::Oversized {
                list: Row::LIST,
                limit: LARGEST_READING,
            });
        }
        Ok(page)
    }
}

/// The smallest page that holds the last row of a page of `size` rows and the first of the next one:
/// its number and its own size.
fn seam(number: usize, size: usize) -> (usize, usize) {
    let end = number * size;
    let own = (2..=end + 1)
        .find(|own| !end.is_multiple_of(*own))
        .unwrap_or(end + 1);
    (end / own + 1, own)
}

/// A row with its pk.
fn keyed<Row: Listed>(row: Read<Row>) -> (Row::Pk, Result<Row, Flaw>) {
    match row {
        Ok(row) => (row.pk(), Ok(row)),
        Err((pk, flaw)) => (pk, Err(flaw)),
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
