//! The releases that the fake Authentik imitates, and their differences.

use std::fmt;
use std::str::FromStr;

/// An imitated release of Authentik.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Release {
    /// 2024.2: one parent in each group, no flags, no date filters.
    V2024_2,
    /// 2025.10: one parent in each group, flags, no page cap.
    V2025_10,
    /// 2026.5: many parents in each group, roles of users, pages capped at 100.
    V2026_5,
}

impl Release {
    /// Every release, oldest first.
    pub const ALL: [Self; 3] = [Self::V2024_2, Self::V2025_10, Self::V2026_5];

    /// Returns Authentik's number of the release, without the patch level.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_2 => "2024.2",
            Self::V2025_10 => "2025.10",
            Self::V2026_5 => "2026.5",
        }
    }

    /// Returns the version string that the version endpoint reports.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::V2024_2 => "2024.2.2",
            Self::V2025_10 => "2025.10.0-rc1",
            Self::V2026_5 => "2026.5.0-rc1",
        }
    }

    /// Returns the content type of JSON answers, which follows the renderer in use.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::V2025_10 => "application/json; charset=utf-8",
            Self::V2024_2 | Self::V2026_5 => "application/json",
        }
    }

    /// Returns the page size of a request without `page_size`.
    pub(super) fn default_page_size(self) -> usize {
        if self.has_many_parents() { 20 } else { 100 }
    }

    /// Returns the largest page size; the server silently lowers larger requests.
    pub(super) fn page_cap(self) -> Option<usize> {
        self.has_many_parents().then_some(100)
    }

    /// Returns true if groups have `parents` and users have roles (from 2025.12).
    pub(super) fn has_many_parents(self) -> bool {
        self >= Self::V2026_5
    }

    /// Returns true if `include_*` flags, children, dates and their filters exist (all from 2025.8
    /// at the latest).
    pub(super) fn has_flags(self) -> bool {
        self >= Self::V2025_10
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The named release is not one that the fake Authentik can imitate.
#[derive(Debug, thiserror::Error)]
#[error("release {0:?} is unknown: use 2024.2, 2025.10 or 2026.5")]
pub struct UnknownRelease(String);

impl FromStr for Release {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|release| release.as_str() == text)
            .ok_or_else(|| UnknownRelease(text.into()))
    }
}
