//! Reads one list whole and proves it: as many distinct rows as Authentik counts at the end.
//!
//! In the order of pks an insert or a rename between two pages loses nothing, but a delete moves
//! the following rows up by one and hides one of them; the count shows that, and the list is read
//! again. New users have the highest pks, so that reading the tail is enough for them.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::client::Client;
use super::error::Error;
use super::wire::{Listed, Page, Pagination};
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
    let (mut rows, mut count) = (Rows::<Row>::new(), 0);
    for _ in 0..ROUNDS {
        rows.clear();
        count = read_from(client, progress, 1, &mut rows).await?;
        if rows.len() < count {
            count = read_tail(client, progress, &mut rows).await?;
        }
        if rows.len() == count {
            return Ok(rows);
        }
    }
    Err(Error::Incomplete { list: Row::LIST, rows: rows.len(), count, rounds: ROUNDS })
}

/// Reads on from where the known rows end; gives the count at the end.
///
/// # Errors
/// Whatever keeps a page from being read.
pub async fn read_tail<Row: Listed>(
    client: &Client,
    progress: &Progress,
    rows: &mut Rows<Row>,
) -> Result<usize, Error> {
    let last_page = rows.len() / client.page_size() + 1;
    read_from(client, progress, last_page, rows).await
}

/// Reads the pages from one on, several at once; gives the count at the end.
async fn read_from<Row: Listed>(
    client: &Client,
    progress: &Progress,
    from: usize,
    rows: &mut Rows<Row>,
) -> Result<usize, Error> {
    progress.expect(1);
    let Some(first) = client.page::<Row>(from).await? else {
        progress.advance();
        return Ok(rows.len());
    };
    let mut end = End { page: from, pagination: first.pagination };
    let pages = from + 1..=end.pagination.total_pages;
    progress.expect(pages.clone().count());
    take(progress, rows, first);
    let mut answers = stream::iter(pages)
        .map(|page| async move { client.page::<Row>(page).await.map(|answer| (page, answer)) })
        .buffer_unordered(client.concurrency());
    while let Some((number, answer)) = answers.try_next().await? {
        match answer {
            Some(page) => {
                end.saw(number, page.pagination);
                take(progress, rows, page);
            }
            None => progress.advance(),
        }
    }
    read_beyond(client, progress, end, rows).await
}

/// Reads what was added behind the last page in the meantime.
async fn read_beyond<Row: Listed>(
    client: &Client,
    progress: &Progress,
    mut end: End,
    rows: &mut Rows<Row>,
) -> Result<usize, Error> {
    while end.pagination.next != 0 {
        let page = end.page + 1;
        progress.expect(1);
        let Some(answer) = client.page::<Row>(page).await? else { break };
        end = End { page, pagination: answer.pagination };
        let known = rows.len();
        take(progress, rows, answer);
        if rows.len() == known && end.pagination.next != 0 {
            return Err(Error::Endless { list: Row::LIST, page });
        }
    }
    Ok(end.pagination.count)
}

/// The last page so far, with what the latest answer of all says of the list.
struct End {
    page: usize,
    pagination: Pagination,
}

impl End {
    /// Takes note of an answer: the latest tells the count, the last page whether there are more.
    fn saw(&mut self, page: usize, pagination: Pagination) {
        self.pagination.count = pagination.count;
        if page > self.page {
            *self = Self { page, pagination };
        }
    }
}

/// Adds the rows of a page; of two rows with one pk the later stays.
fn take<Row: Listed>(progress: &Progress, rows: &mut Rows<Row>, page: Page<Row>) {
    progress.advance();
    rows.extend(page.results.into_iter().map(|row| (row.pk(), row)));
}
