//! Answers of any content: rows or an error, and from rows only entities with unique names that
//! Backstage accepts.
#![no_main]

use std::collections::BTreeSet;

use authentik_entity_provider::authentik::wire::{Page, WireGroup, WireUser};
use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::catalog::name::is_valid_name;
use authentik_entity_provider::catalog::plan::{Names, Plan};
use authentik_entity_provider::catalog::policy::{NamePolicy, Policy};
use authentik_entity_provider::catalog::shape::Shape;
use authentik_entity_provider::directory::Directory;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let users = serde_json::from_slice::<Page<WireUser>>(input).map(|page| page.results).unwrap_or_default();
    let groups =
        serde_json::from_slice::<Page<WireGroup>>(input).map(|page| page.results).unwrap_or_default();
    let users = users.into_iter().map(Into::into).collect();
    let groups = groups.into_iter().map(Into::into).collect();
    let directory = Directory::new(users, groups);
    for names in [NamePolicy::NpmModule, NamePolicy::Backstage, NamePolicy::Slug] {
        let base_url = BaseUrl::parse("https://authentik.example.com").expect("an URL");
        let policy = Policy { base_url, names, exclude_groups: Vec::new(), include_service_accounts: true, shape: Shape::default() };
        let plan = Plan::new(&directory, &policy, &Names::default());
        let mut taken = BTreeSet::new();
        for entity in plan.entities() {
            // `names: npm-module` leaves invalid names unchanged and reports them.
            assert!(
                names == NamePolicy::NpmModule || is_valid_name(entity.metadata.name),
                "{:?}",
                entity.metadata
            );
            assert!(taken.insert((entity.kind, entity.metadata.name.to_owned())), "{:?}", entity.metadata);
        }
    }
});
