//! Properties of the transform that hold for every directory, however hostile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use authentik_entity_provider::catalog::entity::Kind;
use authentik_entity_provider::catalog::explain::explain;
use authentik_entity_provider::catalog::finding::Code;
use authentik_entity_provider::catalog::name::{is_valid_name, sanitize_name};
use authentik_entity_provider::catalog::plan::{Names, Plan};
use authentik_entity_provider::catalog::policy::NamePolicy;
use authentik_entity_provider::directory::{Directory, User, UserPk};
use authentik_entity_provider::snapshot::Snapshot;
use authentik_entity_provider::snapshot::document::Document;
use authentik_entity_provider::snapshot::rendition::Encoding;
use authentik_entity_provider::snapshot::shard::ShardCount;
use authentik_entity_provider::snapshot::sync_mode::ResumePoint;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use crate::support::hostile::{World, world};

/// The entities of a transform, with names and findings.
struct Outcome {
    document: Document,
    entities: Vec<Value>,
    names: Names,
    left_out: BTreeSet<String>,
}

impl Outcome {
    fn of(world: &World, held: &Names) -> Self {
        let directory = Directory::new(world.users.clone(), world.groups.clone());
        let plan = Plan::new(&directory, &world.policy, held);
        let document = Document::render(&plan, None);
        let parse = |(_, json): (&str, &[u8])| serde_json::from_slice(json).unwrap();
        let entities = document.entities(None).map(parse).collect();
        let unnamed = plan.findings().iter().filter(|finding| {
            matches!(finding.code, Code::NameCollision | Code::NameEmpty) && finding.name.is_none()
        });
        let left_out = unnamed.filter_map(|finding| finding.pk.clone()).collect();
        let names = plan.names();
        Self {
            document,
            entities,
            names,
            left_out,
        }
    }

    /// Returns the entities of a kind by name.
    fn by_name(&self, kind: &str) -> BTreeMap<&str, &Value> {
        let of_kind = self.entities.iter().filter(|entity| entity["kind"] == kind);
        of_kind.map(|entity| (name(entity), entity)).collect()
    }

    /// Returns the names of a kind by pk.
    fn by_pk(&self, kind: &str) -> BTreeMap<String, &str> {
        let of_kind = self.entities.iter().filter(|entity| entity["kind"] == kind);
        of_kind
            .map(|entity| (pk(entity).to_owned(), name(entity)))
            .collect()
    }
}

fn name(entity: &Value) -> &str {
    entity["metadata"]["name"].as_str().unwrap()
}

fn pk(entity: &Value) -> &str {
    entity["metadata"]["annotations"]["authentik.goauthentik.io/pk"]
        .as_str()
        .unwrap()
}

fn list<'v>(entity: &'v Value, key: &str) -> Vec<&'v str> {
    entity["spec"][key]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect()
}

