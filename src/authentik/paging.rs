//! Reads one list whole and proves it.
//!
//! Pages are asked for in the order of pks. An insert or a rename between two pages loses nothing
//! then, but a delete moves the following rows up by one and hides the first of a page not read yet.
//!
//! **Users** get ever higher pks. The last page is read first; its answer says how many users there
//! are at that moment, and its last row has the highest pk of them. Whatever comes later has a
//! higher pk, so a list that holds as many pks up to that one as were counted holds exactly the
//! users of that moment: none is missing, whatever changed meanwhile.
//!
//! **Groups** have random pks, so that an insert cannot be told from the rest: every answer of a
//! reading must count as many groups as were read in the end.
//!
//! How many pages there are is told by `total_pages`; `next` is not followed, so that no chain of
//! pages can be endless. A reading that is not proven is thrown away and done again.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::client::Client;
use super::error::Error;
use super::wire::{Listed, Page};
use crate::progress::Progress;

/// How often a list that changes under the reader is read.
const ROUNDS: usize = 3;

/// The rows of a list by pk.
pub type Rows<Row> = BTreeMap<<Row as Listed>::Pk, Row>;

/// Reads a list whole.
///
/// # Errors
/// Whatever keeps a page from being read, or a list that changes faster than it is read.
pub async fn read_list<Row: Listed>(client: &Client, progress: &Progress) -> Result<Rows<Row>, Error> {
    let (mut rows, mut count) = (0, 0);
    for _ in 0..ROUNDS {
        let reading = Reading::<Row>::whole(client, progress).await?;
        if reading.is_complete() {
            return Ok(reading.rows);
        }
        (rows, count) = (reading.rows.len(), reading.fewest);
    }
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
    let mut reading = Reading::<Row>::default();
    let last_page = known.saturating_sub(1) / client.page_size() + 1;
    reading.read_to_the_end(client, progress, last_page).await?;
    Ok(reading.rows)
}

/// The answers of one reading.
struct Reading<Row: Listed> {
    rows: Rows<Row>,
    /// How many rows the last page counted, and the highest pk of that moment.
    anchor: Option<(usize, Row::Pk)>,
    /// The lowest and the highest count of all answers.
    fewest: usize,
    most: usize,
}

impl<Row: Listed> Default for Reading<Row> {
    fn default() -> Self {
        Self { rows: Rows::<Row>::new(), anchor: None, fewest: usize::MAX, most: 0 }
    }
}

impl<Row: Listed> Reading<Row> {
    /// Reads the last page, then all pages before it, several at once.
    async fn whole(client: &Client, progress: &Progress) -> Result<Self, Error> {
        let mut reading = Self::default();
        // This answer tells where the end is; its rows are older than the anchor and prove nothing.
        let last_page = match reading.page(client, progress, 1).await? {
            Some(only) if only.pagination.total_pages <= 1 => {
                reading.take_last(only);
                return Ok(reading);
            }
            Some(first) => first.pagination.total_pages,
            None => return Ok(reading),
        };
        reading.read_to_the_end(client, progress, last_page).await?;
        progress.expect(last_page - 1);
        let mut pages = stream::iter(1..last_page)
            .map(async |page| client.page::<Row>(page).await)
            .buffer_unordered(client.concurrency());
        while let Some(answer) = pages.try_next().await? {
            progress.advance();
            if let Some(page) = answer {
                reading.take(page);
            }
        }
        Ok(reading)
    }

    /// Reads from a page to the end, one after another; the last is the anchor.
    async fn read_to_the_end(
        &mut self,
        client: &Client,
        progress: &Progress,
        from: usize,
    ) -> Result<(), Error> {
        for number in from.. {
            match self.page(client, progress, number).await? {
                Some(page) if number < page.pagination.total_pages => self.take(page),
                Some(last) => {
                    self.take_last(last);
                    break;
                }
                None => break,
            }
        }
        Ok(())
    }

    /// Asks for a page.
    async fn page(
        &self,
        client: &Client,
        progress: &Progress,
        number: usize,
    ) -> Result<Option<Page<Row>>, Error> {
        progress.expect(1);
        let answer = client.page(number).await?;
        progress.advance();
        Ok(answer)
    }

    /// Adds the rows of the last page, and makes it the anchor.
    fn take_last(&mut self, page: Page<Row>) {
        let count = page.pagination.count;
        self.take(page);
        self.anchor = self.rows.last_key_value().map(|(pk, _)| (count, *pk));
    }

    /// Adds the rows of a page; of two rows with one pk the later stays.
    fn take(&mut self, page: Page<Row>) {
        self.fewest = self.fewest.min(page.pagination.count);
        self.most = self.most.max(page.pagination.count);
        self.rows.extend(page.results.into_iter().map(|row| (row.pk(), row)));
    }

    /// Whether the rows are all that there are; see the module's documentation.
    fn is_complete(&self) -> bool {
        match self.anchor {
            None => self.rows.is_empty() && self.most == 0,
            Some((count, highest)) if Row::APPENDED => self.rows.range(..=highest).count() == count,
            Some(_) => self.rows.len() == self.fewest && self.rows.len() == self.most,
        }
    }
}
