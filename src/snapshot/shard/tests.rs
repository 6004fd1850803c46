use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base_url::BaseUrl;
use crate::catalog::entity::Kind;
use crate::catalog::plan::{Names, Plan};
use crate::catalog::policy::{NamePolicy, Policy};
use crate::directory::{Directory, Group, GroupPk};
use crate::snapshot::rendition::{Format, Rendition, Variant};

fn every_count() -> impl Iterator<Item = ShardCount> {
    (0..=10).map(|power| ShardCount(1 << power))
}

fn count(of: u16) -> ShardCount {
    of.to_string().parse().unwrap()
}

/// The document of a directory with only these groups.
fn document(names: &BTreeSet<String>) -> Document {
    let group = |(number, name): (u128, &String)| Group {
        fields: crate::directory::Fields::default(),
        pk: GroupPk(uuid::Uuid::from_u128(number)),
        name: name.as_str().into(),
        parents: Box::default(),
        users: Box::default(),
    };
    let directory = Arc::new(Directory::new(
        Vec::new(),
        (0..).zip(names).map(group).collect(),
    ));
    let policy = Policy {
        shape: crate::catalog::shape::Shape::default(),
        base_url: BaseUrl::parse("https://authentik.example.com").unwrap(),
        names: NamePolicy::NpmModule,
        exclude_groups: Vec::new(),
        include_service_accounts: false,
    };
    Document::render(&Plan::new(&directory, &policy, &Names::default()), None)
}

fn named(names: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    names
        .into_iter()
        .map(|number| format!("group-{number:04}"))
        .collect()
}

/// Returns the shards whose rendered bodies differ.
fn differing(old: &Document, new: &Document, of: ShardCount) -> Vec<Shard> {
    let body = |document: &Document, shard| {
        Rendition::plain(
            document,
            Variant {
                shard: Some(shard),
                ..Variant::default()
            },
        )
        .bytes
    };
    of.shards()
        .filter(|shard| body(old, *shard) != body(new, *shard))
        .collect()
}

#[test]
fn the_published_rule_gives_known_buckets() {
    // Made with `printf %s user:default/alice | sha256sum`: b9769828… is 3111557160, modulo 1024 is 40.
    for (entity_ref, expected) in [
        ("user:default/alice", 40),
        ("User:Default/ALICE", 40),
        ("user:default/alice.smith", 481),
        ("user:default/a", 660),
        ("user:default/007", 416),
        ("group:default/engineers", 630),
        ("group:default/---launch-crew", 71),
    ] {
        assert_eq!(bucket(entity_ref), expected, "{entity_ref}");
    }
}

#[test]
fn each_bucket_belongs_to_the_shard_of_its_remainder() {
    for of in every_count() {
        let mut seen = BTreeMap::new();
        for shard in of.shards() {
            for bucket in shard.buckets() {
                assert_eq!(
                    bucket % usize::from(of.0),
                    usize::from(shard.index()),
                    "{shard}"
                );
                assert_eq!(seen.insert(bucket, shard), None);
            }
        }
        assert_eq!(seen.len(), usize::from(BUCKETS), "{of}");
    }
}

#[test]
fn a_shard_has_one_spelling() {
    for of in every_count() {
        for shard in of.shards() {
            assert_eq!(shard.to_string().parse(), Ok(shard));
        }
    }
    for (text, expected) in [
        (
            "",
            "expected i/K, such as `0/64`, in digits without leading zeros",
        ),
        ("3", "expected i/K, "),
        ("a/4", "expected i/K, "),
        ("-1/4", "expected i/K, "),
        ("+1/4", "expected i/K, "),
        ("01/4", "expected i/K, "),
        ("1/04", "expected i/K, "),
        (" 1/4", "expected i/K, "),
        ("1/4/2", "expected i/K, "),
        ("0/65536", "expected i/K, "),
        (
            "3/6",
            "the number of shards, K, must be a power of two from 1 to 1024, such as `64`",
        ),
        ("0/0", "the number of shards, K, must be a power of two"),
        ("0/2048", "the number of shards, K, must be a power of two"),
        (
            "64/64",
            "shard numbers start at 0: the last of 64 shards is `63/64`",
        ),
    ] {
        let error = text.parse::<Shard>().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    for text in ["", "0", "3", "2048", "064", "64.0", "-1"] {
        assert_eq!(text.parse::<ShardCount>(), Err(ShardError::Count), "{text}");
    }
}

#[test]
fn without_an_old_document_every_shard_has_changed() {
    let new = document(&named(0..3));
    assert_eq!(
        changed_shards(None, &new, count(8)),
        count(8).shards().collect::<Vec<_>>()
    );
    assert_eq!(changed_shards(Some(&new), &new.clone(), count(8)), []);
}

#[test]
fn a_new_entity_changes_the_shard_of_its_bucket() {
    let (old, new) = (document(&named(0..50)), document(&named(0..51)));
    for of in every_count() {
        let expected = bucket("group:default/group-0050") % of.0;
        assert_eq!(
            changed_shards(Some(&old), &new, of),
            [Shard {
                index: expected,
                of
            }]
        );
    }
}

proptest! {
    // Each case renders up to 1024 shards.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn changed_shards_are_those_with_a_different_body(
        old in prop::collection::btree_set(0_usize..60, 0..40),
        new in prop::collection::btree_set(0_usize..60, 0..40),
        power in 0_u32..=6,
    ) {
        let (old, new, of) = (document(&named(old)), document(&named(new)), ShardCount(1 << power));
        prop_assert_eq!(changed_shards(Some(&old), &new, of), differing(&old, &new, of));
    }

    #[test]
    fn shards_contain_each_entity_once_and_in_order(
        names in prop::collection::btree_set("[a-z0-9][a-z0-9.-]{0,6}", 0..80),
        power in 0_u32..=10,
    ) {
        let document = document(&names);
        let mut found = Vec::new();
        for shard in ShardCount(1 << power).shards() {
            let part: Vec<_> = document.shard(shard, None).map(<[u8]>::to_vec).collect();
            let lines = Variant { format: Format::Ndjson, kind: None, shard: Some(shard) };
            let mut joined = part.join(b"\n".as_slice());
            joined.extend_from_slice(if part.is_empty() { b"" } else { b"\n" });
            prop_assert_eq!(&Rendition::plain(&document, lines).bytes, &joined);
            prop_assert_eq!(document.shard(shard, Some(Kind::Group)).count(), part.len());
            prop_assert_eq!(document.shard(shard, Some(Kind::User)).count(), 0);
            let positions = part.iter().map(|json| {
                document.entities(None).position(|(_, whole)| whole == json.as_slice()).unwrap()
            });
            let positions: Vec<_> = positions.collect();
            prop_assert!(positions.is_sorted(), "{positions:?}");
            found.extend(positions);
        }
        found.sort_unstable();
        prop_assert_eq!(found, (0..names.len()).collect::<Vec<_>>());
    }
}

proptest! {
    #[test]
    fn parsing_accepts_only_the_canonical_spelling(text in ".{0,12}|[0-9]{1,5}/[0-9]{1,5}") {
        if let Ok(shard) = text.parse::<Shard>() {
            prop_assert_eq!(shard.to_string(), text);
            prop_assert!(shard.index() < shard.of().0 && shard.of().0 <= BUCKETS);
        }
    }
}
