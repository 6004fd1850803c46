//! Reads one list whole and proves it: as many distinct rows as Authentik counts, and no delete.
//!
//! In the order of pks an insert or a rename between two pages loses nothing, but a delete moves
//! the following rows up by one and hides one of them, while the deleted row makes up the number.
//! So every answer's count is compared: one that falls shows a delete, and the list is read again.
//! New users have the highest pks, so that reading the tail is enough for them.

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
    let (mut rows, mut counts) = (Rows::<Row>::new(), Counts::default());
    for _ in 0..ROUNDS {
        rows.clear();
        counts = read_from(client, progress, 1, &mut rows).await?;
        if !counts.prove(rows.len()) && !counts.fell() {
            counts.then(read_last(client, progress, &mut rows).await?);
        }
        if counts.prove(rows.len()) {
            return Ok(rows);
        }
    }
    Err(Error::Incomplete { list: Row::LIST, rows: rows.len(), count: counts.last, rounds: ROUNDS })
}

/// Reads on from where the known rows end; says whether they are now as many as Authentik counts.
///
/// # Errors
/// Whatever keeps a page from being read.
pub async fn read_tail<Row: Listed>(
    client: &Client,
    progress: &Progress,
    rows: &mut Rows<Row>,
) -> Result<bool, Error> {
    let counts = read_last(client, progress, rows).await?;
    Ok(counts.prove(rows.len()))
}

/// Reads from the page on where the last known row stands, if the server has such large pages.
async fn read_last<Row: Listed>(
    client: &Client,
    progress: &Progress,
    rows: &mut Rows<Row>,
) -> Result<Counts, Error> {
    let page = rows.len().saturating_sub(1) / client.page_size() + 1;
    read_from(client, progress, page, rows).await
}

/// Reads the pages from one on, several at once; tells what they said of the list's length.
async fn read_from<Row: Listed>(
    client: &Client,
    progress: &Progress,
    from: usize,
    rows: &mut Rows<Row>,
) -> Result<Counts, Error> {
    progress.expect(1);
    let Some(first) = client.page::<Row>(from).await? else {
        progress.advance();
        return Ok(Counts::default());
    };
    let mut end = End { page: from, next: first.pagination.next };
    let mut counts = Counts::of(first.pagination.count);
    let pages = from + 1..=first.pagination.total_pages;
    progress.expect(pages.clone().count());
    take(progress, rows, first);
    let mut answers = stream::iter(pages)
        .map(|page| async move { client.page::<Row>(page).await.map(|answer| (page, answer)) })
        .buffer_unordered(client.concurrency());
    while let Some((number, answer)) = answers.try_next().await? {
        match answer {
            Some(page) => {
                counts.then(Counts::of(page.pagination.count));
                end = end.max(End { page: number, next: page.pagination.next });
                take(progress, rows, page);
            }
            None => progress.advance(),
        }
    }
    read_beyond(client, progress, end, rows, counts).await
}

/// Reads what was added behind the last page in the meantime.
async fn read_beyond<Row: Listed>(
    client: &Client,
    progress: &Progress,
    mut end: End,
    rows: &mut Rows<Row>,
    mut counts: Counts,
) -> Result<Counts, Error> {
    while end.next != 0 {
        let page = end.page + 1;
        progress.expect(1);
        let Some(answer) = client.page::<Row>(page).await? else {
            progress.advance();
            break;
        };
        end = End { page, next: answer.pagination.next };
        counts.then(Counts::of(answer.pagination.count));
        let known = rows.len();
        take(progress, rows, answer);
        if rows.len() == known && end.next != 0 {
            return Err(Error::Endless { list: Row::LIST, page });
        }
    }
    Ok(counts)
}

/// The last page so far, and the page that it names as the next.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct End {
    page: usize,
    next: usize,
}

/// What the answers of one reading said of the list's length. The first answer came before all
/// others were asked for; those in between may have overtaken each other. No answer, beyond the end
/// of the list, counts as zero, which proves nothing.
#[derive(Clone, Copy, Default)]
struct Counts {
    first: usize,
    least: usize,
    most: usize,
    last: usize,
}

impl Counts {
    /// What one answer says.
    fn of(count: usize) -> Self {
        Self { first: count, least: count, most: count, last: count }
    }

    /// Takes note of later answers.
    fn then(&mut self, later: Self) {
        self.least = self.least.min(later.least);
        self.most = self.most.max(later.most);
        self.last = later.last;
    }

    /// Whether a row was deleted since the first answer.
    fn fell(&self) -> bool {
        self.least < self.first
    }

    /// Whether so many distinct rows are the whole list.
    fn prove(&self, rows: usize) -> bool {
        !self.fell() && self.most == self.last && self.last == rows
    }
}

/// Adds the rows of a page; of two rows with one pk the later stays.
fn take<Row: Listed>(progress: &Progress, rows: &mut Rows<Row>, page: Page<Row>) {
    progress.advance();
    rows.extend(page.results.into_iter().map(|row| (row.pk(), row)));
}
