//! The rows of a list and their order: computed once for each query, then shared by its pages.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::access::Visible;
use super::directory::FakeDirectory;
use super::model::{FakeGroup, FakeUser};
use super::query::{Order, OrderKey, UserQuery};

/// The query of a list; equal selectors of the same token select the same rows until the next edit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Selector {
    Users(Order, UserQuery),
    Groups(Order),
}

/// Positions in the directory, in the order of the list.
type Positions = Arc<Vec<usize>>;

/// Number of cached selections; a full sync uses one or two, filters by date any number.
const KEPT: usize = 32;

/// A cache of selections, valid until the directory changes.
#[derive(Debug, Default)]
pub(super) struct Selections(HashMap<(Selector, String), Positions>);

impl Selections {
    /// Returns the selection; computes it on a miss.
    pub(super) fn of(
        &mut self,
        selector: Selector,
        token: &str,
        choose: impl FnOnce() -> Vec<usize>,
    ) -> Positions {
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0
            .entry((selector, token.to_owned()))
            .or_insert_with(|| Arc::new(choose()))
            .clone()
    }

    /// Clears the cache, after an edit or a change of access.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Selects users. Strings sort by code point, as with `PostgreSQL`'s `C` collation.
pub(super) fn users(
    directory: &FakeDirectory,
    visible: Visible<'_, u64>,
    order: Order,
    filter: &UserQuery,
) -> Vec<usize> {
    let rows = directory.users();
    let chosen = |at: &usize| visible.contains(&rows[*at].pk) && matches(&rows[*at], filter);
    let mut positions: Vec<usize> = (0..rows.len()).filter(chosen).collect();
    sort(&mut positions, order, |a, b| {
        compare_users(&rows[a], &rows[b], order.key)
    });
    positions
}

/// Selects groups.
pub(super) fn groups(
    directory: &FakeDirectory,
    visible: Visible<'_, uuid::Uuid>,
    order: Order,
) -> Vec<usize> {
    let rows = directory.groups();
    let mut positions: Vec<usize> = (0..rows.len())
        .filter(|at| visible.contains(&rows[*at].pk))
        .collect();
    sort(&mut positions, order, |a, b| {
        compare_groups(&rows[a], &rows[b], order.key)
    });
    positions
}

fn matches(user: &FakeUser, filter: &UserQuery) -> bool {
    filter
        .is_active
        .is_none_or(|wanted| user.is_active == wanted)
        && (filter.kinds.is_empty() || filter.kinds.contains(&user.kind))
        && filter
            .joined_after
            .is_none_or(|moment| user.date_joined > moment)
        && filter
            .joined_before
            .is_none_or(|moment| user.date_joined < moment)
        && filter
            .updated_after
            .is_none_or(|moment| user.last_updated > moment)
}

/// Sorts positions, which ascend by primary key; the sort is stable.
fn sort(positions: &mut [usize], order: Order, compare: impl Fn(usize, usize) -> Ordering) {
    let directed = |a: &usize, b: &usize| {
        let ascending = compare(*a, *b);
        if order.descending {
            ascending.reverse()
        } else {
            ascending
        }
    };
    if order
        != (Order {
            key: OrderKey::Pk,
            descending: false,
        })
    {
        positions.sort_by(directed);
    }
}

fn compare_users(a: &FakeUser, b: &FakeUser, key: OrderKey) -> Ordering {
    match key {
        OrderKey::Pk => a.pk.cmp(&b.pk),
        OrderKey::Username => a.username.cmp(&b.username),
        OrderKey::Name => a.name.cmp(&b.name),
        OrderKey::DateJoined => a.date_joined.cmp(&b.date_joined),
        OrderKey::LastUpdated => a.last_updated.cmp(&b.last_updated),
    }
}

fn compare_groups(a: &FakeGroup, b: &FakeGroup, key: OrderKey) -> Ordering {
    match key {
        OrderKey::Pk => a.pk.cmp(&b.pk),
        _ => a.name.cmp(&b.name),
    }
}