/// Returns true if a user is a candidate for an entity.
fn is_candidate(world: &World, user: &User) -> bool {
    user.is_active && (world.policy.include_service_accounts || !user.is_service_account())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_rows_never_matters(world in world(), turn in 0..12usize) {
        let one = Outcome::of(&world, &world.held);
        let mut turned = world.clone();
        let (users, groups) = (turned.users.len().max(1), turned.groups.len().max(1));
        turned.users.rotate_left(turn % users);
        turned.groups.rotate_left(turn % groups);
        turned.users.reverse();
        for group in &mut turned.groups {
            group.users.reverse();
            group.parents.reverse();
        }
        let other = Outcome::of(&turned, &world.held);
        prop_assert_eq!(one.document.bytes(), other.document.bytes());
        prop_assert_eq!(one.names, other.names);
    }

    #[test]
    fn no_reference_dangles_and_no_ref_occurs_twice(world in world()) {
        let outcome = Outcome::of(&world, &world.held);
        let (groups, users) = (outcome.by_name("Group"), outcome.by_name("User"));
        prop_assert_eq!(groups.len() + users.len(), outcome.entities.len(), "a ref came twice");
        for group in groups.values() {
            prop_assert!(list(group, "members").iter().all(|name| users.contains_key(name)), "{}", group);
            prop_assert!(list(group, "children").iter().all(|name| groups.contains_key(name)), "{}", group);
            let parent = group["spec"].get("parent").map(|parent| parent.as_str().unwrap());
            prop_assert!(parent.is_none_or(|parent| groups.contains_key(parent)), "{}", group);
        }
        for user in users.values() {
            prop_assert!(list(user, "memberOf").iter().all(|name| groups.contains_key(name)), "{}", user);
        }
    }

    #[test]
    fn memberships_agree_on_both_sides_and_follow_the_pks(world in world()) {
        let outcome = Outcome::of(&world, &world.held);
        let (users, groups) = (outcome.by_pk("User"), outcome.by_pk("Group"));
        let named = world.groups.iter().filter_map(|group| Some((group, *groups.get(&group.pk.to_string())?)));
        let expected: BTreeSet<_> = named
            .flat_map(|(group, name)| group.users.iter().map(move |pk| (name, pk.to_string())))
            .filter_map(|(group, pk)| Some((group, *users.get(&pk)?)))
            .collect();
        let (by_group, by_user) = (outcome.by_name("Group"), outcome.by_name("User"));
        let members: Vec<_> = by_group
            .iter()
            .flat_map(|(group, entity)| list(entity, "members").into_iter().map(move |user| (*group, user)))
            .collect();
        let memberships: Vec<_> = by_user
            .iter()
            .flat_map(|(user, entity)| list(entity, "memberOf").into_iter().map(move |group| (group, *user)))
            .collect();
        prop_assert_eq!(members.len(), expected.len());
        prop_assert_eq!(memberships.len(), expected.len());
        prop_assert_eq!(members.into_iter().collect::<BTreeSet<_>>(), expected.clone());
        prop_assert_eq!(memberships.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn the_hierarchy_is_a_part_of_the_rows_without_cycles(world in world()) {
        let outcome = Outcome::of(&world, &world.held);
        let (groups, by_pk) = (outcome.by_name("Group"), outcome.by_pk("Group"));
        let mut parents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (parent, entity) in &groups {
            for child in list(entity, "children") {
                prop_assert!(parents.entry(child).or_default().insert(parent), "a child is listed twice");
            }
        }
        let named = |pk: &dyn ToString| by_pk.get(&pk.to_string()).copied();
        for row in &world.groups {
            let Some(name) = named(&row.pk) else { continue };
            let wanted: BTreeSet<_> = row.parents.iter().filter_map(|pk| named(pk)).collect();
            let given = parents.get(name).cloned().unwrap_or_default();
            prop_assert!(given.is_subset(&wanted), "{} has parents that the rows lack", name);
            let parent = groups[name]["spec"].get("parent").map(|parent| parent.as_str().unwrap());
            prop_assert_eq!(parent, given.first().copied(), "the parent is the first by name");
        }
        let mut unplaced: BTreeSet<_> = groups.keys().copied().collect();
        while let Some(root) = unplaced.iter().copied().find(|name| {
            parents.get(name).is_none_or(|parents| parents.iter().all(|parent| !unplaced.contains(parent)))
        }) {
            unplaced.remove(root);
        }
        prop_assert!(unplaced.is_empty(), "a cycle among {:?}", unplaced);
    }

    #[test]
    fn exactly_the_groups_that_are_not_excluded_appear(world in world()) {
        let outcome = Outcome::of(&world, &world.held);
        let (users, groups) = (outcome.by_pk("User"), outcome.by_pk("Group"));
        for user in &world.users {
            let pk = user.pk.to_string();
            let expected = is_candidate(&world, user) && !outcome.left_out.contains(&pk);
            prop_assert_eq!(users.contains_key(&pk), expected, "{:?}", user);
        }
        for group in &world.groups {
            let pk = group.pk.to_string();
            let excluded = world.policy.exclude_groups.contains(&sanitize_name(&group.name));
            let expected = !excluded && !outcome.left_out.contains(&pk);
            prop_assert_eq!(groups.contains_key(&pk), expected, "{:?}", group);
        }
        if world.policy.names != NamePolicy::NpmModule {
            prop_assert!(outcome.left_out.is_empty(), "a repaired name is always found");
        }
    }

    #[test]
    fn names_follow_the_npm_modules_rule_or_are_valid_for_backstage(world in world()) {
        let outcome = Outcome::of(&world, &world.held);
        let users = world.users.iter().map(|user| ("User", user.pk.to_string(), &*user.username));
        let groups = world.groups.iter().map(|group| ("Group", group.pk.to_string(), &*group.name));
        for (kind, pk, source) in users.chain(groups) {
            let Some(name) = outcome.by_pk(kind).get(&pk).copied() else { continue };
            match world.policy.names {
                NamePolicy::NpmModule => prop_assert_eq!(name, sanitize_name(source)),
                NamePolicy::Backstage | NamePolicy::Slug => prop_assert!(is_valid_name(name), "{}", name),
            }
        }
    }

    #[test]
    fn groups_come_first_and_every_list_is_sorted(world in world()) {
        let outcome = Outcome::of(&world, &world.held);
        prop_assert!(outcome.entities.is_sorted_by_key(|entity| (entity["kind"] == "User", name(entity))));
        for entity in &outcome.entities {
            for key in ["children", "members", "memberOf"] {
                if entity["spec"].get(key).is_some() {
                    prop_assert!(list(entity, key).is_sorted(), "{}", entity);
                }
            }
            let texts = entity["spec"]["profile"].as_object().into_iter().flatten();
            for (key, text) in texts {
                prop_assert!(!text.as_str().unwrap().is_empty(), "Backstage refuses an empty {}", key);
            }
        }
    }

    #[test]
    fn the_transform_with_its_own_names_changes_nothing(world in world()) {
        let one = Outcome::of(&world, &world.held);
        let two = Outcome::of(&world, &one.names);
        prop_assert_eq!(one.document.bytes(), two.document.bytes());
        prop_assert_eq!(one.names, two.names);
    }

    #[test]
    fn an_explanation_agrees_with_what_is_served(world in world()) {
        let served = Outcome::of(&world, &world.held);
        let directory = Directory::new(world.users.clone(), world.groups.clone());
        // The service explains with the names of its snapshot, a command with those of an earlier
        // one.
        for held in [&world.held, &served.names] {
            let plan = Plan::new(&directory, &world.policy, held);
            let users = directory.users().iter().map(|user| (Kind::User, user.pk.to_string()));
            let groups = directory.groups().iter().map(|group| (Kind::Group, group.pk.to_string()));
            let mut explained = BTreeSet::new();
            for (kind, pk) in users.chain(groups) {
                let of_pk = explain(&plan, kind, &pk).into_iter().find(|explanation| explanation.pk == pk);
                let explanation = of_pk.unwrap();
                prop_assert_eq!(explanation.entity.is_none(), explanation.reason.is_some());
                prop_assert!(!explanation.rules.is_empty());
                explained.extend(explanation.entity.map(|entity| entity.get().to_owned()));
            }
            let entities = served.document.entities(None);
            let entities: BTreeSet<_> =
                entities.map(|(_, json)| String::from_utf8(json.to_vec()).unwrap()).collect();
            prop_assert_eq!(explained, entities);
        }
    }

    #[test]
    fn a_collision_is_explained_by_the_row_that_has_the_name(world in world()) {
        let directory = Directory::new(world.users.clone(), world.groups.clone());
        let plan = Plan::new(&directory, &world.policy, &world.held);
        for user in directory.users() {
            let of_pk = explain(&plan, Kind::User, &user.pk.to_string());
            let explanation = of_pk.into_iter().find(|found| found.pk == user.pk.to_string()).unwrap();
            let reason = explanation.reason.unwrap_or_default();
            let expected = match reason.strip_prefix("name collides with pk ") {
                Some(pk) => plan.names().users.get(&UserPk(pk.parse().unwrap())).map(|name| &**name)
                    == Some(&sanitize_name(&user.username)),
                None => match reason.as_str() {
                    "" => plan.names().users.contains_key(&user.pk),
                    "inactive" => !user.is_active,
                    "service account" => user.is_service_account() && !world.policy.include_service_accounts,
                    "empty name" => user.username.is_empty(),
                    other => panic!("{other}"),
                },
            };
            prop_assert!(expected, "{}: {:?}", reason, user);
        }
    }

    #[test]
    fn the_same_rows_and_held_names_give_the_same_tags(world in world()) {
        let make = |turn: bool, previous: Option<&Snapshot>, read_at| {
            let (mut users, mut groups) = (world.users.clone(), world.groups.clone());
            if turn {
                users.reverse();
                groups.reverse();
            }
            let directory = Arc::new(Directory::new(users, groups));
            Snapshot::new(directory, Arc::new(world.policy.clone()), previous, None, (read_at, ResumePoint::default()))
        };
        let tags = |snapshot: &Snapshot| {
            let plain = snapshot.identity();
            [plain.etag.clone(), plain.encoded(Encoding::Gzip).etag]
        };
        let first = make(false, None, Timestamp::UNIX_EPOCH);
        let restarted = make(true, None, Timestamp::MAX);
        let following = make(true, Some(&first), Timestamp::MAX);
        prop_assert_eq!(tags(&first), tags(&restarted));
        prop_assert_eq!(tags(&first), tags(&following));
        prop_assert_eq!(&first.identity().bytes, &restarted.identity().bytes);
    }

    #[test]
    fn a_document_with_copied_entities_equals_a_new_one(
        before in world(),
        mut after in world(),
        shares in any::<[bool; 2]>(),
    ) {
        // Without common users hardly any entity is copied.
        if shares[0] {
            let known: BTreeSet<_> = after.users.iter().map(|user| user.pk).collect();
            after.users.extend(before.users.iter().filter(|user| !known.contains(&user.pk)).cloned());
        }
        if shares[1] {
            after.policy = before.policy.clone();
        }
        let earlier = Outcome::of(&before, &Names::default());
        let directory = Directory::new(after.users, after.groups);
        let plan = Plan::new(&directory, &after.policy, &earlier.names);
        let alone = Document::render(&plan, None);
        let beside = Document::render(&plan, Some(&earlier.document));
        prop_assert_eq!(alone.bytes(), beside.bytes());
        prop_assert_eq!(alone.digest(), beside.digest());
        for shard in "1024".parse::<ShardCount>().unwrap().shards() {
            prop_assert_eq!(alone.shard_digest(shard), beside.shard_digest(shard));
            prop_assert!(alone.shard(shard, None).eq(beside.shard(shard, None)));
        }
        for kind in [Kind::Group, Kind::User] {
            prop_assert!(alone.entities(Some(kind)).eq(beside.entities(Some(kind))));
        }
        let known: BTreeSet<&[u8]> = earlier.document.entities(None).map(|(_, json)| json).collect();
        let new = alone.entities(None).filter(|(_, json)| !known.contains(json)).count();
        prop_assert_eq!((alone.rendered(), beside.rendered()), (alone.entities(None).count(), new));
    }
}
