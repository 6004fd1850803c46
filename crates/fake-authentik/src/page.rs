//! One page of a list: the pagination object, the rows, and the release's trailing fields.

use std::ops::Range;

use serde::Serialize;

use super::query::{PageNumber, Paging};
use super::release::Release;

const USER_AUTOCOMPLETE: &str = concat!(
    r#"{"current_model":"authentik_core.user","models":{"authentik_core.user":{"#,
    r#""username":{"type":"str","nullable":false,"options":null},"#,
    r#""name":{"type":"str","nullable":false,"options":null},"#,
    r#""email":{"type":"str","nullable":false,"options":null},"#,
    r#""path":{"type":"str","nullable":false,"options":null},"#,
    r#""is_active":{"type":"bool","nullable":true,"options":null},"#,
    r#""type":{"type":"str","nullable":false,"options":"#,
    r#"["internal","external","service_account","internal_service_account"]},"#,
    r#""attributes":{"type":"relation","nullable":false,"options":null,"#,
    r#""relation":"authentik_core.user_attributes"}}}}"#,
);

const GROUP_AUTOCOMPLETE: &str = concat!(
    r#"{"current_model":"authentik_core.group","models":{"authentik_core.group":{"#,
    r#""name":{"type":"str","nullable":false,"options":null},"#,
    r#""is_superuser":{"type":"bool","nullable":true,"options":null},"#,
    r#""attributes":{"type":"relation","nullable":false,"options":null,"#,
    r#""relation":"authentik_core.group_attributes"}}}}"#,
);

/// The pagination object of an answer, in the order of its fields.
#[derive(Debug, Serialize)]
pub(super) struct Pagination {
    next: usize,
    previous: usize,
    count: usize,
    current: usize,
    total_pages: usize,
    start_index: usize,
    end_index: usize,
}

impl Pagination {
    /// Locates the page in a list of `count` rows; returns `None` if the page does not exist.
    pub(super) fn new(paging: Paging, count: usize) -> Option<Self> {
        let total_pages = count.div_ceil(paging.size).max(1);
        let current = match paging.page? {
            PageNumber::Number(page) => page,
            PageNumber::Last => total_pages,
        };
        let start = current.checked_sub(1)?.checked_mul(paging.size)?;
        (current <= total_pages).then(|| Self {
            next: if current < total_pages {
                current + 1
            } else {
                0
            },
            previous: current - 1,
            count,
            current,
            total_pages,
            start_index: if count == 0 { 0 } else { start + 1 },
            end_index: count.min(start.saturating_add(paging.size)),
        })
    }

    /// Returns the range of rows on the page.
    pub(super) fn range(&self) -> Range<usize> {
        self.start_index.saturating_sub(1)..self.end_index
    }
}

/// The list that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListKind {
    Users,
    Groups,
}

impl ListKind {
    /// Returns the `autocomplete` object: `None` in old releases, empty where search is plain.
    fn autocomplete(self, release: Release) -> Option<&'static str> {
        match (self, release) {
            (_, Release::V2024_2) => None,
            (Self::Users, _) => Some(USER_AUTOCOMPLETE),
            (Self::Groups, Release::V2025_10) => Some("{}"),
            (Self::Groups, Release::V2026_5) => Some(GROUP_AUTOCOMPLETE),
        }
    }

    /// Writes a page with the fields in the order of the real answer.
    pub(super) fn body(
        self,
        release: Release,
        pagination: &Pagination,
        rows: &impl Serialize,
    ) -> serde_json::Result<Vec<u8>> {
        let mut body = br#"{"pagination":"#.to_vec();
        serde_json::to_writer(&mut body, pagination)?;
        body.extend_from_slice(br#","results":"#);
        serde_json::to_writer(&mut body, rows)?;
        if let Some(autocomplete) = self.autocomplete(release) {
            body.extend_from_slice(br#","autocomplete":"#);
            body.extend_from_slice(autocomplete.as_bytes());
        }
        body.push(b'}');
        Ok(body)
    }
}
