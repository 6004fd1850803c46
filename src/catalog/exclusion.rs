//! Applies `excludeGroups` and reports its entries that have no effect.

use std::collections::BTreeSet;

use super::finding::{Code, Finding};
use super::name::sanitize_name;
use crate::directory::Group;

/// The entries of `excludeGroups`.
#[derive(Debug)]
pub(super) struct Exclusion<'p> {
    entries: &'p [String],
    excluded: BTreeSet<&'p str>,
}

impl<'p> Exclusion<'p> {
    /// Prepares the entries for look-up.
    pub(super) fn new(entries: &'p [String]) -> Self {
        Self {
            entries,
            excluded: entries.iter().map(String::as_str).collect(),
        }
    }

    /// The entry that excludes a group, if there is one. The npm module's rule sanitizes the group's
    /// name, under either [`NamePolicy`](super::policy::NamePolicy).
    pub(super) fn entry(&self, group: &Group) -> Option<&'p str> {
        if self.excluded.is_empty() {
            return None;
        }
        self.excluded
            .get(sanitize_name(&group.name).as_str())
            .copied()
    }

    /// Returns a finding for each entry that matches no group, with the closest name if any.
    pub(super) fn findings(&self, groups: &[Group]) -> Vec<Finding> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let known: BTreeSet<String> = groups
            .iter()
            .map(|group| sanitize_name(&group.name))
            .collect();
        self.entries
            .iter()
            .filter_map(|entry| finding(entry, &known))
            .collect()
    }
}

/// Returns the finding about one entry, if it matches no group.
fn finding(entry: &str, known: &BTreeSet<String>) -> Option<Finding> {
    let sanitized = sanitize_name(entry);
    if sanitized != entry {
        return Some(Finding::general(Code::ExcludeMisspelt, entry).with_message(
            format!("excludeGroups has {entry:?}, which is not in sanitized form, so it excludes no group"),
            format!("write {:?}", nearest(&sanitized, known).unwrap_or(&sanitized)),
        ));
    }
    if known.contains(entry) {
        return None;
    }
    let remedy = nearest(&sanitized, known).map_or_else(
        || "remove the entry, or check that the group still exists in Authentik".to_owned(),
        |name| format!("write {name:?}, or remove the entry"),
    );
    let message = format!("excludeGroups has {entry:?}, but no group has this sanitized name");
    Some(Finding::general(Code::ExcludeUnmatched, entry).with_message(message, remedy))
}

/// The known name closest to `name`, within an edit distance of 1 + a fifth of its length.
fn nearest<'k>(name: &str, known: &'k BTreeSet<String>) -> Option<&'k String> {
    let allowed = 1 + name.len() / 5;
    let distances = known
        .iter()
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate));
    distances
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::directory::GroupPk;

    fn groups() -> Vec<Group> {
        ["Authentik Admins", "Tech Ops!"]
            .iter()
            .map(|name| Group {
                fields: crate::directory::Fields::default(),
                pk: GroupPk(Uuid::nil()),
                name: (*name).into(),
                parents: [].into(),
                users: [].into(),
            })
            .collect()
    }

    fn remedy(entry: &str) -> Option<(Code, String)> {
        let entries = [entry.to_owned()];
        Exclusion::new(&entries)
            .findings(&groups())
            .pop()
            .map(|finding| (finding.code, finding.remedy))
    }

    #[test]
    fn a_group_is_matched_by_its_sanitized_name_alone() {
        let entries = ["authentik-admins".to_owned()];
        let exclusion = Exclusion::new(&entries);
        assert!(exclusion.entry(&groups()[0]).is_some() && exclusion.entry(&groups()[1]).is_none());
        let raw = ["Authentik Admins".to_owned()];
        assert!(Exclusion::new(&raw).entry(&groups()[0]).is_none());
    }

    #[test]
    fn entries_without_effect_are_reported_with_the_closest_name() {
        assert_eq!(remedy("authentik-admins"), None);
        let misspelt = |name: &str| Some((Code::ExcludeMisspelt, format!("write {name:?}")));
        assert_eq!(remedy("Authentik Admins"), misspelt("authentik-admins"));
        assert_eq!(remedy("Tech Ops"), misspelt("tech-ops-"));
        assert_eq!(remedy("Sales"), misspelt("sales"));
        let unmatched = |remedy: &str| Some((Code::ExcludeUnmatched, remedy.to_owned()));
        assert_eq!(
            remedy("tech-ops"),
            unmatched("write \"tech-ops-\", or remove the entry")
        );
        let (code, text) = remedy("marketing").unwrap();
        assert!(
            code == Code::ExcludeUnmatched && text.starts_with("remove the entry"),
            "{text}"
        );
    }
}
