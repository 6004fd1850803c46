//! Every state of a directory during a run, and assertions that the served entities existed in one
//! of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use fake_authentik::{FakeDirectory, FakeUser, UserKind};
use serde_json::Value;
use uuid::Uuid;

/// The states since the start, and which of them a run can have read.
#[derive(Clone)]
pub struct History {
    states: Arc<Mutex<Vec<FakeDirectory>>>,
    from: usize,
}

/// The served name and spec of a kind, by pk.
type Served = BTreeMap<String, (String, Value)>;

impl History {
    /// Starts with a state.
    pub fn beginning_with(state: &FakeDirectory) -> Self {
        Self {
            states: Arc::new(Mutex::new(vec![state.clone()])),
            from: 0,
        }
    }

    /// Returns the history for a run that starts now.
    pub fn since_now(&self) -> Self {
        Self {
            states: Arc::clone(&self.states),
            from: self.len() - 1,
        }
    }

    /// Adds a state.
    pub fn push(&self, state: &FakeDirectory) {
        self.states.lock().unwrap().push(state.clone());
    }

    /// Returns the number of states.
    pub fn len(&self) -> usize {
        self.states.lock().unwrap().len()
    }

    /// Returns true if a user with this pk ever existed.
    pub fn had_user(&self, pk: u64) -> bool {
        self.states
            .lock()
            .unwrap()
            .iter()
            .any(|state| state.user(pk).is_some())
    }

    /// Returns true if a group with this pk ever existed.
    pub fn had_group(&self, pk: Uuid) -> bool {
        self.states
            .lock()
            .unwrap()
            .iter()
            .any(|state| state.group(pk).is_some())
    }

    /// Returns the pk of the next user; no number is used twice.
    pub fn next_user(&self) -> u64 {
        let states = self.states.lock().unwrap();
        states
            .iter()
            .filter_map(|state| Some(state.users().last()?.pk))
            .max()
            .unwrap_or(0)
            + 1
    }

    /// Asserts that each served row equals one of its states, that every row present during the
    /// whole run is served, and that every reference leads to an entity.
    pub fn assert_holds(&self, users: &[Value], groups: &[Value], what: &str) {
        let states = self.states.lock().unwrap()[self.from..].to_vec();
        let (users, groups) = (by_pk(users, what), by_pk(groups, what));
        assert_users(&states, &users, what);
        assert_groups(&states, &users, &groups, what);
        assert_references(&users, &groups, what);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Indexes entities by pk; asserts that no pk appears twice.
fn by_pk(entities: &[Value], what: &str) -> Served {
    let rows = entities.iter().map(|entity| {
        let metadata = &entity["metadata"];
        let pk = text(&metadata["annotations"]["authentik.goauthentik.io/pk"]);
        (pk, (text(&metadata["name"]), entity["spec"].clone()))
    });
    let served: Served = rows.collect();
    assert_eq!(
        served.len(),
        entities.len(),
        "{what}: a row is served twice"
    );
    served
}

/// Returns the name under which a row is served, if it is.
fn name(served: &Served, pk: &impl ToString) -> Option<String> {
    served.get(&pk.to_string()).map(|(name, _)| name.clone())
}

/// Returns name and display name of a user in a state, or `None` if it is inactive or a service
/// account.
fn visible(user: &FakeUser) -> Option<(String, String)> {
    let person = matches!(user.kind, UserKind::Internal | UserKind::External);
    (user.is_active && person).then(|| (user.username.clone(), user.name.clone()))
}

/// Asserts that every served row existed in some state.
fn assert_known(served: &Served, pks: impl Iterator<Item = String>, what: &str) {
    let pks: BTreeSet<_> = pks.collect();
    for pk in served.keys() {
        assert!(
            pks.contains(pk),
            "{what}: {pk} was not there during the run"
        );
    }
}

fn assert_users(states: &[FakeDirectory], served: &Served, what: &str) {
    let pks: BTreeSet<u64> = states
        .iter()
        .flat_map(FakeDirectory::users)
        .map(|user| user.pk)
        .collect();
    assert_known(served, pks.iter().map(u64::to_string), what);
    for pk in pks {
        let were: Vec<_> = states
            .iter()
            .map(|state| state.user(pk).and_then(visible))
            .collect();
        let is = served.get(&pk.to_string());
        let is = is.map(|(name, spec)| (name.clone(), text(&spec["profile"]["displayName"])));
        assert!(
            were.contains(&is),
            "{what}: user {pk} was never {is:?}: {were:?}"
        );
    }
}

fn assert_groups(states: &[FakeDirectory], users: &Served, served: &Served, what: &str) {
    let pks: BTreeSet<Uuid> = states
        .iter()
        .flat_map(FakeDirectory::groups)
        .map(|group| group.pk)
        .collect();
    assert_known(served, pks.iter().map(Uuid::to_string), what);
    for pk in pks {
        let were = states.iter().map(|state| {
            let group = state.group(pk)?;
            let members: BTreeSet<_> = group
                .users()
                .iter()
                .filter_map(|pk| name(users, pk))
                .collect();
            let parent = group.parents().iter().find_map(|pk| name(served, pk));
            Some((group.name.clone(), members, parent))
        });
        let were: Vec<_> = were.collect();
        let is = served.get(&pk.to_string()).map(|(name, spec)| {
            let members = spec["members"]
                .as_array()
                .unwrap()
                .iter()
                .map(text)
                .collect();
            (
                name.clone(),
                members,
                spec["parent"].as_str().map(str::to_owned),
            )
        });
        assert!(
            were.contains(&is),
            "{what}: group {pk} was never {is:?}: {were:?}"
        );
    }
}

/// Asserts that every name in a spec is that of an entity.
fn assert_references(users: &Served, groups: &Served, what: &str) {
    let ways = [
        (users, "memberOf", groups),
        (groups, "members", users),
        (groups, "children", groups),
    ];
    for (rows, key, others) in ways.into_iter().chain([(groups, "parent", groups)]) {
        let known: BTreeSet<_> = others.values().map(|(name, _)| name.clone()).collect();
        for (name, spec) in rows.values() {
            let one = spec[key].as_str().map(str::to_owned);
            for other in spec[key]
                .as_array()
                .into_iter()
                .flatten()
                .map(text)
                .chain(one)
            {
                assert!(
                    known.contains(&other),
                    "{what}: {key} of {name} leads to {other}"
                );
            }
        }
    }
}
